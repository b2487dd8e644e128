"""Tasks whose figures in fewer bits benchmarks/precision.py measures."""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.action_features import POSE_CLIP, clip_features, mirror_clips
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.gestures import OUTPUT, create_gesture_classifier
from ros2_hand_action.perception.hands import HandDetectorOptions, create_hand_detector
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.pipeline import Pipeline, PipelineOptions
from ros2_hand_action.training.action_judging import judge
from ros2_hand_action.training.action_report import JUDGING_VIEWS, report_actions
from ros2_hand_action.training.action_sequences import read_jhmdb, read_kard, read_utd
from ros2_hand_action.training.action_training import deal_folds
from ros2_hand_action.training.box_dataset import read_boxed_pictures
from ros2_hand_action.training.dataset import load_picture, read_labelled_pictures
from ros2_hand_action.training.gesture_evaluation import evaluate_gestures
from ros2_hand_action.training.hand_evaluation import evaluate_hands
from ros2_hand_action.training.pose_dataset import PoseDataset, read_pose_dataset
from ros2_hand_action.training.pose_evaluation import evaluate_poses

CROPS, VIDEO_IMAGES = 300, 60
VIDEOS = ('jumping_jacks', 'walking_man', 'rooftop_dance')
_TAIL_SCORE = 0.01
_ONE_VIEW = {'whole_scales': (1.0,), 'tile_fractions': (), 'use_bodies': False}


class Figure(NamedTuple):
    """A figure of a task, and whether more of it is better."""

    value: float
    is_gain: bool = True


Figures = dict[str, Figure]


def options(precision: str) -> SessionOptions:
    """Return ONNX Runtime on one thread."""
    return SessionOptions(backend='onnxruntime', precision=precision)


class Gestures:
    """Macro F1 on full frames, as docs/gestures.md measures it."""

    networks = ('palm_detection_full', 'hand_landmark_full', 'pose_detection',
                'pose_landmark_full', 'gesture_head')

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._data = arguments.data

    def calibrate(self) -> None:
        """See pictures of hands and people."""
        see_as_the_nodes_do(self._data)

    def measure(self, precision: str) -> Figures:
        """Name the gesture of each picture."""
        pictures = read_labelled_pictures(self._data / 'gestures_dev')
        with (
            create_hand_detector(None, options(precision)) as detector,
            create_gesture_classifier(None, options(precision)) as classifier,
        ):
            evaluation = evaluate_gestures(
                tqdm(pictures, f'gestures {precision}'), detector=detector, classifier=classifier
            )
        return {'macro F1': Figure(evaluation.report.macro_f1)}


class Poses:
    """MPJPE on the ground truth of docs/body_pose.md, the median of looks with faint noise."""

    networks = ('pose_detection', 'pose_landmark_full')

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._data, self._looks = arguments.data, arguments.looks
        self._truth = read_pose_dataset(arguments.poses)

    def calibrate(self) -> None:
        """See pictures of people; the man of the ground truth is not among them."""
        see_as_the_nodes_do(self._data)

    def measure(self, precision: str) -> Figures:
        """Estimate all poses; camera 2, whose face is blurred, is also left out."""
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            for look in tqdm(range(self._looks), f'poses {precision}'):
                entries = [
                    replace(entry, image=_add_noise(entry.image, look, Path(folder)))
                    for entry in self._truth.entries
                ]
                kept = [entry for entry in entries if not entry.sequence.endswith('02')]
                rows.append([
                    evaluate_poses(
                        PoseDataset(self._truth.joints, tuple(chosen)),
                        BodyPoseOptions(model='full'), options(precision),
                    ).mpjpe_mm for chosen in (entries, kept)
                ])
        everything, three = np.median(rows, axis=0)
        return {
            'MPJPE, mm': Figure(float(everything), is_gain=False),
            'MPJPE without camera 2, mm': Figure(float(three), is_gain=False),
        }


class Actions:
    """Recall of sequences of poses of four fifths of the people; the others calibrate."""

    networks = ('action_pose',)

    def __init__(self, arguments: argparse.Namespace) -> None:
        folder = arguments.data / 'actions_train'
        sequences = [
            *read_jhmdb(folder / 'jhmdb_split1_train.npz'), *read_utd(folder / 'utd_mhad.npz'),
            *read_kard(folder / 'kard.npz'),
        ]
        folds = deal_folds(sequences)
        self._judged = [each for each in sequences if folds[each.group] != 0]
        self._others = [each for each in sequences if folds[each.group] == 0]

    def calibrate(self) -> None:
        """See the people who are not judged."""
        with closing(create_session(model_path('action_pose'), options('fp32'))) as session:
            judge(SessionHead(session), self._others, JUDGING_VIEWS)  # type: ignore[arg-type]

    def measure(self, precision: str) -> Figures:
        """Judge the others."""
        with closing(create_session(model_path('action_pose'), options(precision))) as session:
            head = SessionHead(session)
            report = report_actions(
                judge(head, self._judged, JUDGING_VIEWS)  # type: ignore[arg-type]
            )
        return {'accuracy': Figure(report.total.accuracy)}


class Hands:
    """AP50 of the EgoHands detector, one view of each picture."""

    networks = ('egohands_ssd', 'hand_landmark_full')

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._data = arguments.data
        self._options = HandDetectorOptions(
            model='egohands', min_score=_TAIL_SCORE, **_ONE_VIEW  # type: ignore[arg-type]
        )

    def calibrate(self) -> None:
        """See frames with gestures."""
        with create_hand_detector(self._options, options('fp32')) as detector:
            for picture in read_labelled_pictures(self._data / 'gestures_dev')[::2]:
                frame = load_picture(picture.path)
                if frame is not None:
                    detector.detect(frame)

    def measure(self, precision: str) -> Figures:
        """Find the hands of each picture."""
        pictures = read_boxed_pictures(self._data / 'hand_boxes_dev')
        with create_hand_detector(self._options, options(precision)) as detector:
            report = evaluate_hands(
                tqdm(pictures, f'hands {precision}'), detector=detector, threshold=0.5
            ).report
        return {'AP50': Figure(report.average_precision)}


class SessionHead:
    """A session in the place of `action_training.ActionHead`."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def probabilities(self, joints: np.ndarray, worlds: np.ndarray) -> np.ndarray:
        """Return the mean of each clip and its mirror image."""
        rows = [
            [self._session.run({POSE_CLIP: clip_features(*clips)})[OUTPUT] for clips in (
                (joints[i:i + 512], worlds[i:i + 512]),
                mirror_clips(joints[i:i + 512], worlds[i:i + 512]),
            )] for i in range(0, len(joints), 512)
        ]
        return np.concatenate([np.mean(both, axis=0) for both in rows])


Task = Gestures | Poses | Actions | Hands
TASKS: dict[str, Callable[[argparse.Namespace], Task]] = {
    'gestures': Gestures, 'poses': Poses, 'actions': Actions, 'hands': Hands,
}


@contextmanager
def closing(session: InferenceSession) -> Iterator[InferenceSession]:
    """Close a session at the end."""
    try:
        yield session
    finally:
        session.close()


def see_as_the_nodes_do(data: Path) -> None:
    """Let the pipeline see pictures of hands, crops of hands that show gestures, and videos."""
    random.seed(0)
    crops = random.sample(sorted((data / 'gestures_train').glob('*/*.jpg')), CROPS)
    pictures = [*sorted((data / 'hand_boxes_dev').glob('*.jpg'))[::2], *crops]
    with Pipeline(PipelineOptions(bodies=True)) as pipeline:
        for path in tqdm(pictures, 'seeing pictures'):
            frame = load_picture(path)
            pipeline.reset()
            if frame is not None:
                pipeline.process(frame)
        for name in VIDEOS:
            pipeline.reset()
            with open_input(media_path(name)) as images:
                for place, image in enumerate(tqdm(images, f'seeing {name}')):
                    if place % 4 == 0 and place < 4 * VIDEO_IMAGES and image.frame is not None:
                        pipeline.process(image.frame)


def _add_noise(image: Path, look: int, folder: Path) -> Path:
    """Return the picture itself for look 0, else one with noise of a grey level."""
    if not look:
        return image
    frame, path = load_picture(image), folder / f'{image.stem}.bmp'
    if frame is None:
        return image
    noise = np.random.default_rng(look).integers(-1, 2, frame.pixels.shape, np.int16)
    cv2.imwrite(str(path), np.clip(frame.pixels + noise, 0, 255).astype(np.uint8))
    return path

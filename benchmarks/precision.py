"""What half precision and 8 bits cost each task, in ONNX Runtime on the processor.

    hand-action models fetch && hand-action models fetch egohands_ssd
    hand-action models fetch walking_man jumping_jacks rooftop_dance
    python benchmarks/pose_ground_truth.py OUT_DIR
    python benchmarks/precision.py DATA --poses OUT_DIR/truth.json --json figures.json

DATA holds gestures_dev and gestures_train (docs/gestures.md), hand_boxes_dev (docs/hands.md) and
actions_train (docs/actions.md). Networks are calibrated on other pictures and people than those
that are judged. The user's own networks in 8 bits are left as they are.
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from own_cache import own_cache
from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.observing import observe
from ros2_hand_action.inference.session import PRECISIONS, InferenceSession, SessionOptions
from ros2_hand_action.models.quantisation import quantise
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.action_features import POSE_CLIP, clip_features, mirror_clips
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.gestures import OUTPUT, create_gesture_classifier
from ros2_hand_action.perception.hands import HandDetectorOptions, create_hand_detector
from ros2_hand_action.replay.calibration import FeedSampler
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.pipeline import Pipeline, PipelineOptions
from ros2_hand_action.training.action_report import JUDGING_VIEWS, report_actions
from ros2_hand_action.training.action_sequences import read_jhmdb, read_kard, read_utd
from ros2_hand_action.training.action_training import deal_folds, judge
from ros2_hand_action.training.box_dataset import read_boxed_pictures
from ros2_hand_action.training.dataset import load_picture, read_labelled_pictures
from ros2_hand_action.training.gesture_evaluation import evaluate_gestures
from ros2_hand_action.training.hand_evaluation import evaluate_hands
from ros2_hand_action.training.pose_dataset import PoseDataset, read_pose_dataset
from ros2_hand_action.training.pose_evaluation import evaluate_poses

BOUNDS = {'fp16': 0.005, 'int8': 0.02}
"""Largest loss against single precision."""
SAMPLES = 200
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


def quantise_networks(task: Task) -> None:
    """Write the networks of a task in 8 bits, calibrated by it."""
    samplers = {name: FeedSampler(SAMPLES) for name in task.networks}
    with ExitStack() as stack:
        for name, sampler in samplers.items():
            stack.enter_context(observe(model_path(name), sampler.take))
        task.calibrate()
    for name, sampler in samplers.items():
        with tqdm(total=1.001, desc=f'quantising {name}') as bar:
            made = quantise(model_path(name), sampler.samples, bar.update)
        print(f'{name}: {made.layers} of {made.of} layers in 8 bits', flush=True)


def compare(name: str, figures: dict[str, Figures]) -> Iterator[str]:
    """Yield a line of a table for each figure of a task."""
    for metric, (single, is_gain) in figures['fp32'].items():
        cells = [name, metric, f'{single:.4g}']
        for precision, bound in BOUNDS.items():
            value = figures[precision][metric].value
            loss = (single - value if is_gain else value - single) / single
            verdict = '' if loss <= bound else f' (more than {bound:.1%})'
            cells.append(f'{value:.4g}, {-loss if is_gain else loss:+.2%}{verdict}')
        yield f'| {" | ".join(cells)} |'


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data', type=Path, metavar='DATA')
    parser.add_argument('--poses', type=Path, metavar='FILE', help='truth.json; else no poses')
    parser.add_argument('--only', nargs='+', choices=TASKS, default=list(TASKS))
    parser.add_argument('--looks', type=int, default=5, help='at each pose (default: %(default)s)')
    parser.add_argument('--json', type=Path, metavar='FILE')
    parsed = parser.parse_args(arguments)
    found: dict[str, dict[str, Figures]] = {}
    with own_cache('models', 'sources', 'media'):
        for name in parsed.only:
            if name == 'poses' and not parsed.poses:
                print('no --poses: poses are left out')
                continue
            task = TASKS[name](parsed)
            quantise_networks(task)
            found[name] = {precision: task.measure(precision) for precision in PRECISIONS}
            print('\n'.join(compare(name, found[name])), flush=True)
    print('| task | figure | fp32 | fp16 | int8 |\n|---|---|---|---|---|')
    print('\n'.join(line for name in found for line in compare(name, found[name])))
    if parsed.json:
        write_json(parsed.json, {
            name: {precision: {metric: each.value for metric, each in figures.items()}
                   for precision, figures in by_precision.items()}
            for name, by_precision in found.items()
        })


if __name__ == '__main__':
    cv2.setNumThreads(1)
    main()

"""`hand-action models check`: which convention NVIDIA's networks were made for."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import EXACT, InferenceSession
from ros2_hand_action.models import check_bodies
from ros2_hand_action.models.check import ConventionJudge, check_conventions
from ros2_hand_action.models.check_bodies import BodyNetJudge, list_people
from ros2_hand_action.models.check_classifiers import ActionNetJudge, GestureNetJudge
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.action_recognition_net import ActionRecognitionNet
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_pose import create_body_pose_tracker
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT
from ros2_hand_action.perception.hands import create_hand_detector
from ros2_hand_action.training.action_dataset import read_action_videos
from ros2_hand_action.training.dataset import read_labelled_pictures

_STEP_NS = 33_333_333


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        'Feed a network in every way that published programs do, and compare the answers with '
        'labels.\nGestureNet: DIR/LABEL/PICTURE, as `gestures evaluate` takes them. '
        'ActionRecognitionNet: DIR/LABEL/VIDEO,\nas `actions evaluate`. Status 0 where the answer '
        'is decisive, else 1.'
    )
    parser.epilog = check_bodies.__doc__
    parser.add_argument('name', metavar='NAME', help='model of the catalogue, or an .onnx file')
    parser.add_argument('--images', type=Path, required=True, metavar='DIR')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures here')
    parser.set_defaults(execute=check)


def check(parsed: argparse.Namespace) -> int:
    """Print how well each convention does, and the winner."""
    check_file(parsed.json, '--json')
    path = Path(parsed.name) if parsed.name.endswith('.onnx') else model_path(parsed.name)
    session = create_session(path, EXACT)
    try:
        with _open_judge(session, parsed.images, str(path)) as (judge, examples):
            verdict = check_conventions(judge, tqdm(examples, 'checking', file=sys.stderr))
    finally:
        session.close()
    print(verdict.format())
    if parsed.json:
        write_json(parsed.json, {'model': parsed.name, **verdict.to_json()})
    return 0 if verdict.is_decisive else 1


@contextmanager
def _open_judge(
    session: InferenceSession, folder: Path, where: str
) -> Iterator[tuple[ConventionJudge[Any], Sequence[Any]]]:
    """Give what judges a network of this signature, and the examples for it."""
    inputs = {spec.name for spec in session.inputs}
    if inputs == {GESTURE_NET_INPUT}:
        pictures = read_labelled_pictures(folder)
        with create_hand_detector(None, EXACT) as detector:

            def find_box(frame: Frame) -> np.ndarray | None:
                best = max(detector.detect(frame), key=lambda hand: hand.score, default=None)
                return None if best is None else best.box_px

            yield GestureNetJudge(session, find_box), pictures
    elif inputs & {'input_rgb', 'input_of'}:
        yield ActionNetJudge(ActionRecognitionNet(session)), read_action_videos(folder)
    elif 'k_inv' in inputs:
        with create_body_pose_tracker(BodyPoseOptions(model='full'), EXACT) as tracker:

            def find_keypoints(frame: Frame) -> np.ndarray | None:
                tracker.reset()
                bodies = [
                    tracker.process(Frame(frame.pixels, frame.order, look * _STEP_NS)).bodies
                    for look in (0, 1)
                ][-1]
                sizes = {body.track_id: np.ptp(body.box_px.reshape(2, 2), axis=0).max()
                         for body in bodies}
                largest = max(bodies, key=lambda body: sizes[body.track_id], default=None)
                return None if largest is None else largest.keypoints_px

            yield BodyNetJudge(session, find_keypoints), list_people(folder)
    else:
        raise ModelError(
            f'{where!r} has the inputs {sorted(inputs)}: only GestureNet, ActionRecognitionNet '
            'and BodyPose3DNet have conventions to choose from'
        )

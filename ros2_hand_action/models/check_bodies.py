"""Conventions of BodyPose3DNet, judged by pictures of people.

A folder of pictures, each showing one person. Beside a picture NAME.jpg may lie NAME.json:

    {"keypoints_px": {"nose": [x, y], "left_wrist": [x, y], ...}, "k": [9 numbers]}

with names out of perception.skeleton.KEYPOINTS, pixels of the picture, and its camera matrix
(optional). Without it `pose_landmark_full` of this package says where the keypoints are.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.inference.wrapped import WrappedSession
from ros2_hand_action.models.check import Outcome
from ros2_hand_action.perception.body_detection import REGION_SCALE
from ros2_hand_action.perception.bodypose3dnet import (
    LIMBS,
    MEAN_LIMB_LENGTHS_MM,
    PRESETS,
    BodyPose3DNet,
)
from ros2_hand_action.perception.camera import CameraModel, make_camera
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS
from ros2_hand_action.perception.stage_times import StageClock
from ros2_hand_action.training.dataset import PICTURE_SUFFIXES, load_picture

FindKeypoints = Callable[[Frame], np.ndarray | None]
"""Returns the keypoints (34, 2) of the person in a frame, NaN = unknown; None without one."""

_K_INV = np.array([
    [0.00124876620338, 0, -0.119881555525], [0, 0.00124876620338, -0.159842074033], [0, 0, 1],
], np.float32)
"""What NVIDIA's DeepStream application gives for every crop, with the identity as t_form_inv."""
_HEIGHT_M = 1.77
_LARGEST_DISTANCE = 0.15
_LEAST_KEYPOINTS = 6
_FLOOR = 1e-3
_NOT_CALIBRATED = (0.0,) * 9


class PersonPicture(NamedTuple):
    """A picture, and its label if it has one."""

    path: Path
    label: Path | None


class FixedInputs(WrappedSession):
    """A session some of whose inputs are always the same.

    Parameters
    ----------
    session : InferenceSession
    fixed : mapping
        Input -> its value for one row.
    """

    def __init__(self, session: InferenceSession, fixed: Mapping[str, np.ndarray]) -> None:
        super().__init__(session)
        self._fixed = fixed

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the session on these inputs in place of those given."""
        rows = len(next(iter(feeds.values())))
        fixed = {name: np.repeat(value[None], rows, axis=0) for name, value in self._fixed.items()}
        return super().run({**feeds, **fixed})


class BodyNetJudge:
    """Puts people through a BodyPose3DNet: pixels of each preset, and which camera it is told.

    `camera: crop` tells it the picture's own camera seen through the crop, `camera: fixed` the
    constants of NVIDIA's application. An example's score is the distance of its keypoints from
    the label, in longer sides of the person's box, times how far limbs that are lifted to metres
    are from their known lengths; which is why the camera can be told apart without depth.

    Parameters
    ----------
    session : InferenceSession
    find_keypoints : FindKeypoints
        Asked where a picture has no label.
    """

    factors = ('pixels', 'camera')
    conventions = tuple(product(PRESETS, ('crop', 'fixed')))
    figure = 'distance of keypoints, in sides of the box'

    def __init__(self, session: InferenceSession, find_keypoints: FindKeypoints) -> None:
        self._find_keypoints = find_keypoints
        fixed = FixedInputs(session, {'k_inv': _K_INV, 't_form_inv': np.eye(3, dtype=np.float32)})
        sessions: dict[str, InferenceSession] = {'crop': session, 'fixed': fixed}
        self._networks = [
            BodyPose3DNet(
                sessions[camera], preset=preset, keypoint_threshold=0.0, height_m=_HEIGHT_M
            ) for preset, camera in self.conventions
        ]

    def judge(self, example: PersonPicture) -> Outcome | None:
        """Return the outcome; None where nobody is seen."""
        frame = load_picture(example.path)
        if frame is None:
            return None
        keypoints_px, k = _read_label(example.label) if example.label else (None, _NOT_CALIBRATED)
        if keypoints_px is None:
            keypoints_px = self._find_keypoints(frame)
        if keypoints_px is None or np.isfinite(keypoints_px[:, 0]).sum() < _LEAST_KEYPOINTS:
            return None
        camera = make_camera(image_size=(frame.width_px, frame.height_px), k=k)
        found = [
            self._compare(network, frame, camera, keypoints_px) for network in self._networks
        ]
        distances, limbs = np.array(found).T
        return Outcome(-np.log(distances + _FLOOR) - np.log(limbs + _FLOOR), distances)

    def fits(self, figure: float) -> bool:
        """Return whether keypoints are about where they belong."""
        return figure < _LARGEST_DISTANCE

    @staticmethod
    def _compare(
        network: BodyPose3DNet, frame: Frame, camera: CameraModel, wanted_px: np.ndarray
    ) -> tuple[float, float]:
        """Return distance from the label, and that of limbs from their lengths, both 0 to 1."""
        low, high = np.nanmin(wanted_px, axis=0), np.nanmax(wanted_px, axis=0)
        side = float((high - low).max())
        region = np.array([[*(low + high) / 2, REGION_SCALE * side, 0.0]])
        seen = network.find(frame, region, camera, StageClock())
        distances = np.linalg.norm(seen.keypoints_px[0] - wanted_px, axis=1) / side
        known = np.isfinite(wanted_px[:, 0])
        first, second = np.array(LIMBS).T
        placed = seen.placed_m[0]
        lengths = np.linalg.norm(placed[first] - placed[second], axis=1)
        errors = np.abs(lengths / (np.array(MEAN_LIMB_LENGTHS_MM) / 1000) - 1)
        return (
            float(np.mean(np.nan_to_num(np.minimum(distances[known], 1), nan=1.0))),
            float(np.mean(np.nan_to_num(np.minimum(errors, 1), nan=1.0))),
        )


def list_people(folder: Path) -> list[PersonPicture]:
    """Return the pictures of a folder; raises DatasetError where there is none."""
    if not folder.is_dir():
        raise DatasetError(f'no folder {str(folder)!r}: give one with pictures of people')
    pictures: Iterable[Path] = (
        path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURE_SUFFIXES
    )
    found = [
        PersonPicture(path, label if label.is_file() else None)
        for path in pictures for label in (path.with_suffix('.json'),)
    ]
    if not found:
        raise DatasetError(f'no picture in {str(folder)!r}: give some that show a person')
    return found


def _read_label(path: Path) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return keypoints (34, 2) and the camera matrix."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        keypoints_px = np.full((len(KEYPOINTS), 2), np.nan)
        for name, point in content['keypoints_px'].items():
            keypoints_px[INDEX[name]] = point
        return keypoints_px, tuple(float(value) for value in content.get('k', _NOT_CALIBRATED))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f'label {str(path)!r} cannot be used ({error!r}): see docs/tensorrt.md'
        ) from error

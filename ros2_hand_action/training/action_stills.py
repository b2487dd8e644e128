"""Pictures of people on bicycles brought to life: real bodies, computed pedalling."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ros2_hand_action.perception.action_features import JOINTS, measure_height, take_joints
from ros2_hand_action.perception.body_pose import BodyPoseTracker
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.training.action_sequences import PoseSequence
from ros2_hand_action.training.action_synthesis import pedal
from ros2_hand_action.training.dataset import PICTURE_SUFFIXES

_STEP_NS = 33_333_333
_KNOWN = [JOINTS.index(name) for name in JOINTS if name != 'nose' and 'wrist' not in name]
_LARGEST_KNEE_COSINE = -0.9
"""Both knees straighter than this: the person stands beside the bicycle."""


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures in a folder by name; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)


def read_cyclists(
    pictures: Iterable[Path], tracker: BodyPoseTracker, *, seed: int
) -> list[PoseSequence]:
    """Return one sequence for each picture that shows a whole person who sits on a bicycle.

    Head, torso and arms stay as they are in the picture; the feet go round the middle between
    them. Each picture is a group of its own.
    """
    sequences: list[PoseSequence] = []
    for path in pictures:
        joints = _find_largest(path, tracker)
        if joints is None or not _sits(joints):
            continue
        random = np.random.default_rng((seed, len(sequences)))
        sequence = pedal(joints, path.stem, random)
        sequences.append(replace(sequence, source='still', group=f'still {path.stem}'))
    return sequences


def _find_largest(path: Path, tracker: BodyPoseTracker) -> np.ndarray | None:
    """Return the joints (13, 3) in metres of the largest body, None where none is whole."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        return None
    tracker.reset()
    for stamp_ns in (0, _STEP_NS):  # the second look has the region that the first one found
        bodies = tracker.process(Frame(pixels, PixelOrder.BGR, stamp_ns)).bodies
    whole = [
        (body.box_px[3] - body.box_px[1], take_joints(body.keypoints_m)) for body in bodies
    ]
    whole = [pair for pair in whole if np.isfinite(pair[1][_KNOWN]).all()]
    return max(whole, key=lambda pair: pair[0])[1].astype(np.float64) if whole else None


def _sits(joints: np.ndarray) -> bool:
    """Return whether the torso is above the hips and a knee is bent."""
    neck, pelvis = joints[1:3].mean(axis=0), joints[7:9].mean(axis=0)
    height = float(measure_height(joints[None, None])[0])
    thighs, shins = joints[7:9] - joints[9:11], joints[11:13] - joints[9:11]
    lengths = np.linalg.norm(thighs, axis=1) * np.linalg.norm(shins, axis=1)
    cosines = (thighs * shins).sum(axis=1) / (lengths + 1e-6)
    below = joints[11:13, 1].mean() - pelvis[1]
    return bool(
        pelvis[1] - neck[1] > 0.08 * height and below > 0.2 * height
        and cosines.max() > _LARGEST_KNEE_COSINE
    )

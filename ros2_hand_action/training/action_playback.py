"""Pose sequences played to a recogniser as a camera would deliver them, image by image."""

from dataclasses import dataclass

import numpy as np

from ros2_hand_action.perception.action_features import JOINTS
from ros2_hand_action.perception.action_pose import PoseActionRecognizer
from ros2_hand_action.perception.records import Action, Body
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS, MIRROR
from ros2_hand_action.training.action_sequences import PoseSequence

_FOCAL_PX, _CENTRE_PX = 600.0, np.array([320.0, 240.0])
_HEIGHT_PX = 300.0
"""Height of people who are known only in an image."""
_NEAREST_M = 3.0
_SECOND_NS = 1_000_000_000
_PLACES = [INDEX[name] for name in JOINTS]


@dataclass(frozen=True)
class PlayOptions:
    """How a sequence is played.

    Attributes
    ----------
    rate_hz : float
        Images a second, interpolated from the sequence.
    dropped : float
        Share of the images that are missing.
    scale : float
        Of the image, and of the person in metres.
    mirror : bool
        Left and right of image, world and body swapped.
    is_placed : bool
        Whether positions in metres are known; never for a sequence in 2D.
    seed : int
        Chooses the images that are missing.
    """

    rate_hz: float = 30.0
    dropped: float = 0.0
    scale: float = 1.0
    mirror: bool = False
    is_placed: bool = True
    seed: int = 0


def make_bodies(
    sequence: PoseSequence, options: PlayOptions | None = None
) -> list[tuple[int, Body]]:
    """Return (stamp_ns, body) of each image of a sequence."""
    options = options or PlayOptions()
    first_s, last_s = sequence.stamps_s[[0, -1]]
    times_s = np.arange(first_s, last_s + 1e-6, 1 / options.rate_hz)
    random = np.random.default_rng(options.seed)
    kept = random.random(len(times_s)) >= options.dropped
    joints = _interpolate(sequence, times_s[kept])
    bodies = _place(joints, options)
    return [
        (round(time_s * _SECOND_NS) + _SECOND_NS, body)
        for time_s, body in zip(times_s[kept], bodies)
    ]


def play(
    sequence: PoseSequence, recognizer: PoseActionRecognizer, options: PlayOptions | None = None
) -> dict[int, Action]:
    """Return the action at each image's stamp, from when the clip is full enough."""
    recognizer.reset()
    actions = {}
    for stamp_ns, body in make_bodies(sequence, options):
        for action in recognizer.process([body], stamp_ns=stamp_ns):
            actions[stamp_ns] = action
    return actions


def compare_labels(reference: dict[int, Action], other: dict[int, Action]) -> tuple[int, int]:
    """Return how many moments of both differ in label, and how many there are.

    A moment of the reference is compared with the newest action of the other that is not later.
    """
    stamps = np.array(sorted(other))
    changed = count = 0
    for stamp_ns, action in reference.items():
        place = int(np.searchsorted(stamps, stamp_ns, side='right')) - 1
        if place >= 0 and stamp_ns - stamps[place] < _SECOND_NS // 5:
            count += 1
            changed += other[int(stamps[place])].label != action.label
    return changed, count


def _interpolate(sequence: PoseSequence, times_s: np.ndarray) -> np.ndarray:
    flat = sequence.joints.reshape(len(sequence.joints), -1)
    columns = [np.interp(times_s, sequence.stamps_s, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(len(times_s), *sequence.joints.shape[1:])


def make_people(joints_px: np.ndarray, joints_m: np.ndarray) -> list[Body]:
    """Return one body for each of joints (t, 13, 2) in the image and (t, 13, 3) in metres."""
    return _make_bodies(_spread(joints_px), _spread(joints_m))


def _spread(joints: np.ndarray) -> np.ndarray:
    """Return keypoints (t, 34, d) of joints (t, 13, d); NaN = unknown."""
    keypoints: np.ndarray = np.full(
        (len(joints), len(KEYPOINTS), joints.shape[-1]), np.nan, np.float32
    )
    keypoints[:, _PLACES] = joints
    return keypoints


def _make_bodies(points_px: np.ndarray, points_m: np.ndarray) -> list[Body]:
    return [
        Body(
            track_id='p1', score=1.0, box_px=np.zeros(4, np.float32), keypoints_px=px,
            confidence=np.isfinite(px[:, 0]).astype(np.float32), keypoints_m=m,
        )
        for px, m in zip(points_px, points_m)
    ]


def _place(joints: np.ndarray, options: PlayOptions) -> list[Body]:
    """Return one body for each of joints (t, 13, 2 or 3)."""
    points_m = _spread(np.full((*joints.shape[:2], 3), np.nan))
    if joints.shape[-1] == 3:
        placed = joints * options.scale
        placed[..., 2] += max(0.0, _NEAREST_M - float(placed[..., 2].min()))
        points_px = _spread(_FOCAL_PX * placed[..., :2] / placed[..., 2:] + _CENTRE_PX)
        if options.is_placed:
            points_m = _spread(placed)
    else:
        points_px = _spread(joints * options.scale * _HEIGHT_PX + _CENTRE_PX)
    if options.mirror:
        points_px[..., 0] *= -1
        points_m[..., 0] *= -1
        points_px, points_m = points_px[:, MIRROR], points_m[:, MIRROR]
    return _make_bodies(points_px, points_m)

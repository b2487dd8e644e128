"""Whether a person stands, sits, crouches or lies."""

import math
from enum import Enum

import numpy as np

from ros2_hand_action.perception.skeleton import INDEX


class Posture(Enum):
    """The postures of hri_msgs/BodyPosture; OTHER is all between them."""

    OTHER = 'other'
    STANDING = 'standing'
    SITTING = 'sitting'
    CROUCHING = 'crouching'
    LYING = 'lying'


_LYING_DEG = 60.0
"""Trunk and thighs farther from upright than this lie."""
_UPRIGHT_DEG = 50.0
"""The trunk of who stands, sits or crouches."""
_STRAIGHT_DEG = 40.0
"""Thighs from upright and bend of knees, of who stands."""
_BENT_DEG = 45.0
"""The same of who sits or crouches."""
_SHANK_DEG = 35.0
"""Bend of knees less lift of thighs: shanks of who sits are nearer to upright than this."""

_SIDES = np.array([
    [INDEX[f'{side}_{joint}'] for joint in ('hip', 'knee', 'ankle')] for side in ('left', 'right')
])


def find_posture(keypoints_m: np.ndarray, *, pitch_deg: float = 0.0) -> Posture | None:
    """Return how a body holds itself; None where trunk or both legs are not known.

    Parameters
    ----------
    keypoints_m : np.ndarray
        (34, 3): metres in the camera's optical frame, NaN = unknown.
    pitch_deg : float
        Angle by which the camera looks down; it must not lean to a side.
    """
    pitch = math.radians(pitch_deg)
    up = np.array([0.0, -math.cos(pitch), -math.sin(pitch)])
    points = keypoints_m.astype(np.float64)
    trunk = _angles_deg(points[INDEX['neck']] - points[INDEX['pelvis']], up)
    hips, knees, ankles = points[_SIDES].transpose(1, 0, 2)
    thighs = _angles_deg(knees - hips, -up)
    bends = _angles_deg(ankles - knees, knees - hips)
    known = np.isfinite(thighs + bends)
    if not (np.isfinite(trunk) and known.any()):
        return None
    return _judge(float(trunk), float(thighs[known].mean()), float(bends[known].mean()))


def _judge(trunk_deg: float, thigh_deg: float, bend_deg: float) -> Posture:
    if trunk_deg > _LYING_DEG and thigh_deg > _LYING_DEG:
        return Posture.LYING
    if trunk_deg > _UPRIGHT_DEG:
        return Posture.OTHER
    if max(thigh_deg, bend_deg) < _STRAIGHT_DEG:
        return Posture.STANDING
    if min(thigh_deg, bend_deg) < _BENT_DEG:
        return Posture.OTHER
    return Posture.SITTING if bend_deg - thigh_deg < _SHANK_DEG else Posture.CROUCHING


def _angles_deg(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the angles between vectors (..., 3); NaN where one is unknown or has no length."""
    with np.errstate(invalid='ignore'):
        cosine = (first * second).sum(axis=-1) / (
            np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
        )
    angles: np.ndarray = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angles

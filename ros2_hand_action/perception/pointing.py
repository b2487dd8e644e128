"""Where a person points: one ray for each arm, and where it meets a plane."""

import math
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.records import Body, Handedness
from ros2_hand_action.perception.skeleton import INDEX


class PointingMethod(Enum):
    """From where to where the ray goes.

    People aim with eye and fingertip; the forearm needs no head in view.
    """

    EYE = 'eye'
    FOREARM = 'forearm'


_BENT_DEG, _STRAIGHT_DEG = 100.0, 150.0
"""Angle at the elbow at which an arm does not point at all, and at which it surely may."""
_HANGING_DEG, _RAISED_DEG = 15.0, 40.0
"""The same for the angle between arm and trunk."""


@dataclass(frozen=True)
class Plane:
    """The points x with normal . x = offset_m, in the camera's optical frame.

    Attributes
    ----------
    normal : tuple of float
        Three numbers, not all zero; need not have length 1.
    offset_m : float
        In metres times the length of `normal`.
    """

    normal: tuple[float, float, float]
    offset_m: float


@dataclass(frozen=True)
class Pointing:
    """The ray of one arm, in the camera's optical frame.

    Attributes
    ----------
    body_id : str
    arm : Handedness
        LEFT or RIGHT.
    origin_m, direction : np.ndarray
        float64 (3,): a point on the ray (eyes or elbow), and the unit vector along it.
    confidence : float
        0 to 1: how surely the joints are seen, less for a bent or a hanging arm; 0 = this arm
        does not point.
    target_m : np.ndarray
        float64 (3,): where the ray meets the plane; NaN where it does not, or none was given.
    """

    body_id: str
    arm: Handedness
    origin_m: np.ndarray
    direction: np.ndarray
    confidence: float
    target_m: np.ndarray


def floor_plane(*, height_m: float, pitch_deg: float) -> Plane:
    """Return the floor below a camera at this height that looks down by this angle."""
    pitch = math.radians(pitch_deg)
    return Plane(normal=(0.0, math.cos(pitch), math.sin(pitch)), offset_m=height_m)


def parse_plane(text: str) -> Plane | None:
    """Return the plane that four numbers describe; None for an empty text.

    Parameters
    ----------
    text : str
        'NX NY NZ OFFSET_M': the normal, of any length but 0, and the distance in metres from the
        camera to the plane along it; '0 0 1 2.5' is a wall 2.5 m ahead.

    Raises
    ------
    ConfigError
        The text is not that.
    """
    if not text.strip():
        return None
    with suppress(ValueError):
        x, y, z, offset_m = (float(word) for word in text.split())
        length = math.hypot(x, y, z)
        if length > 0 and math.isfinite(length) and math.isfinite(offset_m):
            return Plane(normal=(x / length, y / length, z / length), offset_m=offset_m)
    raise ConfigError(
        f'{text!r} is no plane: give NX NY NZ OFFSET_M, a normal in the optical frame that is not '
        "zero and the distance along it in metres, such as '0 0 1 2.5'"
    )


def find_pointing(
    body: Body, *, method: PointingMethod = PointingMethod.EYE, plane: Plane | None = None
) -> tuple[Pointing, ...]:
    """Return the rays of the arms of a body whose joints are known, at most two."""
    rays = (
        _find_ray(body, arm, method, plane) for arm in (Handedness.LEFT, Handedness.RIGHT)
    )
    return tuple(ray for ray in rays if ray is not None)


def meet_plane(origin_m: np.ndarray, direction: np.ndarray, plane: Plane) -> np.ndarray:
    """Return the point (3,) where a ray meets a plane ahead of it; NaN where it does not."""
    normal = np.array(plane.normal, np.float64)
    speed = float(normal @ direction)
    if abs(speed) < 1e-9:
        return np.full(3, np.nan)
    length = (plane.offset_m - float(normal @ origin_m)) / speed
    return origin_m + length * direction if length > 0 else np.full(3, np.nan)


def _find_ray(
    body: Body, arm: Handedness, method: PointingMethod, plane: Plane | None
) -> Pointing | None:
    side = arm.name.lower()
    points = body.keypoints_m.astype(np.float64)
    shoulder, elbow, wrist, knuckle = (
        INDEX[f'{side}_{part}'] for part in ('shoulder', 'elbow', 'wrist', 'index_knuckle')
    )
    tip = knuckle if np.isfinite(points[knuckle]).all() else wrist
    eyes = [INDEX['left_eye'], INDEX['right_eye']]
    if method is PointingMethod.EYE:
        used = [*eyes, shoulder, elbow, tip]
        origin = points[eyes].mean(axis=0)
    else:
        used, tip, origin = [shoulder, elbow, wrist], wrist, points[elbow]
    length = float(np.linalg.norm(points[tip] - origin))
    if not np.isfinite(points[used]).all() or not length > 0:
        return None
    direction = (points[tip] - origin) / length
    shape = _rate_arm(points[shoulder], points[elbow], points[wrist], _find_down(points))
    return Pointing(
        body_id=body.track_id,
        arm=arm,
        origin_m=origin,
        direction=direction,
        confidence=float(body.confidence[used].min()) * shape,
        target_m=np.full(3, np.nan) if plane is None else meet_plane(origin, direction, plane),
    )


def _find_down(points_m: np.ndarray) -> np.ndarray:
    """Return the direction from neck to hips; that of the image's columns if unknown."""
    down: np.ndarray = points_m[INDEX['pelvis']] - points_m[INDEX['neck']]
    return down if np.isfinite(down).all() else np.array([0.0, 1.0, 0.0])


def _rate_arm(
    shoulder: np.ndarray, elbow: np.ndarray, wrist: np.ndarray, down: np.ndarray
) -> float:
    """Return 0 for a bent or hanging arm to 1 for a straight, raised one."""
    if not np.isfinite(wrist).all():
        return 0.0
    bend = _angle_deg(shoulder - elbow, wrist - elbow)
    lift = _angle_deg(wrist - shoulder, down)
    straight = (bend - _BENT_DEG) / (_STRAIGHT_DEG - _BENT_DEG)
    raised = (lift - _HANGING_DEG) / (_RAISED_DEG - _HANGING_DEG)
    return float(np.clip(straight, 0, 1) * np.clip(raised, 0, 1))


def _angle_deg(first: np.ndarray, second: np.ndarray) -> float:
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.degrees(np.arccos(np.clip(first @ second / max(size, 1e-12), -1, 1))))

"""Angles of a body's joints, as the kinematic model of REP-155 turns them.

The model is urdf/human-tpl.xacro of ros4hri/human_description: from the body's frame (x forward,
y left, z up) each chain of joints turns one after the other about the axes that its comment names.
Angles are in radians, 0 where somebody stands with hanging arms and looks ahead. They are not held
to the limits of the model. Only directions count, not the lengths of limbs.
"""

import numpy as np

from ros2_hand_action.perception.body_axes import find_body_axes
from ros2_hand_action.perception.skeleton import INDEX

_SIDES = (('left', 'l', 1.0), ('right', 'r', -1.0))
"""Prefix of keypoints, prefix of joints, and the sign by which the model mirrors axes."""
_SINE_OF_BENT_KNEE = 0.5
"""A knee bent by less than 30 degrees tells little of how the thigh is turned about itself."""


def find_joint_angles(keypoints_m: np.ndarray) -> dict[str, float]:
    """Return joint -> angle in radians; joints that cannot be told are left out.

    `body_ID` follows the trunk here, so the model's `waist` is always 0 beside it. Of a straight
    or a hanging arm, joints that turn about one axis are only known as their sum.

    Parameters
    ----------
    keypoints_m : np.ndarray
        (34, 3): metres in the camera's optical frame, NaN = unknown.
    """
    axes = find_body_axes(keypoints_m)
    if axes is None:
        return {}
    points = keypoints_m.astype(np.float64) @ axes
    angles = {'waist': 0.0, **_find_head(points)}
    for side, prefix, sign in _SIDES:
        arm = _find_arm(*_directions(points, side, ('shoulder', 'elbow', 'wrist')), sign)
        leg = _find_leg(*_directions(points, side, ('hip', 'knee', 'ankle')), sign)
        angles.update({f'{prefix}_{joint}': angle for joint, angle in {**arm, **leg}.items()})
    return {joint: angle for joint, angle in angles.items() if np.isfinite(angle)}


def _find_head(points: np.ndarray) -> dict[str, float]:
    """Return the head's angles: x, z, then -y; it is level with ears and eyes at one height."""
    ears, eyes = (
        points[[INDEX[f'left_{part}'], INDEX[f'right_{part}']]] for part in ('ear', 'eye')
    )
    left = _unit(ears[0] - ears[1])
    up = _unit(np.cross(eyes.mean(axis=0) - ears.mean(axis=0), left))
    forward = np.cross(left, up)
    return {
        'r_head': np.arctan2(left[2], left[1]),
        'y_head': -np.arcsin(np.clip(left[0], -1, 1)),
        'p_head': -np.arctan2(up[0], forward[0]),
    }


def _find_arm(upper: np.ndarray, fore: np.ndarray, sign: float) -> dict[str, float]:
    """Return an arm's angles: -z, x, z, mirrored on the right, then -y (elbow)."""
    yaw, lift = _swing(upper, sign)
    turn = _about_z(-sign * yaw) @ _about_x(sign * lift)
    twist, bend = _swing(turn.T @ fore, sign, is_ahead=True)
    return {'y_shoulder': yaw, 'p_shoulder': lift, 'r_shoulder': twist, 'elbow': bend}


def _find_leg(thigh: np.ndarray, shank: np.ndarray, sign: float) -> dict[str, float]:
    """Return a leg's angles: -z, x (mirrored on the right), -y, then -y (knee).

    The knee is a hinge across thigh and shank; the straighter it is, the more the hinge is held
    to the body's y.
    """
    hinge, side = np.cross(thigh, shank), np.array([0.0, 1.0, 0.0])
    sine = float(np.linalg.norm(hinge))
    hinge = _unit(hinge + max(_SINE_OF_BENT_KNEE - sine, 0.0) * (side - thigh[1] * thigh))
    return {
        'y_hip': np.arctan2(hinge[0], hinge[1]),
        'p_hip': sign * np.arcsin(np.clip(hinge[2], -1, 1)),
        'r_hip': np.arctan2(-np.cross(hinge, thigh)[2], -thigh[2]),
        'knee': -np.arctan2(sine, thigh @ shank),
    }


def _swing(direction: np.ndarray, sign: float, *, is_ahead: bool = False) -> tuple[float, float]:
    """Return by what angles about z and then sideways, or ahead, straight down gets there."""
    x, y, z = direction
    about_z = np.arctan2(sign * y, x) if is_ahead else np.arctan2(x, sign * y)
    return float(about_z), float(np.arctan2(np.hypot(x, y), -z))


def _directions(
    points: np.ndarray, side: str, joints: tuple[str, str, str]
) -> tuple[np.ndarray, np.ndarray]:
    first, second, third = (points[INDEX[f'{side}_{joint}']] for joint in joints)
    return _unit(second - first), _unit(third - second)


def _unit(vector: np.ndarray) -> np.ndarray:
    """Return the vector with length 1; NaN where it has none."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.full(3, np.nan)


def _about_x(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def _about_z(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])

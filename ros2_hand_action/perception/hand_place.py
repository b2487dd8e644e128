"""Where a hand is in the room: from its landmarks, and a calibrated camera."""

import numpy as np

from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.labels import HAND_LANDMARKS
from ros2_hand_action.perception.records import Hand, Handedness

_WRIST, _INDEX, _MIDDLE, _PINKY = (
    HAND_LANDMARKS.index(name) for name in ('wrist', 'index_mcp', 'middle_mcp', 'pinky_mcp')
)
_LEAST_LANDMARKS = 6


def find_wrist_m(hand: Hand, camera: CameraModel) -> np.ndarray | None:
    """Return the wrist (3,) in metres in the camera's optical frame, None where unknown.

    It is where the hand must be for its landmarks in metres to be seen at its landmarks in
    pixels, by least squares: X + t on the ray (u, v, 1) is t_x - u t_z = u Z - X, and so for y.
    The network's hands have an average adult's size; smaller hands seem as much farther away.
    """
    rays = camera.unproject(hand.landmarks_px[:, :2])
    points = hand.landmarks_m.astype(np.float64)
    known = np.isfinite(rays).all(axis=1) & np.isfinite(points).all(axis=1)
    if known.sum() < _LEAST_LANDMARKS:
        return None
    rays, points = rays[known], points[known]
    ones, zeros = np.ones(len(rays)), np.zeros(len(rays))
    across = np.column_stack([ones, zeros, -rays[:, 0]])
    down = np.column_stack([zeros, ones, -rays[:, 1]])
    wanted = rays[:, :2] * points[:, 2:] - points[:, :2]
    place = np.linalg.lstsq(np.concatenate([across, down]), wanted.T.ravel(), rcond=None)[0]
    return place if place[2] > 0 else None


def find_hand_axes(hand: Hand) -> np.ndarray | None:
    """Return the rotation (3, 3) of a hand, or None where its palm is not known.

    Its columns are the hand's axes in the camera's optical frame, right-handed: x from the wrist
    to the middle knuckle, z out of the back of the hand. A hand of unknown side counts as right.
    """
    points = hand.landmarks_m.astype(np.float64)
    ahead = points[_MIDDLE] - points[_WRIST]
    left = points[_INDEX] - points[_PINKY]
    if hand.handedness is Handedness.LEFT:
        left = -left
    out = np.cross(ahead, left)
    length = float(np.linalg.norm(out))
    if not length > 0:  # NaN, or a palm seen as a line
        return None
    x, z = ahead / np.linalg.norm(ahead), out / length
    return np.column_stack([x, np.cross(z, x), z])

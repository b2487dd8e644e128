"""Known poses have their posture, also before a camera that looks down."""

import numpy as np
import pytest
from bodies import standing_body

from ros2_hand_action.perception.body_posture import Posture, find_posture
from ros2_hand_action.perception.skeleton import INDEX

DOWN = np.array([0.0, 1.0, 0.0])  # of the camera's optical frame
AHEAD = np.array([0.0, 0.0, -1.0])


def about_x(angle_deg: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def pose(thigh_deg: float, bend_deg: float, lean_deg: float = 0.0) -> np.ndarray:
    """Return a body with thighs lifted, knees bent and the trunk bent forward by these angles."""
    points = standing_body()
    hips = points[INDEX['pelvis']].copy()
    upper = [index for name, index in INDEX.items() if not name.endswith(('knee', 'ankle'))]
    points[upper] = (points[upper] - hips) @ about_x(lean_deg).T + hips
    shank_deg = thigh_deg - bend_deg
    for side in ('left', 'right'):
        hip, knee = points[INDEX[f'{side}_hip']], INDEX[f'{side}_knee']
        points[knee] = hip + 0.4 * swing(thigh_deg)
        points[INDEX[f'{side}_ankle']] = points[knee] + 0.4 * swing(shank_deg)
    return points


def swing(angle_deg: float) -> np.ndarray:
    """Return the direction so far from down towards ahead."""
    return np.cos(np.radians(angle_deg)) * DOWN + np.sin(np.radians(angle_deg)) * AHEAD


POSES = [
    (pose(0, 0), Posture.STANDING),
    (pose(20, 35), Posture.STANDING),
    (pose(90, 90), Posture.SITTING),
    (pose(80, 60, lean_deg=20), Posture.SITTING),
    (pose(100, 150, lean_deg=30), Posture.CROUCHING),
    (pose(0, 0, lean_deg=90), Posture.OTHER),  # bows
    (pose(30, 60), Posture.OTHER),
    (pose(0, 0) @ about_x(90).T, Posture.LYING),
    (pose(30, 30) @ about_x(-90).T, Posture.LYING),
]


@pytest.mark.parametrize(('points', 'posture'), POSES)
@pytest.mark.parametrize('pitch_deg', [0.0, 40.0, -20.0])
def test_posture_of_known_poses(points: np.ndarray, posture: Posture, pitch_deg: float) -> None:
    # a camera that looks down sees the world turned the other way
    seen = points @ about_x(pitch_deg).T + (0, 0, 3.0)
    assert find_posture(seen, pitch_deg=pitch_deg) is posture


def test_one_leg_is_enough_and_none_is_not() -> None:
    points = pose(90, 90)
    points[INDEX['left_ankle']] = np.nan
    assert find_posture(points) is Posture.SITTING
    points[INDEX['right_knee']] = np.nan
    assert find_posture(points) is None
    points = standing_body()
    points[INDEX['neck']] = np.nan
    assert find_posture(points) is None

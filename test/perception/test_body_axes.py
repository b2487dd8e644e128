"""Axes of a body are right-handed, forward, left and up."""

import numpy as np
import pytest
from bodies import standing_body

from ros2_hand_action.perception.body_axes import find_body_axes, quaternion
from ros2_hand_action.perception.skeleton import INDEX

FACING_THE_CAMERA = np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]])
"""Columns: forward is towards the camera, left is at the image's right, up is against y."""


def test_standing_body_faces_the_camera() -> None:
    assert np.allclose(find_body_axes(standing_body()), FACING_THE_CAMERA)


def random_rotation(seed: int) -> np.ndarray:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return turn * np.linalg.det(turn)


def turned_by(quaternion_xyzw: tuple[float, ...], point: np.ndarray) -> np.ndarray:
    """Return q p q* by the formula of Rodrigues."""
    vector, w = np.array(quaternion_xyzw[:3]), quaternion_xyzw[3]
    across = 2 * np.cross(vector, point)
    return point + w * across + np.cross(vector, across)


@pytest.mark.parametrize('seed', range(5))
def test_axes_turn_with_the_body(seed: int) -> None:
    turn = random_rotation(seed)
    axes = find_body_axes(standing_body() @ turn.T)
    assert np.allclose(axes, turn @ FACING_THE_CAMERA)
    assert np.linalg.det(axes) == pytest.approx(1)


@pytest.mark.parametrize('missing', ['left_hip', 'right_shoulder', 'pelvis'])
def test_no_axes_without_the_trunk(missing: str) -> None:
    points = standing_body()
    points[INDEX[missing]] = np.nan
    assert find_body_axes(points) is None


ROTATIONS = [
    *(random_rotation(seed) for seed in range(20)), np.eye(3),
    *(2 * np.outer(axis, axis) - np.eye(3) for axis in np.eye(3)),  # half turns
]


@pytest.mark.parametrize('rotation', ROTATIONS)
def test_quaternion_is_the_rotation(rotation: np.ndarray) -> None:
    found = quaternion(rotation)
    assert np.linalg.norm(found) == pytest.approx(1)
    for axis in np.eye(3):
        assert np.allclose(turned_by(found, axis), rotation @ axis)

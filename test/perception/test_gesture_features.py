import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros2_hand_action.perception.gesture_features import GEOMETRY_SIZE, geometry_features

HAND_PX = np.random.default_rng(0).normal(200, 40, (3, 21, 3))
HAND_M = np.random.default_rng(1).normal(0, 0.05, (3, 21, 3))
DIRECTIONS = slice(GEOMETRY_SIZE - 4, GEOMETRY_SIZE)
ROUNDING = 2e-4


def rotation(angle):
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])  # of row vectors


def test_shape_and_type():
    features = geometry_features(HAND_PX, HAND_M)
    assert features.shape == (3, GEOMETRY_SIZE)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


@given(st.floats(-1000, 1000), st.floats(-1000, 1000), st.floats(0.1, 10), st.floats(0.5, 2))
def test_place_and_size_do_not_matter(x, y, scale, metric_scale):
    moved = geometry_features(HAND_PX * scale + (x, y, 0), HAND_M * metric_scale)
    np.testing.assert_allclose(moved, geometry_features(HAND_PX, HAND_M), atol=ROUNDING)


@given(st.floats(-np.pi, np.pi))
def test_only_the_directions_turn_with_the_hand(angle):
    before = geometry_features(HAND_PX, HAND_M)
    turn = rotation(angle)
    after = geometry_features(HAND_PX @ turn, HAND_M @ turn)
    np.testing.assert_allclose(after[:, :-4], before[:, :-4], atol=ROUNDING)
    expected = before[:, DIRECTIONS].reshape(-1, 2, 2) @ turn[:2, :2]
    np.testing.assert_allclose(after[:, DIRECTIONS].reshape(-1, 2, 2), expected, atol=ROUNDING)


def test_hands_do_not_influence_each_other():
    single = geometry_features(HAND_PX[1:2], HAND_M[1:2])
    np.testing.assert_allclose(geometry_features(HAND_PX, HAND_M)[1:2], single, atol=1e-6)


@pytest.mark.parametrize('value', [0.0, 1e6])
def test_landmarks_in_one_point_give_numbers(value):
    point = np.full((1, 21, 3), value)
    assert np.isfinite(geometry_features(point, point)).all()

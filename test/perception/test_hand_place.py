"""A hand seen by a calibrated camera is placed where it is, with right-handed axes."""

import numpy as np
import pytest
from bodies import K, camera

from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.hand_place import find_hand_axes, find_wrist_m
from ros2_hand_action.perception.labels import HAND_LANDMARKS
from ros2_hand_action.perception.records import Hand, Handedness

FISHEYE = make_camera(
    image_size=(640, 480), k=K, d=(0.1, -0.05, 0.01, 0.0), distortion_model='equidistant'
)


def landmarks() -> np.ndarray:
    """Return a right hand (21, 3), fingers up, whose back is towards the camera."""
    points = np.zeros((21, 3))
    for finger, x in enumerate((-0.05, -0.025, 0.0, 0.02, 0.04)):  # the thumb is at the left
        for joint in range(4):
            points[1 + 4 * finger + joint] = (x, -0.05 - 0.03 * joint, 0.004 * joint)
    points[HAND_LANDMARKS.index('middle_mcp')] = (0, -0.09, 0)
    return points


def make_hand(points_m: np.ndarray, points_px: np.ndarray, side=Handedness.RIGHT) -> Hand:
    pixels = np.column_stack([points_px, np.zeros(21)])
    return Hand(
        'h1', side, 0.9, np.zeros(4), 1.0, 1.0, pixels.astype(np.float32),
        points_m.astype(np.float32),
    )


@pytest.mark.parametrize('lens', [camera(), FISHEYE])
@pytest.mark.parametrize('place', [(0, 0, 0.5), (0.3, -0.2, 1.0), (-0.8, 0.4, 2.5)])
def test_wrist_is_where_the_hand_is(lens, place) -> None:
    points = landmarks()
    hand = make_hand(points, lens.project(points + place))
    assert find_wrist_m(hand, lens) == pytest.approx(np.array(place), abs=2e-3)


def test_unknown_landmarks_are_left_out() -> None:
    points, place = landmarks(), np.array([0.1, 0.0, 0.8])
    pixels = camera().project(points + place)
    pixels[8:] = np.nan
    assert find_wrist_m(make_hand(points, pixels), camera()) == pytest.approx(place, abs=2e-3)
    pixels[3:] = np.nan
    assert find_wrist_m(make_hand(points, pixels), camera()) is None


def test_axes_of_a_right_hand_whose_back_is_seen() -> None:
    axes = find_hand_axes(make_hand(landmarks(), np.zeros((21, 2))))
    assert axes == pytest.approx(np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1.0]]), abs=1e-6)
    assert np.linalg.det(axes) == pytest.approx(1)


def test_axes_of_a_left_hand_are_those_of_its_mirror_image() -> None:
    mirrored = landmarks() * (-1, 1, 1)
    axes = find_hand_axes(make_hand(mirrored, np.zeros((21, 2)), Handedness.LEFT))
    assert axes[:, 0] == pytest.approx(np.array([0, -1, 0]), abs=1e-6)
    assert axes[:, 2] == pytest.approx(np.array([0, 0, -1]), abs=1e-6)  # its back is seen, too


def test_no_axes_without_a_palm() -> None:
    assert find_hand_axes(make_hand(np.zeros((21, 3)), np.zeros((21, 2)))) is None
    assert find_hand_axes(make_hand(np.full((21, 3), np.nan), np.zeros((21, 2)))) is None

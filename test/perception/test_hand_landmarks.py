import numpy as np
import pytest

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hand_landmarks import (
    HandLandmarker,
    hand_boxes,
    join,
    next_regions,
    palm_centers,
)
from ros2_hand_action.perception.stage_times import StageClock


@pytest.fixture
def hand():
    """Return the 21 joints of an upright hand 100 pixels high, its wrist at (200, 300)."""
    joints = [(200, 300), (220, 290), (235, 275), (245, 262), (252, 250)]
    for x in (222, 205, 190, 176):
        joints += [(x, 250), (x, 228), (x, 214), (x, 200)]
    return np.array([joints], float)


def turn(points, angle, around):
    cos, sin = np.cos(angle), np.sin(angle)
    return (points - around) @ np.array([[cos, sin], [-sin, cos]]) + around


@pytest.mark.parametrize('angle', [0.4, -2.0, 3.1])
def test_the_next_region_turns_with_the_hand(hand, angle):
    around = np.array([100.0, 50.0])
    still, turned = next_regions(hand)[0], next_regions(turn(hand, angle, around))[0]
    np.testing.assert_allclose(turned[:2], turn(still[:2], angle, around))
    assert turned[2] == pytest.approx(still[2])
    difference = (turned[3] - still[3] - angle + np.pi) % (2 * np.pi) - np.pi
    assert difference == pytest.approx(0, abs=1e-9)


def test_the_next_region_holds_the_hand(hand):
    x, y, size, rotation = next_regions(hand)[0]
    assert abs(rotation) < 0.15
    assert (np.abs(hand[0] - (x, y)) < size / 2).all()
    assert 1.2 * 100 < size < 2.5 * 100


def test_the_next_region_grows_with_the_hand(hand):
    np.testing.assert_allclose(next_regions(2 * hand)[:, :3], 2 * next_regions(hand)[:, :3])


def test_boxes_are_larger_than_the_landmarks_and_inside_the_frame(hand):
    frame = Frame(np.zeros((305, 255), np.uint8), PixelOrder.MONO)
    xmin, ymin, xmax, ymax = hand_boxes(hand, frame)[0]
    assert 150 < xmin < 176 and 180 < ymin < 200
    assert (xmax, ymax) == (255, 305)


def test_landmarks_are_carried_to_the_image(disc_landmarks, draw_discs, disc):
    regions = np.array([[300, 200, 160, 0.0], [100, 100, 200, 0.0]])
    frame = draw_discs(disc(310, 190), disc(100, 100, is_right=False))
    seen = HandLandmarker(disc_landmarks).find(frame, regions, StageClock())
    wrists = [(310.5, 190.5 + 30), (100.5, 100.5 + 30)]
    np.testing.assert_allclose(seen.landmarks_px[:, 0, :2], wrists, atol=1)
    assert seen.right[0] > 0.9 and seen.right[1] < 0.1
    assert (seen.presence > 0.9).all()


def test_landmarks_of_a_turned_region_point_where_it_points(disc_landmarks, draw_discs, disc):
    regions = np.array([[300, 200, 160, np.pi / 2]])
    seen = HandLandmarker(disc_landmarks).find(draw_discs(disc(300, 200)), regions, StageClock())
    np.testing.assert_allclose(seen.landmarks_px[0, 12, :2], (330.5, 200.5), atol=1.5)
    # In metres too: the tip of the middle finger lies on the right of the wrist.
    np.testing.assert_allclose(seen.landmarks_m[0, 12], (0.1, 0, 0), atol=1e-6)
    np.testing.assert_array_equal(seen.landmarks_m[0, 0], (0, 0, 0))


def test_no_region_is_no_hand(disc_landmarks, draw_discs, disc):
    landmarker = HandLandmarker(disc_landmarks)
    frame = draw_discs(disc(300, 200))
    none = landmarker.find(frame, np.empty((0, 4)), StageClock())
    assert disc_landmarks.images == 0
    assert none.landmarks_px.shape == (0, 21, 3)
    one = landmarker.find(frame, np.array([[300, 200, 160, 0.0]]), StageClock())
    assert len(join(none, one).presence) == len(join(one, none).presence) == 1
    assert len(join(one, one).take(np.array([False, True])).right) == 1


def test_many_regions_go_in_batches(disc_landmarks, draw_discs, disc):
    regions = np.repeat([[300, 200, 160, 0.0]], 19, axis=0)
    seen = HandLandmarker(disc_landmarks).find(draw_discs(disc(300, 200)), regions, StageClock())
    assert len(seen.presence) == disc_landmarks.images == 19


def test_palm_centers_ignore_fingers(hand):
    moved = hand.copy()
    moved[:, [8, 12, 16, 20, 4]] += 50
    np.testing.assert_array_equal(palm_centers(hand), palm_centers(moved))

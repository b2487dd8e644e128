import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hand_finder import detection_scores
from ros2_hand_action.perception.hands import HandDetector, HandDetectorOptions
from ros2_hand_action.perception.records import Handedness


@pytest.fixture
def detect(disc_palms, disc_landmarks):
    def run(frame, **options):
        detector = HandDetector(
            palm=disc_palms, landmarks=disc_landmarks, options=HandDetectorOptions(**options)
        )
        return detector.detect(frame)

    return run


def test_hands_are_found_once_each(detect, draw_discs, disc):
    hands = detect(draw_discs(disc(150, 120), disc(480, 350, radius=50, is_right=False)))
    assert len(hands) == 2
    right, left = sorted(hands, key=lambda hand: hand.box_px[0])
    assert (right.handedness, left.handedness) == (Handedness.RIGHT, Handedness.LEFT)
    np.testing.assert_allclose(right.landmarks_px[9, :2], (150.5, 120.5), atol=1)
    assert {hand.track_id for hand in hands} == {''}
    assert all(0.5 <= hand.score <= 1 for hand in hands)


def test_tiles_find_what_is_too_small_in_the_whole(detect, draw_discs, disc):
    far = draw_discs(disc(200, 150, radius=10))  # 3 pixels in the view of the whole
    assert detect(far, tile_fractions=()) == ()
    assert len(detect(far)) == 1


def test_a_smaller_view_finds_what_is_too_large(detect, draw_discs, disc):
    near = draw_discs(disc(300, 240, radius=180))  # 54 pixels in the view of the whole
    assert detect(near, whole_scales=(1.0,), tile_fractions=()) == ()
    assert len(detect(near, tile_fractions=())) == 1


def test_best_hands_first_and_no_more_than_asked(detect, draw_discs, disc):
    frame = draw_discs(*(disc(80 + 120 * i, 240) for i in range(5)))
    assert len(detect(frame)) == 5
    few = detect(frame, max_hands=2)
    assert len(few) == 2 and few[0].score >= few[1].score


def test_boxes_are_inside_the_picture(detect, draw_discs, disc):
    xmin, ymin, xmax, ymax = detect(draw_discs(disc(20, 460)))[0].box_px
    assert 0 <= xmin < xmax <= 640 and 0 <= ymin < ymax <= 480


@pytest.mark.parametrize('shape', [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_tiny_and_plain_pictures_hold_no_hand(detect, shape):
    assert detect(Frame(np.zeros(shape, np.uint8), PixelOrder.MONO)) == ()
    assert detect(Frame(np.full((*shape, 3), 255, np.uint8), PixelOrder.RGB)) == ()


def test_scores_grow_with_each_judge():
    low, high = np.array([0.3]), np.array([0.8])
    base = detection_scores(low, low, low)
    assert 0 < base < detection_scores(high, low, low) < detection_scores(high, high, high) < 1
    assert detection_scores(low, high, low) > base and detection_scores(low, low, high) > base
    ends = detection_scores(np.array([0.0, 1]), np.array([0.0, 1]), np.array([0.0, 1]))
    assert 0 < ends[0] < 1e-4 and 0.9999 < ends[1] < 1


@pytest.mark.parametrize(('name', 'value'), [
    ('model', ''), ('max_hands', 9), ('min_score', -0.1), ('palm_threshold', 1.0),
    ('whole_scales', ()), ('whole_scales', (0.5,)), ('tile_fractions', (0.0,)),
    ('tile_fractions', (1.5,)),
])
def test_options_name_the_bad_value(name, value):
    with pytest.raises(ConfigError, match=name):
        HandDetectorOptions(**{name: value})

import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hand_finder import detection_scores, wrist_nearness
from ros2_hand_action.perception.hand_landmarks import HandLandmarker, palm_centers
from ros2_hand_action.perception.hands import HandDetector, HandDetectorOptions
from ros2_hand_action.perception.records import Handedness
from ros2_hand_action.perception.stage_times import StageClock
from ros2_hand_action.perception.wrist_hints import NO_HINTS, WristHints


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
    low, high, far, near = (np.array([value]) for value in (0.3, 0.8, 0.0, 1.0))
    base = detection_scores(low, low, low, far)
    assert 0 < base < detection_scores(high, low, low, far)
    assert detection_scores(high, low, low, far) < detection_scores(high, high, high, far) < 1
    assert detection_scores(low, high, low, far) > base
    assert detection_scores(low, low, high, far) > base
    assert detection_scores(low, low, low, near) > base
    ends = detection_scores(*[np.array([0.0, 1])] * 3, np.zeros(2))
    assert 0 < ends[0] < 1e-4 and 0.9999 < ends[1] < 1


def test_a_wrist_is_near_within_about_a_hand(draw_discs, disc, disc_landmarks):
    seen = HandLandmarker(disc_landmarks).find(
        draw_discs(disc(300, 200)), np.array([[300, 200, 160, 0.0]]), StageClock()
    )
    center = palm_centers(seen.landmarks_px)[0]

    def nearness(shift, visibility=1.0):
        region = np.array([[center[0] + shift, center[1], 100, 0]])
        return wrist_nearness(seen.landmarks_px, WristHints(region, np.array([visibility])))[0]

    assert nearness(0) == pytest.approx(1)
    assert nearness(0, visibility=0.5) == pytest.approx(0.5)
    assert nearness(20) > nearness(60) > nearness(300) and nearness(300) < 0.01
    assert wrist_nearness(seen.landmarks_px, NO_HINTS)[0] == 0


@pytest.mark.parametrize(('name', 'value'), [
    ('model', ''), ('max_hands', 9), ('min_score', -0.1), ('palm_threshold', 1.0),
    ('whole_scales', ()), ('whole_scales', (0.5,)), ('tile_fractions', (0.0,)),
    ('tile_fractions', (1.5,)),
])
def test_options_name_the_bad_value(name, value):
    with pytest.raises(ConfigError, match=name):
        HandDetectorOptions(**{name: value})

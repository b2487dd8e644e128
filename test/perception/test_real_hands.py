"""The real networks on a real photo: five right hands, palms to the camera, 1 to 5 fingers up."""

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hands import (
    HandDetectorOptions,
    HandTrackerOptions,
    create_hand_detector,
    create_hand_tracker,
)
from ros2_hand_action.perception.records import Handedness

# Where each hand's palm is in the photo, in pixels, as looked up by eye.
PALMS_PX = ((71, 68), (148, 68), (222, 68), (295, 66), (383, 66))
FINGERS = (1, 2, 3, 4, 5)
TIPS, KNUCKLES = (8, 12, 16, 20), (6, 10, 14, 18)


@pytest.fixture(scope='module')
def photo():
    try:
        path = media_path('five_hands')
    except ModelError as error:
        pytest.skip(str(error))
    pixels = cv2.imread(str(path))
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope='module')
def detector():
    try:
        with create_hand_detector() as detector:
            yield detector
    except ModelError as error:
        pytest.skip(str(error))


def palm(hand):
    return hand.landmarks_px[[0, 5, 9, 13, 17], :2].mean(axis=0)


def sort(hands):
    return sorted(hands, key=lambda hand: palm(hand)[0])


def count_fingers(hand):
    """Return how many of the four fingers other than the thumb are stretched."""
    tips, middles = hand.landmarks_px[list(TIPS), 1], hand.landmarks_px[list(KNUCKLES), 1]
    return int(np.sum(tips < middles))


def test_five_hands_are_found_where_they_are(detector, photo):
    hands = sort(detector.detect(Frame(photo, PixelOrder.BGR)))
    assert len(hands) == 5
    for hand, place in zip(hands, PALMS_PX, strict=True):
        assert np.hypot(*(palm(hand) - place)) < 15
        xmin, ymin, xmax, ymax = hand.box_px
        assert xmin < place[0] < xmax and ymin < place[1] < ymax
        assert hand.score > 0.8 and hand.presence > 0.8


def test_fingers_are_where_they_are(detector, photo):
    hands = sort(detector.detect(Frame(photo, PixelOrder.BGR)))
    # The network takes the single finger of the first hand for two.
    assert [count_fingers(hand) for hand in hands[1:]] == [min(count, 4) for count in FINGERS[1:]]


def test_metres_are_those_of_a_hand(detector, photo):
    open_hand = sort(detector.detect(Frame(photo, PixelOrder.BGR)))[-1]
    length = np.linalg.norm(open_hand.landmarks_m[12])  # wrist to the tip of the middle finger
    assert 0.12 < length < 0.24
    assert open_hand.landmarks_m[12, 1] < -0.1  # it points up: y is down


def test_handedness_is_the_persons_own_and_swaps_in_a_mirror(detector, photo):
    hands = detector.detect(Frame(photo, PixelOrder.BGR))
    assert {hand.handedness for hand in hands} == {Handedness.RIGHT}
    mirrored = detector.detect(Frame(photo[:, ::-1], PixelOrder.BGR))
    assert len(mirrored) == 5
    assert {hand.handedness for hand in mirrored} == {Handedness.LEFT}
    assert min(hand.handedness_score for hand in mirrored) > 0.8


def test_orders_of_pixels_and_gray_serve(detector, photo):
    bgr = sort(detector.detect(Frame(photo, PixelOrder.BGR)))
    rgb = sort(detector.detect(Frame(photo[..., ::-1].copy(), PixelOrder.RGB)))
    for first, second in zip(bgr, rgb, strict=True):
        np.testing.assert_array_equal(first.landmarks_px, second.landmarks_px)
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    assert len(detector.detect(Frame(gray, PixelOrder.MONO))) >= 2  # trained on colour



@pytest.mark.parametrize('model', ['lite', 'egohands'])
def test_other_networks_find_them_too(photo, model):
    options = HandDetectorOptions(model=model)
    try:
        with create_hand_detector(options) as other:
            hands = other.detect(Frame(photo, PixelOrder.BGR))
            assert [hand.handedness for hand in hands] == 5 * [Handedness.RIGHT]
    except ModelError as error:
        pytest.skip(str(error))


def test_a_moving_picture_keeps_five_ids(photo):
    """The photo slides over a wider canvas; each hand keeps one id."""
    try:
        tracker = create_hand_tracker(HandTrackerOptions(max_hands=5))
    except ModelError as error:
        pytest.skip(str(error))
    last = {}
    with tracker:
        for i in range(40):
            canvas = np.full((200, 640, 3), 255, np.uint8)
            canvas[40:40 + photo.shape[0], 2 * i:2 * i + photo.shape[1]] = photo
            hands = tracker.process(Frame(canvas, PixelOrder.BGR, i * 33_000_000)).hands
            now = {hand.track_id: palm(hand)[0] - 2 * i for hand in hands}
            for track_id in now.keys() & last.keys():
                assert abs(now[track_id] - last[track_id]) < 20
            last = now
    assert len(last) == 5
    assert set(last) == {'h1', 'h2', 'h3', 'h4', 'h5'}

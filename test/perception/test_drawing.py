"""The overlay draws what it is given, in any image, and refuses what it cannot draw into."""

import numpy as np
import pytest

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.drawing import (
    FINGER_COLOURS,
    draw_overlay,
)
from ros2_hand_action.perception.drawing_text import EVENT_COLOUR, TextLayer
from ros2_hand_action.perception.records import (
    Gesture,
    GestureEvent,
    Hand,
    Handedness,
    Phase,
)

SIZES = [(320, 240), (640, 480), (1280, 720), (1920, 1080), (240, 320)]


def make_hand(box, *, track_id='h1', landmarks_px=None):
    if landmarks_px is None:
        xmin, ymin, xmax, ymax = box
        steps = np.linspace(0.1, 0.9, 21)
        landmarks_px = np.stack(
            [xmin + (xmax - xmin) * steps, ymin + (ymax - ymin) * steps, 0 * steps], axis=1
        )
    return Hand(
        track_id=track_id, handedness=Handedness.LEFT, handedness_score=0.9,
        box_px=np.array(box, np.float32), score=0.9, presence=0.9,
        landmarks_px=landmarks_px.astype(np.float32),
        landmarks_m=np.zeros((21, 3), np.float32),
    )


def make_gesture(label='stop', hand_id='h1'):
    return Gesture(hand_id, Handedness.LEFT, label, 0.9, np.array([0.9, 0.1], np.float32))


def make_event(label='stop', hand_id='h1'):
    return GestureEvent(
        phase=Phase.HELD, label=label, hand_id=hand_id, body_id='', handedness=Handedness.LEFT,
        score=0.9, start_ns=0, stamp_ns=1_700_000_000,
    )


def blank(width, height):
    return np.full((height, width, 3), 127, np.uint8)


def has_colour(image, colour):
    return bool(np.any(np.all(image == colour, axis=2)))


@pytest.mark.parametrize(('width', 'height'), SIZES)
def test_every_finger_and_the_event_are_seen_at_every_size(width, height):
    image = blank(width, height)
    hand = make_hand([width * 0.3, height * 0.3, width * 0.7, height * 0.8])
    draw_overlay(image, [hand], [make_gesture()], {'h1': make_event()})
    for colour in (*FINGER_COLOURS, EVENT_COLOUR):
        assert has_colour(image, colour)


def test_a_hand_without_an_event_does_not_stand_out():
    image = blank(640, 480)
    hand = make_hand([200, 200, 400, 400])
    draw_overlay(image, [hand], [make_gesture()], {'h2': make_event(hand_id='h2')})
    assert not has_colour(image, EVENT_COLOUR)


def test_nothing_seen_leaves_the_image_alone():
    image = blank(320, 240)
    draw_overlay(image, [])
    assert np.all(image == 127)


def test_the_label_changes_with_gesture_event_and_time():
    hand = make_hand([200, 200, 400, 400])
    pictures = []
    for gestures, events, stamp_ns in (
        ([], {}, None), ([make_gesture()], {}, None), ([make_gesture('none')], {}, None),
        ([make_gesture()], {'h1': make_event()}, None),
        ([make_gesture()], {'h1': make_event()}, 9_000_000_000),
    ):
        image = blank(640, 480)
        draw_overlay(image, [hand], gestures, events, stamp_ns=stamp_ns)
        pictures.append(image.tobytes())
    assert pictures[0] == pictures[2], "'none' is not worth a word"
    assert len(set(pictures)) == 4


@pytest.mark.parametrize('box', [
    [0, 0, 20, 20], [300, 220, 320, 240], [0, 0, 320, 240], [150, 100, 150, 100],
    [-500, -500, 900, 900], [float('nan')] * 4,
])
def test_any_box_can_be_drawn(box):
    image = blank(320, 240)
    draw_overlay(image, [make_hand(box)], [make_gesture()], {'h1': make_event()})
    assert has_colour(image, EVENT_COLOUR)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -1e9, 1e30])
def test_unknown_and_absurd_landmarks_are_left_out(value):
    image, expected = blank(320, 240), blank(320, 240)
    landmarks = np.full((21, 3), value)
    draw_overlay(image, [make_hand([50, 50, 150, 150], landmarks_px=landmarks)])
    draw_overlay(
        expected, [make_hand([50, 50, 150, 150], landmarks_px=np.full((21, 3), np.nan))]
    )
    assert np.array_equal(image, expected)
    assert not has_colour(image, FINGER_COLOURS[0])


def test_labels_of_neighbours_do_not_cover_each_other():
    boxes = [[200, 200, 300, 300], [210, 205, 310, 300]]
    hands = [make_hand(box, track_id=f'h{i}') for i, box in enumerate(boxes)]
    both, first = blank(640, 480), blank(640, 480)
    draw_overlay(first, hands[:1])
    draw_overlay(both, hands)
    label = first[:195] != 127  # above both boxes
    assert label.any()
    assert np.array_equal(both[:195][label], first[:195][label])


def test_names_that_the_font_lacks_do_not_fail():
    image = blank(640, 480)
    hand = make_hand([200, 200, 400, 400])
    draw_overlay(image, [hand], [make_gesture('привет 👋')])
    assert np.any(image != 127)


@pytest.mark.parametrize('right', [False, True])
@pytest.mark.parametrize(('width', 'height'), [*SIZES, (8, 8)])
def test_a_caption_lies_in_its_corner(width, height, right):
    image = blank(width, height)
    texts = TextLayer(image)
    texts.add_caption('a clip', right=right)
    texts.draw()
    changed = np.argwhere(np.any(image != 127, axis=2))
    assert changed[:, 0].max() == height - 1
    assert changed[:, 1].max() == width - 1 if right else changed[:, 1].min() == 0


@pytest.mark.parametrize('image', [
    np.zeros((10, 10), np.uint8), np.zeros((10, 10, 4), np.uint8),
    np.zeros((10, 10, 3), np.float32), np.zeros((0, 10, 3), np.uint8),
    np.zeros((10, 20, 3), np.uint8)[:, ::2],
])
def test_other_images_are_refused(image):
    with pytest.raises(ImageError):
        draw_overlay(image, [])


def test_a_read_only_image_is_refused():
    image = blank(10, 10)
    image.flags.writeable = False
    with pytest.raises(ImageError, match='read-only'):
        draw_overlay(image, [])

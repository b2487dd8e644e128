import random
import struct
from array import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError, ImageError
from ros2_hand_action.msg import GestureArray, HandArray
from ros2_hand_action.msg import Hand as HandMessage
from ros2_hand_action.nodes.conversions import (
    frame_from_message,
    gestures_from_message,
    hands_from_message,
)
from ros2_hand_action.nodes.wire import read_hands, read_image, write_gestures, write_hands
from ros2_hand_action.perception.records import Gesture, Handedness

FRAME_IDS = ('', 'c', 'cam', 'camera', 'cämera')  # of several lengths: they shift all that follows


def make_header(frame_id: str) -> Header:
    return Header(stamp=Time(sec=3, nanosec=500), frame_id=frame_id)


def hand_message(hand, body_id: str = '') -> HandMessage:
    """What rclpy writes, field by field."""
    return HandMessage(
        id=hand.track_id,
        body_id=body_id,
        handedness=hand.handedness.value,
        handedness_score=hand.handedness_score,
        score=hand.score,
        presence=hand.presence,
        box=RegionOfInterest(x_offset=10, y_offset=20, width=20, height=41),
        landmarks_px=[Point(x=x, y=y, z=z) for x, y, z in hand.landmarks_px.tolist()],
        landmarks=[Point(x=x, y=y, z=z) for x, y, z in hand.landmarks_m.tolist()],
    )


def hands_message(hand, frame_id: str, count: int = 2, body_id: str = 'b1') -> HandArray:
    message = HandArray(header=make_header(frame_id), image_width=640, image_height=480)
    message.hands = [hand_message(hand, body_id)] * count
    return message


def image(frame_id: str = 'camera') -> Image:
    message = Image(header=make_header(frame_id), width=3, height=2, step=9, encoding='rgb8')
    message.data = array('B', range(18))
    return message


@pytest.mark.parametrize('frame_id', FRAME_IDS)
@pytest.mark.parametrize('count', [0, 1, 2])
def test_others_read_the_hands_that_are_written(hand, frame_id, count):
    written = write_hands((hand,) * count, make_header(frame_id), width_px=640, height_px=480)
    assert isinstance(written, bytes)
    received = deserialize_message(written, HandArray)
    assert received == hands_message(hand, frame_id, count, body_id='')


@pytest.mark.parametrize('body_id', ['p1', 'p1234'])
def test_whose_hands_they_are_is_written(hand, body_id):
    written = write_hands(
        (hand,), make_header('camera'), width_px=640, height_px=480,
        body_ids={hand.track_id: body_id},
    )
    assert deserialize_message(written, HandArray) == hands_message(hand, 'camera', 1, body_id)
    assert read_hands(written).body_ids == {hand.track_id: body_id}


@pytest.mark.parametrize('frame_id', FRAME_IDS)
@pytest.mark.parametrize('count', [0, 1, 2])
def test_the_hands_of_others_are_read(hand, frame_id, count):
    message = hands_message(hand, frame_id, count)
    received = read_hands(serialize_message(message))
    assert received.header == message.header
    assert received.body_ids == ({hand.track_id: 'b1'} if count else {})
    assert len(received.hands) == count
    for back, same in zip(received.hands, hands_from_message(message)):
        for name in ('track_id', 'handedness', 'handedness_score', 'score', 'presence'):
            assert getattr(back, name) == getattr(hand, name) == getattr(same, name)
        for name in ('box_px', 'landmarks_px', 'landmarks_m'):
            np.testing.assert_array_equal(getattr(back, name), getattr(same, name))
            assert getattr(back, name).dtype == np.float32
        np.testing.assert_array_equal(back.landmarks_px, hand.landmarks_px)
        np.testing.assert_array_equal(back.landmarks_m, hand.landmarks_m)


def test_a_box_becomes_the_whole_pixels_that_it_touches(hand):
    (back,) = read_hands(write_hands((hand,), Header(), width_px=640, height_px=480)).hands
    np.testing.assert_array_equal(back.box_px, [10, 20, 30, 61])


def test_hands_of_another_byte_order_are_read():
    written = struct.pack('>4xiII4sIII', 3, 500, 4, b'cam\0', 640, 480, 0)
    received = read_hands(written)
    assert received == (make_header('cam'), (), {}, 640)


@pytest.mark.parametrize('handedness', [3, 255])
def test_unknown_handedness_of_a_sender_is_refused(hand, handedness):
    message = hands_message(hand, 'camera')
    message.hands[0].handedness = handedness
    with pytest.raises(HandActionError, match=f'handedness {handedness}'):
        read_hands(serialize_message(message))
    with pytest.raises(HandActionError, match=f'handedness {handedness}'):
        hands_from_message(message)


@pytest.mark.parametrize('frame_id', FRAME_IDS)
def test_others_read_the_gestures_that_are_written(frame_id):
    gestures = (
        Gesture('h1', Handedness.LEFT, 'ok', 0.75, np.array([0.25, 0.75], np.float32)),
        Gesture('h12', Handedness.RIGHT, 'none', 0.5, np.array([0.5, 0.5], np.float32)),
    )
    header = make_header(frame_id)
    written = write_gestures(gestures, header, labels=('none', 'ok'), body_ids={'h1': 'b2'})
    assert isinstance(written, bytes)
    received = deserialize_message(written, GestureArray)
    assert (received.header, received.labels) == (header, ['none', 'ok'])
    assert [each.body_id for each in received.gestures] == ['b2', '']
    for gesture, back in zip(gestures, gestures_from_message(received)):
        for name in ('hand_id', 'handedness', 'label', 'score'):
            assert getattr(back, name) == getattr(gesture, name)
        np.testing.assert_array_equal(back.probabilities, gesture.probabilities)


def test_no_gestures_are_an_empty_array_with_labels():
    written = write_gestures((), make_header('camera'), labels=('none',), body_ids={})
    received = deserialize_message(written, GestureArray)
    assert received == GestureArray(header=make_header('camera'), labels=['none'])


@pytest.mark.parametrize('frame_id', FRAME_IDS)
def test_an_image_is_a_view_of_what_was_received(frame_id):
    data = serialize_message(image(frame_id))
    received = read_image(data)
    assert received.header == make_header(frame_id)
    frame = frame_from_message(received, 7)
    np.testing.assert_array_equal(frame.pixels.ravel(), range(18))
    assert frame.pixels.shape == (2, 3, 3)
    assert np.shares_memory(frame.pixels, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(('make', 'read', 'error'), [
    (lambda hand: hands_message(hand, 'camera'), read_hands, HandActionError),
    (lambda hand: image(), read_image, ImageError),
])
def test_a_message_that_is_cut_off_is_refused(hand, make, read, error):
    data = serialize_message(make(hand))
    whole = len(data) - 4  # the end may be padding
    for size in (*range(4, 60), whole // 2, whole - 1):
        with pytest.raises(error, match='cannot be read'):
            read(data[:size])


def test_damaged_messages_are_read_or_refused(hand):
    choice = random.Random(0)
    wholes = {
        read_hands: serialize_message(hands_message(hand, 'camera')),
        read_image: serialize_message(image()),
    }
    refused = 0
    for index in range(4000):
        read = (read_hands, read_image)[index % 2]
        damaged = bytearray(wholes[read])
        for _ in range(choice.randrange(1, 8)):
            damaged[choice.randrange(4, min(len(damaged), 90))] = choice.randrange(256)
        try:
            read(bytes(damaged))
        except HandActionError:
            refused += 1
    assert refused > 1000

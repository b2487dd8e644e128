import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError, ImageError
from ros2_hand_action.msg import GestureEvent as GestureEventMessage
from ros2_hand_action.msg import Hand as HandMessage
from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes import conversions
from ros2_hand_action.perception.frame import PixelOrder
from ros2_hand_action.perception.labels import HAND_LANDMARKS
from ros2_hand_action.perception.records import GestureEvent, Handedness, Phase

HEADER = Header(stamp=Time(sec=3, nanosec=500), frame_id='camera')


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def test_stamps_survive():
    for stamp_ns in (0, 1, 999_999_999, 1_700_000_000_123_456_789):
        assert conversions.stamp_to_ns(conversions.stamp_from_ns(stamp_ns)) == stamp_ns


@pytest.mark.parametrize(('sec', 'nanosec'), [(-1, 0), (5, 1_000_000_000), (-(2**31), 5)])
def test_impossible_stamps_are_refused(sec, nanosec):
    with pytest.raises(HandActionError, match=f'sec {sec}, nanosec {nanosec}'):
        conversions.stamp_to_ns(Time(sec=sec, nanosec=nanosec))


def test_message_constants_agree_with_the_records():
    assert {side.name: side.value for side in Handedness} == {
        name: getattr(HandMessage, name) for name in ('UNKNOWN', 'LEFT', 'RIGHT')
    }
    assert {phase.name: phase.value for phase in Phase} == {
        name: getattr(GestureEventMessage, name) for name in ('STARTED', 'HELD', 'ENDED')
    }
    assert [getattr(HandMessage, name.upper()) for name in HAND_LANDMARKS] == list(range(21))


@pytest.mark.parametrize('phase', list(Phase))
def test_events_survive(phase):
    event = GestureEvent(
        phase=phase, label='stop', hand_id='h3', body_id='b1', handedness=Handedness.RIGHT,
        score=0.5, start_ns=1_500_000_000, stamp_ns=4_250_000_000,
    )
    message = over_the_wire(conversions.event_to_message(event, 'camera'))
    assert message.header.frame_id == 'camera'
    assert (message.duration.sec, message.duration.nanosec) == (2, 750_000_000)
    assert conversions.event_from_message(message) == event


def test_unknown_phase_of_a_sender_is_refused():
    with pytest.raises(HandActionError, match='phase 9'):
        conversions.event_from_message(GestureEventMessage(phase=9))


@pytest.mark.parametrize('order', list(PixelOrder))
def test_images_survive_as_views(order):
    shape = (5, 7) if order is PixelOrder.MONO else (5, 7, 3)
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    message = over_the_wire(conversions.image_message(pixels, order, HEADER))
    assert isinstance(message.data, array.array)
    frame = conversions.frame_from_message(message, 42)
    assert (frame.order, frame.stamp_ns) == (order, 42)
    np.testing.assert_array_equal(frame.pixels, pixels)
    assert np.shares_memory(frame.pixels, np.frombuffer(message.data, np.uint8))


def test_cropped_pixels_are_packed():
    pixels = np.arange(120, dtype=np.uint8).reshape(5, 8, 3)[:, 2:5]
    message = conversions.image_message(pixels, PixelOrder.BGR, HEADER)
    assert (message.width, message.step) == (3, 9)
    np.testing.assert_array_equal(conversions.frame_from_message(message, 0).pixels, pixels)


def test_empty_image_is_refused():
    with pytest.raises(ImageError, match='no pixels'):
        conversions.frame_from_message(Image(encoding='bgr8'), 0)


def test_empty_compressed_image_is_refused():
    with pytest.raises(ImageError, match='neither JPEG nor PNG'):
        conversions.frame_from_message(CompressedImage(format='jpeg'), 0)


def test_hand_array_defaults_mean_no_hands():
    assert conversions.hands_from_message(HandArray()) == ()

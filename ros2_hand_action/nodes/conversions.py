"""Messages to the records of the perception code and back: images, hands and gestures.

Those of bodies are in `body_conversions`; nothing else converts messages.
"""

import array

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.msg import GestureArray, HandArray
from ros2_hand_action.msg import GestureEvent as GestureEventMessage
from ros2_hand_action.msg import Hand as HandMessage
from ros2_hand_action.perception.encodings import decode_compressed, decode_raw
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.labels import HAND_LANDMARKS
from ros2_hand_action.perception.records import Gesture, GestureEvent, Hand, Handedness, Phase

_SECOND_NS = 1_000_000_000


def stamp_to_ns(stamp: Time) -> int:
    """Return a stamp in nanoseconds.

    Raises
    ------
    HandActionError
        If it lies before 1970, or its nanoseconds are a second or more.
    """
    if stamp.sec < 0 or not 0 <= stamp.nanosec < _SECOND_NS:
        raise HandActionError(
            f'stamp has sec {stamp.sec!r}, nanosec {stamp.nanosec!r}: no time since 1970; '
            'the sender must set header.stamp from its clock'
        )
    return int(stamp.sec) * _SECOND_NS + int(stamp.nanosec)


def stamp_from_ns(stamp_ns: int) -> Time:
    """Return nanoseconds as a stamp."""
    return Time(sec=stamp_ns // _SECOND_NS, nanosec=stamp_ns % _SECOND_NS)


def duration_from_ns(duration_ns: int) -> Duration:
    """Return nanoseconds as a duration."""
    return Duration(sec=duration_ns // _SECOND_NS, nanosec=duration_ns % _SECOND_NS)


def read_phase(value: int) -> Phase:
    """Return the phase of an event; raises HandActionError where there is none such."""
    try:
        return Phase(value)
    except ValueError as error:
        raise HandActionError(f'event has the phase {value!r}, not 0 to 2') from error


def frame_from_message(message: Image | CompressedImage, stamp_ns: int) -> Frame:
    """Return the image of a message, a view of its data where the encoding allows.

    Parameters
    ----------
    stamp_ns : int
        Stamp that the frame gets: that of the header, unless the sender leaves it out.

    Raises
    ------
    ImageError
        If the image cannot be used; says what is wrong with it.
    """
    if isinstance(message, CompressedImage):
        pixels, order = decode_compressed(
            memoryview(message.data), image_format=message.format
        )
    else:
        pixels, order = decode_raw(
            memoryview(message.data),
            encoding=message.encoding,
            width_px=message.width,
            height_px=message.height,
            step=message.step,
            is_bigendian=bool(message.is_bigendian),
        )
    return Frame(pixels, order, stamp_ns)


def image_message(pixels: np.ndarray, order: PixelOrder, header: Header) -> Image:
    """Return uint8 pixels, (height, width, 3) or (height, width), as a message."""
    encoding = 'mono8' if order is PixelOrder.MONO else f'{order.value}8'
    packed = np.ascontiguousarray(pixels)
    message = Image(header=header, encoding=encoding)
    message.height, message.width = packed.shape[:2]
    message.step = packed.strides[0]
    # an array of bytes: rclpy copies a list or bytes one element after the other
    message.data = array.array('B')
    message.data.frombytes(packed.data.cast('B'))
    return message


def compressed_message(jpeg: np.ndarray, header: Header) -> CompressedImage:
    """Return an encoded JPEG (n,) as a message."""
    message = CompressedImage(header=header, format='bgr8; jpeg compressed bgr8')
    message.data = array.array('B', jpeg.tobytes())
    return message


def hands_from_message(message: HandArray) -> tuple[Hand, ...]:
    """Return the hands of a message.

    Raises
    ------
    HandActionError
        If a hand has no such handedness, or not as many landmarks as it must.
    """
    return tuple(_hand_from_message(hand) for hand in message.hands)


def read_handedness(value: int) -> Handedness:
    """Return the handedness of a message; raises HandActionError where there is none such."""
    try:
        return Handedness(value)
    except ValueError as error:
        raise HandActionError(f'hand has the handedness {value!r}, not 0 to 2') from error


def gestures_from_message(message: GestureArray) -> tuple[Gesture, ...]:
    """Return the gestures of a message; raises HandActionError on an unknown handedness."""
    return tuple(
        Gesture(
            hand_id=gesture.hand_id,
            handedness=read_handedness(gesture.handedness),
            label=gesture.label,
            score=gesture.score,
            probabilities=np.array(gesture.probabilities, np.float32),
        )
        for gesture in message.gestures
    )


def event_to_message(event: GestureEvent, frame_id: str) -> GestureEventMessage:
    """Return an event as a message with the stamp of the image that caused it."""
    return GestureEventMessage(
        header=Header(stamp=stamp_from_ns(event.stamp_ns), frame_id=frame_id),
        phase=event.phase.value,
        label=event.label,
        hand_id=event.hand_id,
        body_id=event.body_id,
        handedness=event.handedness.value,
        score=event.score,
        start=stamp_from_ns(event.start_ns),
        duration=duration_from_ns(event.duration_ns),
    )


def event_from_message(message: GestureEventMessage) -> GestureEvent:
    """Return the event of a message; raises HandActionError on a value out of its set."""
    return GestureEvent(
        phase=read_phase(message.phase),
        label=message.label,
        hand_id=message.hand_id,
        body_id=message.body_id,
        handedness=read_handedness(message.handedness),
        score=message.score,
        start_ns=stamp_to_ns(message.start),
        stamp_ns=stamp_to_ns(message.header.stamp),
    )


def box_from_message(region: RegionOfInterest) -> np.ndarray:
    """Return a box, float32 (4,): xmin, ymin, xmax, ymax."""
    low = np.array((region.x_offset, region.y_offset), np.float32)
    return np.concatenate([low, low + np.array((region.width, region.height), np.float32)])


def _hand_from_message(message: HandMessage) -> Hand:
    return Hand(
        track_id=message.id,
        handedness=read_handedness(message.handedness),
        handedness_score=message.handedness_score,
        box_px=box_from_message(message.box),
        score=message.score,
        presence=message.presence,
        landmarks_px=_coordinates(message.landmarks_px),
        landmarks_m=_coordinates(message.landmarks),
    )


def _coordinates(points: list[Point]) -> np.ndarray:
    """Return float32 (21, 3)."""
    if len(points) != len(HAND_LANDMARKS):
        raise HandActionError(f'hand has {len(points)} landmarks, not {len(HAND_LANDMARKS)}')
    return np.array([(point.x, point.y, point.z) for point in points], np.float32)

"""The messages of the hot path as the bytes that go over the wire.

rclpy builds a Python object for every point of a hand, sets each of its fields, and copies images
twice: this costs more than finding out what a hand shows (figures: docs/nodes.md). So hands and
gestures are written and read here directly, and images stay where the middleware put them. The
format is that of all ROS middleware, OMG's CDR; what comes in another of its representations goes
through rclpy.
"""

import math
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError, ImageError
from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes.conversions import (
    hands_from_message,
    read_handedness,
)
from ros2_hand_action.perception.boxes import touched_pixels
from ros2_hand_action.perception.records import Gesture, Hand

_LITTLE_ENDIAN = b'\x00\x01\x00\x00'
"""First bytes of plain CDR of this byte order; alignment counts from behind them."""

_STAMP = struct.Struct('<iI')
_LENGTH = struct.Struct('<I')
_HANDS_SIZE = struct.Struct('<III')
_SCORE = struct.Struct('<f')
_SCORES_AND_BOX = struct.Struct('<3f4I?')
_IMAGE_SIZE = struct.Struct('<II')
_FLAG = struct.Struct('<B')
_LANDMARK_SHAPE = (2, 21, 3)
_LANDMARK_VALUES = math.prod(_LANDMARK_SHAPE)


class ReceivedHands(NamedTuple):
    """What a HandArray message tells; `body_ids` are by hand id, a width of 0 is unknown."""

    header: Header
    hands: tuple[Hand, ...]
    body_ids: dict[str, str]
    width_px: int


class ReceivedImage(NamedTuple):
    """An Image message, its pixels a view of what was received."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


class _Writer:
    """Appends values to a CDR message that begins with a header."""

    def __init__(self, header: Header) -> None:
        self.data = bytearray(_LITTLE_ENDIAN)
        self.pack(_STAMP, header.stamp.sec, header.stamp.nanosec)
        self.string(header.frame_id)

    def align(self, size: int) -> None:
        self.data += bytes(-(len(self.data) - len(_LITTLE_ENDIAN)) % size)

    def pack(self, layout: struct.Struct, *values: float) -> None:
        """Append values of at most four bytes each."""
        self.align(min(layout.size, 4))
        self.data += layout.pack(*values)

    def string(self, text: str) -> None:
        encoded = text.encode() + b'\0'
        self.pack(_LENGTH, len(encoded))
        self.data += encoded


class _Reader:
    """Takes values from a CDR message; raises struct.error or ValueError behind its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = len(_LITTLE_ENDIAN)

    def align(self, size: int) -> None:
        self.place += -(self.place - len(_LITTLE_ENDIAN)) % size

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        self.align(min(layout.size, 4))
        values = layout.unpack_from(self.data, self.place)
        self.place += layout.size
        return values

    def take(self, size: int) -> memoryview:
        start, self.place = self.place, self.place + size
        if self.place > len(self.data):
            raise ValueError(f'{self.place - len(self.data)} bytes are missing')
        return memoryview(self.data)[start:self.place]

    def string(self) -> str:
        (size,) = self.unpack(_LENGTH)
        return str(self.take(size), 'utf-8').rstrip('\0')

    def header(self) -> Header:
        sec, nanosec = self.unpack(_STAMP)
        return Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=self.string())


def write_hands(
    hands: tuple[Hand, ...],
    header: Header,
    *,
    width_px: int,
    height_px: int,
    body_ids: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Return the hands of one image as a serialised HandArray; `body_ids` are by hand id.

    Raises
    ------
    ImageError
        If a box is not finite.
    """
    writer = _Writer(header)
    writer.pack(_HANDS_SIZE, width_px, height_px, len(hands))
    for hand in hands:
        _write_hand(writer, hand, body_ids.get(hand.track_id, ''))
    return bytes(writer.data)


def _write_hand(writer: _Writer, hand: Hand, body_id: str) -> None:
    x, y, width, height = touched_pixels(hand.box_px)
    writer.string(hand.track_id)
    writer.string(body_id)
    writer.pack(_FLAG, hand.handedness.value)
    writer.pack(
        _SCORES_AND_BOX, hand.handedness_score, hand.score, hand.presence,
        x, y, height, width, False,
    )
    writer.align(8)
    landmarks = np.empty(_LANDMARK_SHAPE, '<f8')
    landmarks[0], landmarks[1] = hand.landmarks_px, hand.landmarks_m
    writer.data += landmarks.tobytes()


def read_hands(data: bytes) -> ReceivedHands:
    """Return what a serialised HandArray tells; raises HandActionError where it is damaged."""
    if not _is_plain(data):
        message = deserialize_message(data, HandArray)
        body_ids = {hand.id: hand.body_id for hand in message.hands}
        hands = hands_from_message(message)
        return ReceivedHands(message.header, hands, body_ids, message.image_width)
    reader = _Reader(data)
    try:
        header = reader.header()
        width_px, _, count = reader.unpack(_HANDS_SIZE)
        pairs = [_read_hand(reader) for _ in range(count)]
    except (struct.error, ValueError) as error:
        raise HandActionError(f'hands message cannot be read: {error}') from error
    body_ids = {hand.track_id: body for hand, body in pairs}
    return ReceivedHands(header, tuple(hand for hand, _ in pairs), body_ids, width_px)


def _read_hand(reader: _Reader) -> tuple[Hand, str]:
    """Return a hand, and the id of its body."""
    track_id, body_id = reader.string(), reader.string()
    (handedness,) = reader.unpack(_FLAG)
    right, score, presence, x, y, height, width, _ = reader.unpack(_SCORES_AND_BOX)
    reader.align(8)
    landmarks = np.frombuffer(reader.take(8 * _LANDMARK_VALUES), '<f8').astype(np.float32)
    landmarks_px, landmarks_m = landmarks.reshape(_LANDMARK_SHAPE)
    hand = Hand(
        track_id=track_id,
        handedness=read_handedness(handedness),
        handedness_score=right,
        box_px=np.array((x, y, x + width, y + height), np.float32),
        score=score,
        presence=presence,
        landmarks_px=landmarks_px,
        landmarks_m=landmarks_m,
    )
    return hand, body_id


def write_gestures(
    gestures: tuple[Gesture, ...],
    header: Header,
    *,
    labels: tuple[str, ...],
    body_ids: Mapping[str, str],
) -> bytes:
    """Return the gestures of one image as a serialised GestureArray; `body_ids` by hand id."""
    writer = _Writer(header)
    writer.pack(_LENGTH, len(labels))
    for label in labels:
        writer.string(label)
    writer.pack(_LENGTH, len(gestures))
    for gesture in gestures:
        writer.string(gesture.hand_id)
        writer.string(body_ids.get(gesture.hand_id, ''))
        writer.pack(_FLAG, gesture.handedness.value)
        writer.string(gesture.label)
        writer.pack(_SCORE, gesture.score)
        writer.pack(_LENGTH, len(gesture.probabilities))
        writer.data += gesture.probabilities.astype('<f4').tobytes()
    return bytes(writer.data)


def read_image(data: bytes) -> ReceivedImage | Image:
    """Return what a serialised Image tells; raises ImageError where it cannot be read."""
    if not _is_plain(data):
        image: Image = deserialize_message(data, Image)
        return image
    reader = _Reader(data)
    try:
        header = reader.header()
        height, width = reader.unpack(_IMAGE_SIZE)
        encoding = reader.string()
        (is_bigendian,) = reader.unpack(_FLAG)
        step, size = reader.unpack(_IMAGE_SIZE)
        pixels = reader.take(size)
    except (struct.error, ValueError) as error:
        raise ImageError(f'image message cannot be read: {error}') from error
    return ReceivedImage(header, height, width, encoding, is_bigendian, step, pixels)


def _is_plain(data: bytes) -> bool:
    """Return whether a message is in the representation that is read here."""
    return data[:2] == _LITTLE_ENDIAN[:2]

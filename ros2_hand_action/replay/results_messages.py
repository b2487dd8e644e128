"""Answers to images as messages of bags, without ROS: the bytes that the nodes publish."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ros2_hand_action.perception.boxes import touched_pixels
from ros2_hand_action.perception.frames import NamedFrame
from ros2_hand_action.perception.records import (
    Action,
    ActionEvent,
    Body,
    Gesture,
    GestureEvent,
    Hand,
)
from ros2_hand_action.resources import PACKAGE_NAME, message_path

MESSAGES = (
    'Hand', 'HandArray', 'Gesture', 'GestureArray', 'GestureEvent', 'BodyPose', 'BodyPoseArray',
    'Action', 'ActionArray', 'ActionEvent',
)
TF_MESSAGE = 'tf2_msgs/msg/TFMessage'
_SECOND_NS = 1_000_000_000


class MessageHeader(NamedTuple):
    """Header of an image's answers."""

    stamp_ns: int
    frame_id: str


def type_name(message: str) -> str:
    """Return the full name of one of our messages."""
    return f'{PACKAGE_NAME}/msg/{message}'


@cache
def make_typestore(*, with_points_as_numbers: bool = False) -> Typestore:
    """Return the message types that results consist of; do not register others in it.

    Parameters
    ----------
    with_points_as_numbers : bool
        With arrays of points as arrays of three times as many numbers: the same bytes, written
        at once. For writing only; what is told about the types is that of the others.
    """
    store = get_typestore(Stores.ROS2_HUMBLE)
    types: Any = {}
    for name in MESSAGES:
        text = message_path(f'{name}.msg').read_text(encoding='utf-8')
        if with_points_as_numbers:
            text = re.sub(
                r'geometry_msgs/Point\[(\d+)\]', lambda m: f'float64[{3 * int(m[1])}]', text
            )
        types.update(get_types_from_msg(text, type_name(name)))
    store.register(types)
    return store


class MessageWriter:
    """Serialises answers."""

    def __init__(self) -> None:
        self._store = make_typestore(with_points_as_numbers=True)

    def hands(
        self,
        hands: Iterable[Hand],
        header: MessageHeader,
        *,
        image_size: tuple[int, int],
        body_ids: dict[str, str],
    ) -> bytes:
        """Return a HandArray."""
        made = [self._hand(hand, body_ids.get(hand.track_id, '')) for hand in hands]
        return self._array('HandArray', header, image_size, hands=made)

    def gestures(
        self,
        gestures: Iterable[Gesture],
        header: MessageHeader,
        *,
        labels: tuple[str, ...],
        body_ids: dict[str, str],
    ) -> bytes:
        """Return a GestureArray."""
        made = [
            self._make(
                'Gesture', hand_id=gesture.hand_id, body_id=body_ids.get(gesture.hand_id, ''),
                handedness=gesture.handedness.value, label=gesture.label, score=gesture.score,
                probabilities=_floats(gesture.probabilities),
            )
            for gesture in gestures
        ]  # fmt: skip
        return self._write(
            'GestureArray', header=self._header(header), labels=list(labels), gestures=made
        )

    def bodies(
        self, bodies: Iterable[Body], header: MessageHeader, *, image_size: tuple[int, int]
    ) -> bytes:
        """Return a BodyPoseArray."""
        made = [self._body(body) for body in bodies]
        return self._array('BodyPoseArray', header, image_size, bodies=made)

    def actions(
        self, actions: Iterable[Action], header: MessageHeader, *, labels: tuple[str, ...]
    ) -> bytes:
        """Return an ActionArray."""
        made = [
            self._make(
                'Action', body_id=action.body_id, label=action.label, score=action.score,
                probabilities=_floats(action.probabilities),
                clip_start=self._time(action.clip_start_ns),
                clip_end=self._time(action.clip_end_ns),
            )
            for action in actions
        ]  # fmt: skip
        return self._write(
            'ActionArray', header=self._header(header), labels=list(labels), actions=made
        )

    def gesture_event(self, event: GestureEvent, frame_id: str) -> bytes:
        """Return a GestureEvent."""
        return self._write(
            'GestureEvent', hand_id=event.hand_id, handedness=event.handedness.value,
            **self._event(event, frame_id),
        )  # fmt: skip

    def action_event(self, event: ActionEvent, frame_id: str) -> bytes:
        """Return an ActionEvent."""
        return self._write('ActionEvent', **self._event(event, frame_id))

    def frames(self, frames: Iterable[NamedFrame], header: MessageHeader) -> bytes:
        """Return a TFMessage."""
        types = self._store.types
        transforms = [
            types['geometry_msgs/msg/TransformStamped'](
                self._header(header),
                frame.name,
                types['geometry_msgs/msg/Transform'](
                    types['geometry_msgs/msg/Vector3'](*frame.place_m),
                    types['geometry_msgs/msg/Quaternion'](*frame.turn),
                ),
            )
            for frame in frames
        ]
        message = types[TF_MESSAGE](transforms)
        return bytes(self._store.serialize_cdr(message, TF_MESSAGE))

    def _hand(self, hand: Hand, body_id: str) -> Any:
        return self._make(
            'Hand', id=hand.track_id, body_id=body_id, handedness=hand.handedness.value,
            handedness_score=hand.handedness_score, score=hand.score, presence=hand.presence,
            box=self._region(hand.box_px), landmarks_px=_doubles(hand.landmarks_px),
            landmarks=_doubles(hand.landmarks_m),
        )  # fmt: skip

    def _body(self, body: Body) -> Any:
        points_px = np.full((len(body.keypoints_px), 3), np.nan)
        points_px[:, :2] = body.keypoints_px
        return self._make(
            'BodyPose', id=body.track_id, score=body.score, box=self._region(body.box_px),
            keypoints_px=points_px.ravel(), confidence=_floats(body.confidence),
            keypoints=_doubles(body.keypoints_m),
        )  # fmt: skip

    def _event(self, event: GestureEvent | ActionEvent, frame_id: str) -> dict[str, Any]:
        duration = self._store.types['builtin_interfaces/msg/Duration']
        return {
            'header': self._header(MessageHeader(event.stamp_ns, frame_id)),
            'phase': event.phase.value,
            'label': event.label,
            'body_id': event.body_id,
            'score': event.score,
            'start': self._time(event.start_ns),
            'duration': duration(*divmod(event.duration_ns, _SECOND_NS)),
        }

    def _region(self, box_px: np.ndarray) -> Any:
        x, y, width, height = touched_pixels(box_px)
        kind = self._store.types['sensor_msgs/msg/RegionOfInterest']
        return kind(x, y, height, width, False)

    def _header(self, header: MessageHeader) -> Any:
        kind = self._store.types['std_msgs/msg/Header']
        return kind(self._time(header.stamp_ns), header.frame_id)

    def _time(self, stamp_ns: int) -> Any:
        return self._store.types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, _SECOND_NS))

    def _array(
        self, message: str, header: MessageHeader, image_size: tuple[int, int], **made: Any
    ) -> bytes:
        width_px, height_px = image_size
        return self._write(
            message, header=self._header(header), image_width=width_px, image_height=height_px,
            **made,
        )  # fmt: skip

    def _make(self, message: str, **values: Any) -> Any:
        return self._store.types[type_name(message)](**values)

    def _write(self, message: str, **values: Any) -> bytes:
        name = type_name(message)
        return bytes(self._store.serialize_cdr(self._make(message, **values), name))


def _floats(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)


def _doubles(points: np.ndarray) -> np.ndarray:
    """Return points (n, 3) as numbers (3 n,)."""
    return np.asarray(points, np.float64).ravel()

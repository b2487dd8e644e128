"""A node that records topics into a bag, as they come."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

from ros2_hand_action.errors import HandActionError, MediaError
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.message_values import import_message_type
from ros2_hand_action.replay.recording_bag import RecordingBag

RESULT_TOPICS = (
    topics.HANDS, topics.GESTURES, topics.GESTURE_EVENTS, topics.BODIES, topics.POINTING,
    topics.ACTIONS, topics.ACTION_EVENTS, topics.PERSON_IN_CONTROL, topics.EMERGENCY_STOP,
    topics.DIAGNOSTICS, topics.TF, topics.TF_STATIC,
)
IMAGE_TOPICS = (topics.IMAGE, topics.CAMERA_INFO, topics.DEPTH_IMAGE)

_LOOK_PERIOD_S, _FLUSH_PERIOD_S = 0.2, 1.0
_DEPTH = 100
_ENDLESS = QosTime(0, 0)


class _Input(NamedTuple):
    """A topic that is recorded."""

    subscription: Subscription
    qos: QoSProfile


class BagRecorderNode(Node):
    """Subscribes to topics when somebody publishes them, and writes what comes.

    Parameters
    ----------
    bag : RecordingBag
        Is not closed here.
    wanted : sequence of str
        Topics, relative or absolute; 'image' stands for 'image/compressed' where that alone is
        published.
    context : rclpy.context.Context

    Attributes
    ----------
    problems : dict of str to str
        Topic -> why it is not recorded.
    failure : MediaError or None
        Why nothing is written any more.
    """

    def __init__(self, bag: RecordingBag, wanted: Sequence[str], *, context: Context) -> None:
        super().__init__('bag_recorder', context=context)
        self._bag = bag
        self._wanted = [self.resolve_topic_name(name) for name in dict.fromkeys(wanted)]
        self._inputs: dict[str, _Input] = {}
        self.problems: dict[str, str] = {}
        self.failure: MediaError | None = None
        self.look()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_LOOK_PERIOD_S, self.look, clock=steady)
        self.create_timer(_FLUSH_PERIOD_S, self._flush, clock=steady)

    @property
    def silent(self) -> list[str]:
        """Wanted topics of which nothing was written."""
        compressed = topics.COMPRESSED_SUFFIX
        return [
            name for name in self._wanted
            if not self._bag.counts.get(name) and not self._bag.counts.get(name + compressed)
        ]

    def look(self) -> None:
        """Subscribe to what is published since the last look."""
        published = dict(self.get_topic_names_and_types())
        for name in self._wanted:
            for topic in (name, name + topics.COMPRESSED_SUFFIX):
                if topic in published and self.count_publishers(topic):
                    self._record(topic, published[topic])
                    break

    def _record(self, topic: str, types: Sequence[str]) -> None:
        offered = [info.qos_profile for info in self.get_publishers_info_by_topic(topic)]
        if topic in self.problems or not offered:
            return
        if len(types) != 1:
            self.problems[topic] = f'has several types: {", ".join(types)}'
            return
        try:
            message_type = import_message_type(types[0])
            if topic not in self._inputs:
                self._bag.add_topic(topic, types[0], [_describe(qos) for qos in offered])
        except HandActionError as error:
            self.problems[topic] = str(error)
            return
        self._subscribe(topic, message_type, _fit(offered))

    def _subscribe(self, topic: str, message_type: type, qos: QoSProfile) -> None:
        """Subscribe, anew where another publisher asks for another profile."""
        before = self._inputs.get(topic)
        if before is not None:
            if _asks(before.qos) == _asks(qos):
                return
            self.destroy_subscription(before.subscription)
        subscription = self.create_subscription(
            message_type, topic, lambda data: self._take(topic, data), qos, raw=True
        )
        self._inputs[topic] = _Input(subscription, qos)

    def _take(self, topic: str, data: Any) -> None:
        self._attempt(lambda: self._bag.write(topic, time.time_ns(), data))

    def _flush(self) -> None:
        self._attempt(self._bag.flush)

    def _attempt(self, write: Callable[[], None]) -> None:
        """Write, or keep the reason why not for whoever spins."""
        if self.failure is None:
            try:
                write()
            except MediaError as error:
                self.failure = error


def _fit(offered: Sequence[QoSProfile]) -> QoSProfile:
    """Return a profile that takes from all publishers, as reliably as they all send."""
    qos = topics.input_qos(
        depth=_DEPTH,
        reliable=all(each.reliability == ReliabilityPolicy.RELIABLE for each in offered),
    )
    if all(each.durability == DurabilityPolicy.TRANSIENT_LOCAL for each in offered):
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return qos


def _asks(qos: QoSProfile) -> tuple[ReliabilityPolicy, DurabilityPolicy]:
    return qos.reliability, qos.durability


def _describe(qos: QoSProfile) -> Qos:
    """Return a publisher's profile as a bag tells it."""
    is_reliable = qos.reliability == ReliabilityPolicy.RELIABLE
    is_latched = qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return Qos(
        QosHistory.KEEP_LAST, max(qos.depth, 1),
        QosReliability.RELIABLE if is_reliable else QosReliability.BEST_EFFORT,
        QosDurability.TRANSIENT_LOCAL if is_latched else QosDurability.VOLATILE,
        _ENDLESS, _ENDLESS, QosLiveliness.AUTOMATIC, _ENDLESS, False,
    )  # fmt: skip

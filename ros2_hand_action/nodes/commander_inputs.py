"""What gesture_commander hears: every message that cannot be used stops the robot."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rclpy.serialization import deserialize_message
from std_msgs.msg import Header

from ros2_hand_action.commanding.commander import Commander
from ros2_hand_action.commanding.decisions import Firing
from ros2_hand_action.commanding.stamps import Now
from ros2_hand_action.msg import (
    ActionArray,
    ActionEvent,
    BodyPoseArray,
    GestureArray,
    GestureEvent,
    HandArray,
)
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.action_conversions import action_event_from_message
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.conversions import (
    event_from_message,
    gestures_from_message,
    stamp_to_ns,
)
from ros2_hand_action.nodes.emergency_input import EmergencyInput
from ros2_hand_action.nodes.stream_input import StreamInput
from ros2_hand_action.nodes.subscription import AdaptiveSubscription, Candidate, Delivery
from ros2_hand_action.nodes.wire import read_hands
from ros2_hand_action.perception.stage_times import StageTimes

Taken = TypeVar('Taken')


class CommanderInputs:
    """Subscribes to gestures, events, hands, bodies, the emergency stop, and maybe actions.

    Parameters
    ----------
    node : HandActionNode
        Declares STREAM_PARAMETERS.
    commander : Commander
    lock : threading.Lock
        Held while the commander is called.
    react : callable
        Called with the commands that are due, when the commander has something new.
    actions : bool
        Whether actions mean anything.

    Attributes
    ----------
    stream : StreamInput
        The gestures, and what is counted about them.
    labels : tuple of str
        What the classifier knows; empty before its first message.
    actions : tuple of str
        What the action recogniser knows; empty before its first message.
    """

    def __init__(
        self,
        node: HandActionNode,
        commander: Commander,
        lock: threading.Lock,
        react: Callable[[Iterable[Firing]], None],
        *,
        actions: bool = False,
    ) -> None:
        self._node, self._commander, self._lock, self._react = node, commander, lock, react
        self.labels: tuple[str, ...] = ()
        self.actions: tuple[str, ...] = ()
        self._others = [
            self._subscribe(topics.HANDS, HandArray, read_hands, self._take_hands),
            self._subscribe(
                topics.BODIES, BodyPoseArray, _reader(BodyPoseArray), self._take_bodies
            ),
            self._subscribe(
                topics.GESTURE_EVENTS, GestureEvent, _reader(GestureEvent), self._take_event
            ),
        ]
        if actions:
            self._others += [
                self._subscribe(
                    topics.ACTION_EVENTS, ActionEvent, _reader(ActionEvent), self._take_action
                ),
                self._subscribe(
                    topics.ACTIONS, ActionArray, _reader(ActionArray), self._take_action_labels
                ),
            ]
        read = self._guard(topics.GESTURES, _reader(GestureArray))
        self.stream = StreamInput(
            node,
            candidates=[Candidate(topics.GESTURES, GestureArray, read)],
            depth=topics.RESULTS_QOS.depth,
            decode=self._guard(topics.GESTURES, lambda message, _: message),
            answer=self._guard(topics.GESTURES, self._take_gestures),
            restart=lambda: None,  # the commander looks at stamps itself
        )
        self._emergency = EmergencyInput(node, self._take_emergency)

    def watch(self) -> None:
        """Follow the publishers, and report silence."""
        for each in self._others:
            each.adapt()
        self._commander.fault = self._emergency.find_fault()
        self.stream.watch()

    def close(self) -> None:
        """Unsubscribe."""
        for each in self._others:
            each.close()
        self.stream.close()
        self._emergency.close()

    def _subscribe(
        self,
        topic: str,
        message_type: type,
        read: Callable[[bytes], Any],
        take: Callable[[Any], None],
    ) -> AdaptiveSubscription:
        def open_and_take(taken: bytes, delivery: Delivery) -> None:
            take(delivery.candidate.open(taken))

        return AdaptiveSubscription(
            self._node,
            candidates=[Candidate(topic, message_type, read)],
            callback=self._guard(topic, open_and_take),
            depth=topics.EVENTS_QOS.depth,
        )

    def _guard(self, topic: str, take: Callable[..., Taken]) -> Callable[..., Taken]:
        """Return a function that stops the robot before it passes on what went wrong."""

        def guarded(*arguments: Any) -> Taken:
            try:
                return take(*arguments)
            except Exception as error:
                with self._lock:
                    self._commander.distrust(f'message on {topic!r} cannot be used: {error}')
                self._react(())
                raise

        return guarded

    def _take_hands(self, received: Any) -> None:
        stamp_ns = stamp_to_ns(received.header.stamp)
        with self._lock:
            self._commander.observe_hands(
                received.hands,
                stamp_ns=stamp_ns,
                body_ids=received.body_ids,
                width_px=received.width_px,
            )

    def _take_bodies(self, message: BodyPoseArray) -> None:
        bodies, stamp_ns = bodies_from_message(message), stamp_to_ns(message.header.stamp)
        with self._lock:
            self._commander.observe_bodies(bodies, stamp_ns=stamp_ns)

    def _take_event(self, message: GestureEvent) -> None:
        event = event_from_message(message)
        with self._lock:
            firings = self._commander.observe_event(event, read_clocks(self._node))
        self._react(firings)

    def _take_action(self, message: ActionEvent) -> None:
        event = action_event_from_message(message)
        with self._lock:
            firings = self._commander.observe_action(event, read_clocks(self._node))
        self._react(firings)

    def _take_action_labels(self, message: ActionArray) -> None:
        self.actions = tuple(message.labels)

    def _take_gestures(self, message: GestureArray, _header: Header) -> StageTimes:
        begun_s = time.perf_counter()
        gestures, stamp_ns = gestures_from_message(message), stamp_to_ns(message.header.stamp)
        self.labels = tuple(message.labels)
        with self._lock:
            firings = self._commander.observe_gestures(
                gestures, labels=self.labels, stamp_ns=stamp_ns, now=read_clocks(self._node)
            )
        self._react(firings)
        return StageTimes(time.perf_counter() - begun_s, 0.0, 0.0)

    def _take_emergency(self, is_pressed: bool | None) -> None:
        with self._lock:
            self._commander.emergency.observe(is_pressed, read_clocks(self._node))
        self._react(())


def read_clocks(node: HandActionNode) -> Now:
    """Return this moment."""
    return Now(node.get_clock().now().nanoseconds, time.monotonic_ns())


def _reader(message_type: type) -> Callable[[bytes], Any]:
    return lambda data: deserialize_message(data, message_type)

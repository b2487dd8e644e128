"""A node that writes down what other nodes answer to a clip."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Bool

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.interrupts import uninterrupted
from ros2_hand_action.msg import ActionArray, BodyPoseArray, GestureArray, HandArray
from ros2_hand_action.msg import ActionEvent as ActionEventMessage
from ros2_hand_action.msg import GestureEvent as GestureEventMessage
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.action_conversions import (
    action_event_from_message,
    actions_from_message,
)
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.conversions import (
    event_from_message,
    gestures_from_message,
    hands_from_message,
    stamp_to_ns,
)
from ros2_hand_action.nodes.statistics import STAGES
from ros2_hand_action.perception.records import Body, Gesture, Hand
from ros2_hand_action.replay.history import lasting
from ros2_hand_action.replay.recording import (
    RecordedActionEvent,
    RecordedEvent,
    RecordedFrame,
    StageLatency,
)

_POLL_S = 0.05
_DRAIN_S = 3.0
_MS = 1e-6


class Recorder:
    """Subscribes to the answers in a namespace; use it in one thread.

    Images are not taken: each comes with a `camera_info` of its stamp, which is small enough for
    none to be lost. The subscription to the images is made last and tells the source to begin:
    then it has found all the others, and the recorder has found it.

    Parameters
    ----------
    namespace : str
        Of the nodes, without a leading slash.
    domain_id : int, optional
        That of the environment if not given.

    Attributes
    ----------
    sent_ns : Mapping[int, int]
        Stamp of an image -> time since 1970 at which it was sent, where stamps are not that.
    """

    def __init__(self, namespace: str, *, domain_id: int | None = None) -> None:
        self._namespace = namespace
        self.sent_ns: Mapping[int, int] = {}
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self._node = Node('recorder', namespace=namespace, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self.labels: tuple[str, ...] = ()
        self.action_labels: tuple[str, ...] = ()
        self.statuses: dict[str, DiagnosticStatus] = {}
        self._subscribe(DiagnosticArray, topics.DIAGNOSTICS, self._take_diagnostics)
        self._infos = self._subscribe(
            CameraInfo, topics.CAMERA_INFO, self._take_camera_info
        )
        self._subscribe(HandArray, topics.HANDS, self._take_hands)
        self._subscribe(GestureArray, topics.GESTURES, self._take_gestures)
        self._subscribe(BodyPoseArray, topics.BODIES, self._take_bodies)
        self._subscribe(ActionArray, topics.ACTIONS, self._take_actions)
        self._subscribe(ActionEventMessage, topics.ACTION_EVENTS, self._take_action_event)
        self._subscribe(GestureEventMessage, topics.GESTURE_EVENTS, self._take_event)
        self._node.create_subscription(
            Bool, topics.SOURCE_ENDED, self._take_ended, topics.LATCHED_QOS
        )
        self._forget()

    def record(
        self,
        *,
        with_bodies: bool = False,
        check: Callable[[], None],
        on_frame: Callable[[], object] = lambda: None,
        start_timeout_s: float,
        silence_timeout_s: float,
    ) -> None:
        """Write down one clip, from its first image until the last answer has come.

        Parameters
        ----------
        with_bodies : bool
            Whether body_pose_estimator runs, whose last answer is waited for.
        check : callable
            Called often; raises where it makes no sense to wait any longer.
        on_frame : callable
            Called for each image.
        start_timeout_s, silence_timeout_s : float
            Longest time until the first image, and without a further one.

        Raises
        ------
        HandActionError
            If an image is waited for in vain.
        """
        self._forget()
        start: Subscription | None = None
        deadline_s, seen = time.monotonic() + start_timeout_s, 0
        while not (self._ended and seen):
            check()
            self._spin()
            if start is None and not seen and self._all_are_found():
                start = self._give_start_signal()
            for _ in range(seen, len(self._stamps_ns)):
                on_frame()
                deadline_s = time.monotonic() + silence_timeout_s
            seen = len(self._stamps_ns)
            if seen and start is not None:
                self._node.destroy_subscription(start)
                start = None
            if time.monotonic() > deadline_s:
                raise HandActionError(
                    f'no image came in {silence_timeout_s if seen else start_timeout_s:.0f} s, '
                    f'after {seen}: is the machine overloaded, or a firewall between processes?'
                )
        self._drain(check, {'gestures', 'bodies'} if with_bodies else {'gestures'})

    def frames(self, count: int, fps: float) -> tuple[RecordedFrame, ...]:
        """Return the images of the last clip, whose file holds `count` at `fps`."""
        return self.numbered_frames(align(self._stamps_ns, count, fps))

    def numbered_frames(self, indices: Sequence[int]) -> tuple[RecordedFrame, ...]:
        """Return the images of the last clip, which have these numbers in it."""
        return tuple(
            RecordedFrame(
                index,
                stamp_ns,
                **self._answers[stamp_ns],
                **{
                    f'{key}_latency_ms': latency_ms
                    for key, latency_ms in self._latencies_ms[stamp_ns].items()
                },
            )
            for index, stamp_ns in zip(indices, self._stamps_ns)
        )

    @property
    def events(self) -> tuple[RecordedEvent, ...]:
        """The events of the last clip, in order of arrival."""
        return tuple(self._events)

    @property
    def action_events(self) -> tuple[RecordedActionEvent, ...]:
        """The events of actions of the last clip, in order of arrival."""
        return tuple(self._action_events)

    def stages(self, nodes: Sequence[str]) -> tuple[StageLatency, ...]:
        """Return the newest own account of their latency of some nodes, in this order."""
        found = []
        for name in nodes:
            if name not in self.statuses:
                continue
            status = self.statuses[name]
            values = {pair.key: pair.value for pair in status.values}
            for stage in STAGES:
                try:
                    p50, p95 = (float(values[f'{stage} {part} (ms)']) for part in ('p50', 'p95'))
                except (KeyError, ValueError):  # 'unknown', or no stream
                    continue
                found.append(StageLatency(name, stage, p50, p95))
        return tuple(found)

    def failures(self, nodes: Sequence[str]) -> str:
        """Return what some nodes say keeps them from working; '' if nothing does."""
        return '; '.join(
            f'{name} is {status.message}'
            for name, status in self.statuses.items()
            if name in nodes
            and status.level == DiagnosticStatus.ERROR
            and status.message.startswith(('unconfigured', 'inactive'))  # else it lacks input
        )

    def close(self) -> None:
        """End the node; may be called again."""
        if self._context.ok():
            self._executor.shutdown(timeout_sec=0)
            self._node.destroy_node()
            rclpy.shutdown(context=self._context)

    def __enter__(self) -> 'Recorder':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spin(self) -> None:
        with uninterrupted():
            self._executor.spin_once(timeout_sec=_POLL_S)

    def _subscribe(
        self, kind: type, topic: str, callback: Callable[[Any], None]
    ) -> Subscription:
        qos = topics.input_qos(depth=200, reliable=True)
        return self._node.create_subscription(kind, topic, callback, qos)

    def _all_are_found(self) -> bool:
        """Whether no message is lost from now on: discovery takes a while on either side."""
        classifier_is_ready = self._node.count_subscribers(topics.HANDS) > 1  # recorder is one
        return classifier_is_ready and self._infos.get_publisher_count() > 0

    def _give_start_signal(self) -> Subscription:
        qos = topics.input_qos(depth=1, reliable=False)
        return self._node.create_subscription(
            Image, topics.IMAGE, lambda _: None, qos, raw=True
        )

    def _forget(self) -> None:
        self._ended = False
        self._stamps_ns: list[int] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self._latencies_ms: dict[int, dict[str, Any]] = {}
        self._events: list[RecordedEvent] = []
        self._action_events: list[RecordedActionEvent] = []

    def _drain(self, check: Callable[[], None], wanted: set[str]) -> None:
        """Take what is still to come: the last image's answers, and the end of what lasts."""
        deadline_s = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline_s:
            check()
            self._spin()
            answers = self._answers.get(self._stamps_ns[-1], {})
            if wanted <= answers.keys() and not self._something_lasts():
                return

    def _something_lasts(self) -> bool:
        gestures = lasting(recorded.event for recorded in self._events)
        actions = lasting(recorded.event for recorded in self._action_events)
        return bool(gestures or actions)

    def _take_camera_info(self, message: CameraInfo) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._stamps_ns.append(stamp_ns)
        self._answers.setdefault(stamp_ns, {})
        self._latencies_ms.setdefault(stamp_ns, {})

    def _take_hands(self, message: HandArray) -> None:
        self._take_answer('hands', message, hands_from_message(message))

    def _take_gestures(self, message: GestureArray) -> None:
        self.labels = tuple(message.labels)
        self._take_answer('gestures', message, gestures_from_message(message))

    def _take_bodies(self, message: BodyPoseArray) -> None:
        self._take_answer('bodies', message, bodies_from_message(message))

    def _take_answer(
        self,
        key: str,
        message: Any,
        answer: tuple[Hand, ...] | tuple[Gesture, ...] | tuple[Body, ...],
    ) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._answers.setdefault(stamp_ns, {})[key] = answer
        self._latencies_ms.setdefault(stamp_ns, {})[key] = self._age_ms(stamp_ns)

    def _take_actions(self, message: ActionArray) -> None:
        self.action_labels = tuple(message.labels)
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._answers.setdefault(stamp_ns, {})['actions'] = actions_from_message(message)

    def _take_action_event(self, message: ActionEventMessage) -> None:
        event = action_event_from_message(message)
        if self._stamps_ns:
            self._action_events.append(RecordedActionEvent(event, self._age_ms(event.stamp_ns)))

    def _take_event(self, message: GestureEventMessage) -> None:
        event = event_from_message(message)
        if self._stamps_ns:  # else a late one of the clip before
            self._events.append(RecordedEvent(event, self._age_ms(event.stamp_ns)))

    def _age_ms(self, stamp_ns: int) -> float:
        return (time.time_ns() - self.sent_ns.get(stamp_ns, stamp_ns)) * _MS

    def _take_ended(self, message: Bool) -> None:
        self._ended = bool(message.data)

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        prefix = f'/{self._namespace}/'
        for status in message.status:
            if status.name.startswith(prefix):
                self.statuses[status.name[len(prefix):]] = status


def align(stamps_ns: list[int], count: int, fps: float) -> list[int]:
    """Return the number in the file of each published image.

    The source publishes all `count` images in order; where fewer stamps came, the gaps between
    them tell which are missing, counted from the last one.
    """
    if len(stamps_ns) >= count:
        return [min(index, count - 1) for index in range(len(stamps_ns))]
    indices = [count - 1] * len(stamps_ns)
    for index in range(len(stamps_ns) - 2, -1, -1):
        gap_s = (stamps_ns[index + 1] - stamps_ns[index]) * 1e-9
        indices[index] = max(indices[index + 1] - max(round(gap_s * fps), 1), index)
    return indices

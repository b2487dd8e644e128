"""Subscriptions that fit themselves to whoever publishes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.input_loop import INPUT_LOOPS, Input, OwnThreadGroup
from ros2_hand_action.nodes.next_steps import advise_look
from ros2_hand_action.nodes.statistics import UNKNOWN_NS
from ros2_hand_action.nodes.topics import OVERLAY_IMAGE, SENDERS, input_qos

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

_BEST_EFFORT_ADVICE = (
    'Large best-effort messages get lost between processes: for both, set '
    'FASTRTPS_DEFAULT_PROFILES_FILE to config/fastdds_shm.xml'
)

_INCOMPATIBLE_REPEAT_S = 30.0

RELIABILITIES = ('auto', 'reliable', 'best_effort')


class Candidate(NamedTuple):
    """A topic and type that would serve as input.

    Attributes
    ----------
    topic : str
    message_type : type
    read : callable, optional
        Reads a serialised message. Without it rclpy does, before the message is taken.
    """

    topic: str
    message_type: type
    read: Callable[[bytes], Any] | None = None

    def open(self, taken: Any) -> Any:
        """Return the message that was taken; raises HandActionError where it is damaged."""
        return self.read(taken) if self.read else taken


class Delivery(NamedTuple):
    """What the middleware tells about one message.

    Attributes
    ----------
    candidate : Candidate
        What it came by; its `open` gives the message.
    published_ns : int
        System time at which it was sent; UNKNOWN_NS where that is not told.
    sequence : int, optional
        Its number among the sender's messages; None where that is not told, or several send.
    """

    candidate: Candidate
    published_ns: int
    sequence: int | None


class AdaptiveSubscription:
    """Subscribes to the first candidate that is published, as reliable as it is published.

    Before anybody publishes, it asks for the first candidate and reliable messages, as most
    publishers send. Call `adapt` now and then: it follows publishers that come later.

    Parameters
    ----------
    node : HandActionNode
    candidates : sequence of Candidate
        In order of preference; topic names are resolved by the node.
    callback : callable
        Called with a message, serialised where the candidate reads it, and its Delivery.
    depth : int
        Newest messages that are kept while the node is busy.
    reliability : str
        One of RELIABILITIES; 'auto' is the publisher's own.
    on_change : callable
        Called where another subscription takes over.
    """

    def __init__(
        self,
        node: HandActionNode,
        *,
        candidates: Sequence[Candidate],
        callback: Callable[[Any, Delivery], None],
        depth: int,
        reliability: str = 'auto',
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._node = node
        self._sender = SENDERS.get(candidates[0].topic, 'the camera or source')
        self._candidates = [
            each._replace(topic=node.resolve_topic_name(each.topic)) for each in candidates
        ]
        self._callback = callback
        self._depth = depth
        self._reliability = reliability
        self._on_change = on_change
        self._chosen = self._candidates[0]
        self._reliable = reliability != 'best_effort'
        self._group = OwnThreadGroup()
        self._subscription: Subscription | None = None
        self._stop_taking: Callable[[], None] = lambda: None
        self._choose()
        self._subscribe()

    @property
    def topic(self) -> str:
        """The resolved name that is subscribed to."""
        return self._chosen.topic

    @property
    def message_type(self) -> type:
        """The type that is subscribed to."""
        return self._chosen.message_type

    def adapt(self) -> None:
        """Look at who publishes now and subscribe anew where that fits better."""
        if self._choose():
            self._subscribe()
            self._on_change()
        self._report_incompatible()

    def close(self) -> None:
        """Unsubscribe; may be called again."""
        self._stop_taking()
        self._stop_taking = lambda: None
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def publishers(self) -> list[tuple[Candidate, TopicEndpointInfo]]:
        """Return everybody who publishes a candidate."""
        topics = dict.fromkeys(candidate.topic for candidate in self._candidates)
        infos = {topic: self._node.get_publishers_info_by_topic(topic) for topic in topics}
        return [
            (candidate, info)
            for candidate in self._candidates
            for info in infos[candidate.topic]
            if info.topic_type == type_name(candidate.message_type)
        ]

    def explain_silence(self) -> str:
        """Return why no message may come, and what to do about it."""
        publishers = self.publishers()
        if publishers:
            found = '; '.join(_describe(info) for _, info in publishers)
            text = f'{len(publishers)} publisher(s) but no message on {self.topic!r}: {found}'
            advice = advise_look(self.topic, self._sender) if self._reliable else (
                _BEST_EFFORT_ADVICE
            )
            return f'{text}. {advice}'
        text = f'nobody publishes {type_name(self.message_type)} on {self.topic!r}'
        others = [_describe(i) for i in self._node.get_publishers_info_by_topic(self.topic)]
        if others:
            text += f' (found: {"; ".join(others)})'
        return f'{text}. {self._suggest_remap()}'

    def _suggest_remap(self) -> str:
        wanted = {type_name(candidate.message_type) for candidate in self._candidates}
        ours = self._node.resolve_topic_name(OVERLAY_IMAGE)
        topics = [
            f'{name} ({", ".join(sorted(wanted & set(types)))})'
            for name, types in self._node.get_topic_names_and_types()
            if wanted & set(types)
            and self._node.count_publishers(name)
            and not name.startswith(ours)
        ]
        if not topics:
            return f'No topic carries {" or ".join(sorted(wanted))}: start {self._sender}'
        return (
            f'Topics that do: {", ".join(topics)}. Remap one, '
            f'as with: --ros-args -r {self.topic}:=TOPIC'
        )

    def _choose(self) -> bool:
        """Choose candidate and reliability by who publishes; returns whether that changed."""
        publishers = self.publishers()
        if not publishers:
            return False
        chosen = publishers[0][0]
        reliable = self._reliable
        if self._reliability == 'auto':
            reliable = all(
                info.qos_profile.reliability == ReliabilityPolicy.RELIABLE
                for candidate, info in publishers
                if candidate == chosen
            )
        changed = (chosen, reliable) != (self._chosen, self._reliable)
        self._chosen, self._reliable = chosen, reliable
        return changed

    def _subscribe(self) -> None:
        self.close()
        self._subscription = self._node.create_subscription(
            self._chosen.message_type,
            self._chosen.topic,
            lambda message: None,  # executors do not take it: the input loop does
            self._qos(),
            callback_group=self._group,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=self._chosen.read is not None,
        )
        self._stop_taking = INPUT_LOOPS.add(
            self._node.context,
            self._node.input_loop,
            Input(self._subscription, self._take, self._node.lock, self._node.problems.exception),
        )

    def _qos(self) -> QoSProfile:
        return input_qos(depth=self._depth, reliable=self._reliable)

    def _take(self, message: Any, info: dict[str, Any]) -> None:
        sequence = info.get('publication_sequence_number')  # not in Humble
        if self._subscription is None or self._subscription.get_publisher_count() != 1:
            sequence = None
        published_ns = info['source_timestamp'] or UNKNOWN_NS
        self._callback(message, Delivery(self._chosen, published_ns, sequence))

    def _report_incompatible(self) -> None:
        """Say what to set where a publisher offers less than is asked for.

        By looking, not by the middleware's event: an executor that waits for events of a
        subscription wakes up and builds its wait set anew for each of its messages.
        """
        offers = [info for candidate, info in self.publishers() if candidate == self._chosen]
        if self._reliable and any(_is_best_effort(info) for info in offers):
            self._node.problems.error(
                'incompatible QoS',
                f'no messages from a publisher of {self.topic!r}: it does not offer what this '
                f'subscription asks for ({_describe_qos(self._qos())}). Publishers: '
                f'{"; ".join(map(_describe, offers))}. Set the parameter for the reliability of '
                'this input to auto, or the publisher to reliable',
                repeat_s=_INCOMPATIBLE_REPEAT_S,
            )


def type_name(message_type: type) -> str:
    """Return a message type's name as ROS writes it, such as 'sensor_msgs/msg/Image'."""
    return f'{message_type.__module__.split(".")[0]}/msg/{message_type.__name__}'


def _is_best_effort(info: TopicEndpointInfo) -> bool:
    return bool(info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT)


def _describe(info: TopicEndpointInfo) -> str:
    where = f'{info.node_namespace.rstrip("/")}/{info.node_name}'
    return f'{where} sends {info.topic_type}, {_describe_qos(info.qos_profile)}'


def _describe_qos(qos: QoSProfile) -> str:
    return f'{qos.reliability.name.lower()}, {qos.durability.name.lower()}'

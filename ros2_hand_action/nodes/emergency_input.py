"""The emergency stop's topic: whatever is not plainly false is a stop.

A subscription that asks for latched messages is made only while somebody latches: DDS lets a
plain publisher warn its user of each subscription that it cannot serve.
"""

from collections.abc import Callable
from typing import Any

from rclpy.qos import DurabilityPolicy
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from std_msgs.msg import Bool

from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.subscription import (
    AdaptiveSubscription,
    Candidate,
    Delivery,
    SubscriptionEventCallbacks,
    type_name,
)

_ENCODINGS = (b'\x00\x00\x00\x00', b'\x00\x01\x00\x00')
"""First bytes of plain CDR, big and little endian."""


class EmergencyInput:
    """Hears the topic as it is published, and the last message of one that is latched.

    Parameters
    ----------
    node : HandActionNode
    observe : callable
        Called with true, false, or None for a message that cannot be read.
    """

    def __init__(self, node: HandActionNode, observe: Callable[[bool | None], None]) -> None:
        self._node, self._observe = node, observe
        self._subscription = AdaptiveSubscription(
            node,
            candidates=[Candidate(topics.EMERGENCY_STOP, Bool, lambda data: data)],
            callback=self._take,
            depth=topics.COMMANDS_QOS.depth,
        )
        self._latched: Subscription | None = None
        self.find_fault()  # at once: who latches may have told to stop already

    def find_fault(self) -> str:
        """Follow the publishers; returns what is wrong with the topic, '' if nothing is."""
        self._subscription.adapt()
        publishers = self._node.get_publishers_info_by_topic(self._subscription.topic)
        self._ask_who_latches(publishers)
        for info in publishers:
            if info.topic_type != type_name(Bool):
                return (
                    f'{self._subscription.topic!r} is published as {info.topic_type} by '
                    f'{info.node_name}: it must be {type_name(Bool)}'
                )
        return ''

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()
        self._ask_who_latches([])

    def _ask_who_latches(self, publishers: list[TopicEndpointInfo]) -> None:
        """Subscribe to last messages while a publisher keeps them."""
        is_latched = any(
            info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for info in publishers
        )
        if is_latched and self._latched is None:
            self._latched = self._node.create_subscription(
                Bool, topics.EMERGENCY_STOP, self._take_latched, topics.LATCHED_QOS, raw=True,
                event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            )
        elif not is_latched and self._latched is not None:
            self._node.destroy_subscription(self._latched)
            self._latched = None

    def _take(self, data: bytes, _delivery: Delivery) -> None:
        self._observe(read_flag(data))

    def _take_latched(self, data: Any) -> None:
        self._observe(read_flag(data))


def read_flag(data: bytes) -> bool | None:
    """Return what a serialised Bool says; None where it says neither true nor false."""
    if data[:4] not in _ENCODINGS or len(data) < 5:
        return None
    return {0: False, 1: True}.get(data[4])

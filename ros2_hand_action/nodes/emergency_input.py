"""The emergency stop's topic: whatever is not plainly false is a stop."""

from collections.abc import Callable
from typing import Any

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
        # a publisher that keeps its last message gives it only to who asks for that
        self._latched = node.create_subscription(
            Bool, topics.EMERGENCY_STOP, self._take_latched, topics.LATCHED_QOS, raw=True,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )

    def find_fault(self) -> str:
        """Follow the publishers; returns what is wrong with the topic, '' if nothing is."""
        self._subscription.adapt()
        for info in self._node.get_publishers_info_by_topic(self._subscription.topic):
            if info.topic_type != type_name(Bool):
                return (
                    f'{self._subscription.topic!r} is published as {info.topic_type} by '
                    f'{info.node_name}: it must be {type_name(Bool)}'
                )
        return ''

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()
        self._node.destroy_subscription(self._latched)

    def _take(self, data: bytes, _delivery: Delivery) -> None:
        self._observe(read_flag(data))

    def _take_latched(self, data: Any) -> None:
        self._observe(read_flag(data))


def read_flag(data: bytes) -> bool | None:
    """Return what a serialised Bool says; None where it says neither true nor false."""
    if data[:4] not in _ENCODINGS or len(data) < 5:
        return None
    return {0: False, 1: True}.get(data[4])

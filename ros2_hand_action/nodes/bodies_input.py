"""Bodies as they are published, and whose hands are whose."""

from collections.abc import Sequence

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.msg import BodyPoseArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.conversions import stamp_to_ns
from ros2_hand_action.nodes.subscription import AdaptiveSubscription, Candidate, Delivery
from ros2_hand_action.perception.association import assign_hands
from ros2_hand_action.perception.records import Body, Hand

_OLDEST_NS = 500_000_000
"""Bodies of an image so much older or newer than the hands' say nothing about them."""
_ARMS = 2


class BodiesInput:
    """Keeps the newest bodies, and tells which hand belongs to whom.

    A hand keeps its owner while both are in view, also where the wrists are not seen.

    Parameters
    ----------
    node : HandActionNode
    """

    def __init__(self, node: HandActionNode) -> None:
        self._node = node
        self._stamp_ns = 0
        self._bodies: tuple[Body, ...] = ()
        self._owners: dict[str, str] = {}
        self._subscription = AdaptiveSubscription(
            node,
            candidates=[Candidate(topics.BODIES, BodyPoseArray)],
            callback=self._take,
            depth=1,
        )

    def owners(self, hands: Sequence[Hand], stamp_ns: int) -> dict[str, str]:
        """Return hand id -> body id, for the hands in an image whose owner is known."""
        is_near = abs(stamp_ns - self._stamp_ns) <= _OLDEST_NS
        bodies = self._bodies if is_near else ()
        if not bodies:
            self._owners = {}
            return {}
        found = assign_hands(hands, bodies)
        there = {body.track_id for body in bodies}
        for hand in hands:
            owner = self._owners.get(hand.track_id)
            if hand.track_id in found or owner not in there:
                continue
            if list(found.values()).count(owner) < _ARMS:
                found[hand.track_id] = owner
        self._owners = found
        return found

    def watch(self) -> None:
        """Follow the publishers."""
        self._subscription.adapt()

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()

    def _take(self, message: BodyPoseArray, _delivery: Delivery) -> None:
        try:
            stamp_ns, bodies = stamp_to_ns(message.header.stamp), bodies_from_message(message)
        except HandActionError as error:
            topic = self._subscription.topic
            self._node.problems.exception(f'bodies on {topic!r} left out', error)
            return
        self._stamp_ns, self._bodies = stamp_ns, bodies

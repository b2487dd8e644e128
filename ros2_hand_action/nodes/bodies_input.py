"""Bodies as they are published, and whose hands are whose."""

from collections.abc import Sequence

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.msg import BodyPoseArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.conversions import stamp_to_ns
from ros2_hand_action.nodes.parameters import Change, NodeParameter
from ros2_hand_action.nodes.subscription import AdaptiveSubscription, Candidate, Delivery
from ros2_hand_action.perception.hand_owners import HandOwners
from ros2_hand_action.perception.records import Body, Hand

MAX_AGE = NodeParameter(
    'bodies_max_age_s', 0.5,
    'Bodies of an image so much older or newer than that of the hands are ignored (seconds)',
    low=0.0, high=60.0, change=Change.ANY_TIME,
)
_SECOND_NS = 1_000_000_000


class BodiesInput:
    """Keeps the newest bodies, and tells which hand belongs to whom.

    Parameters
    ----------
    node : HandActionNode
    """

    def __init__(self, node: HandActionNode) -> None:
        self._node = node
        self._stamp_ns = 0
        self._bodies: tuple[Body, ...] = ()
        self._owners = HandOwners()
        self._subscription = AdaptiveSubscription(
            node,
            candidates=[Candidate(topics.BODIES, BodyPoseArray)],
            callback=self._take,
            depth=1,
        )

    def near(self, stamp_ns: int) -> tuple[Body, ...]:
        """Return the newest bodies, none where their image is too far in time from this stamp."""
        most_ns = float(self._node.value(MAX_AGE.name)) * _SECOND_NS
        return self._bodies if abs(stamp_ns - self._stamp_ns) <= most_ns else ()

    def owners(self, hands: Sequence[Hand], bodies: Sequence[Body]) -> dict[str, str]:
        """Return hand id -> body id, for the hands in an image whose owner is known.

        Parameters
        ----------
        hands : sequence of Hand
        bodies : sequence of Body
            From `near`.
        """
        return self._owners.find(hands, bodies)

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

"""Whose the hands of successive images are."""

from collections.abc import Sequence

from ros2_hand_action.perception.association import assign_hands
from ros2_hand_action.perception.records import Body, Hand

_ARMS = 2


class HandOwners:
    """Tells whose the hands of successive images are.

    A hand keeps its owner while both are in view, also where the wrists are not seen.
    """

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def find(self, hands: Sequence[Hand], bodies: Sequence[Body]) -> dict[str, str]:
        """Return hand id -> body id, for the hands in an image whose owner is known."""
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

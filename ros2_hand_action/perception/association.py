"""Which hand belongs to whom."""

from collections.abc import Sequence

import numpy as np

from ros2_hand_action.perception.records import Body, Hand, Handedness
from ros2_hand_action.perception.skeleton import INDEX

_SIDES = (Handedness.LEFT, Handedness.RIGHT)
_MIDDLE_MCP = 9
_HAND_LENGTHS = 2.0
"""Length of a hand over that of its palm, wrist to middle knuckle."""
_GATE = 1.0
_OTHER_SIDE_COST = 0.4
"""Farthest that a hand's wrist may lie from a body's, and the cost of the wrong side, in hand
lengths."""


def assign_hands(hands: Sequence[Hand], bodies: Sequence[Body]) -> dict[str, str]:
    """Return hand id -> id of the body that it belongs to; no entry where none is near.

    The nearest pair of wrists is joined first; each wrist of a body has one hand at most.
    """
    costs = []
    for hand in hands:
        for body in bodies:
            for side in _SIDES:
                cost = _cost(hand, body, side)
                if cost <= _GATE:
                    costs.append((cost, hand.track_id, body.track_id, side))
    owners: dict[str, str] = {}
    taken: set[tuple[str, Handedness]] = set()
    for _, hand_id, body_id, side in sorted(costs, key=lambda item: item[0]):
        if hand_id not in owners and (body_id, side) not in taken:
            owners[hand_id] = body_id
            taken.add((body_id, side))
    return owners


def _cost(hand: Hand, body: Body, side: Handedness) -> float:
    """Return the distance of two wrists in hand lengths, inf where a wrist is unknown."""
    wrist = body.keypoints_px[_keypoint(side, 'wrist')]
    if not np.isfinite(wrist).all():
        return float('inf')
    points = hand.landmarks_px[:, :2]
    palm = float(np.linalg.norm(points[_MIDDLE_MCP] - points[0]))
    forearm = wrist - body.keypoints_px[_keypoint(side, 'elbow')]
    # A hand that points at the camera looks short; it is about two thirds of a forearm.
    known = float(np.nan_to_num(np.linalg.norm(forearm))) * 2 / 3
    length = max(_HAND_LENGTHS * palm, known, 1.0)
    cost = float(np.linalg.norm(points[0] - wrist)) / length
    other = hand.handedness not in (side, Handedness.UNKNOWN)
    return cost + _OTHER_SIDE_COST * (2 * hand.handedness_score - 1) if other else cost


def _keypoint(side: Handedness, part: str) -> int:
    return INDEX[f'{side.name.lower()}_{part}']

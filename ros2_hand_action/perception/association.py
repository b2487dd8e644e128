"""Which hand belongs to whom, and where bodies say that hands are."""

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

_KNUCKLES_TO_MIDDLE = 1.2
"""The middle of a hand lies this far beyond the wrist, in distances to the knuckles."""
_VIEW_M = 0.6
"""Side of a view in which to look for a hand: three hands, as palm detectors like best."""
_LEAST_CONFIDENCE = 0.5


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


def hand_views(bodies: Sequence[Body], hands: Sequence[Hand]) -> np.ndarray:
    """Return square views (n, 4) in which hands that are not in `hands` should be.

    Parameters
    ----------
    bodies : sequence of Body
        Seen in the same image, or a moment ago.
    hands : sequence of Hand
        Those that are known already.
    """
    views = []
    for body in bodies:
        for side in _SIDES:
            view = _view_of_hand(body, side)
            if view is not None and not any(_holds(view, hand) for hand in hands):
                views.append(view)
    return np.reshape(views, (-1, 4))


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


def _view_of_hand(body: Body, side: Handedness) -> np.ndarray | None:
    wrist, *knuckles = (
        _keypoint(side, part) for part in ('wrist', 'pinky_knuckle', 'index_knuckle')
    )
    known = np.isfinite(body.keypoints_m).all(axis=1)
    if body.confidence[wrist] < _LEAST_CONFIDENCE or not known[[wrist, *knuckles]].all():
        return None
    spread_px, spread_m = (
        np.sqrt(points[known, :2].var(axis=0).sum())
        for points in (body.keypoints_px, body.keypoints_m)
    )
    ahead = body.keypoints_px[knuckles].mean(axis=0) - body.keypoints_px[wrist]
    center = body.keypoints_px[wrist] + _KNUCKLES_TO_MIDDLE * ahead
    return np.array([*center, _VIEW_M * spread_px / max(spread_m, 1e-6), 0.0], np.float64)


def _holds(view_px: np.ndarray, hand: Hand) -> bool:
    """Return whether a hand's middle lies near the middle of a view."""
    middle = hand.landmarks_px[[0, _MIDDLE_MCP], :2].mean(axis=0)
    return bool((np.abs(middle - view_px[:2]) < view_px[2] / 3).all())


def _keypoint(side: Handedness, part: str) -> int:
    return INDEX[f'{side.name.lower()}_{part}']

"""Where the hands are and whose they are, and when that is in doubt."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ros2_hand_action.commanding.command_map import Zone
from ros2_hand_action.perception.records import Body, Hand, Handedness
from ros2_hand_action.perception.skeleton import INDEX

_OLDEST_NS = 200_000_000
"""Hands of an image so much older or newer than the gestures' say nothing about them."""
_OLDEST_BODY_NS = 500_000_000

_NEAR_HANDS = 1.0
"""Hands of different people whose middles are nearer, in hand sizes, may be taken for each
other."""
_STEP_HANDS = 1.0
_SPEED_HANDS_PER_S = 25.0
"""Farthest that a hand gets between two images: a hand of 0.18 m at 4.5 m/s."""
_SURE = 0.8
"""Handedness of less probability may change its mind."""

_SHOULDERS = [INDEX['left_shoulder'], INDEX['right_shoulder']]
_TRUNK = [INDEX['pelvis'], INDEX['neck']]


@dataclass(frozen=True)
class HandView:
    """One hand as far as commands need it.

    Attributes
    ----------
    hand_id : str
    person : str
        Id of the hand's body; that of the hand where the body is not known.
    handedness : Handedness
        UNKNOWN where it is not sure.
    centre_px : tuple of float
        x, y.
    size_px : float
        Longer side of the box.
    zone : Zone, optional
    raised : bool, optional
        Whether the wrist is above the body's shoulders.
    distance_m : float
        Of the body; NaN is unknown.
    """

    hand_id: str
    person: str
    handedness: Handedness
    centre_px: tuple[float, float]
    size_px: float
    zone: Zone | None
    raised: bool | None
    distance_m: float


class Scene:
    """Keeps the hands and bodies of the newest image.

    Attributes
    ----------
    doubts : dict of str to str
        Hand id -> why it may now be another hand than before; of the newest image.
    """

    def __init__(self) -> None:
        self._stamp_ns = 0
        self._hands: dict[str, HandView] = {}
        self._bodies: dict[str, Body] = {}
        self._bodies_ns = 0
        self.doubts: dict[str, str] = {}

    def observe_hands(
        self, hands: Sequence[Hand], stamp_ns: int, body_ids: Mapping[str, str], width_px: int
    ) -> None:
        """Take over the hands of an image; `body_ids` are by hand id, '' = unknown."""
        before, before_ns = self._hands, self._stamp_ns
        self._stamp_ns = stamp_ns
        self._hands = {
            hand.track_id: self._view(hand, body_ids.get(hand.track_id, ''), width_px)
            for hand in hands
        }
        step_s = (stamp_ns - before_ns) / 1e9
        self.doubts = {}
        for hand_id, view in self._hands.items():
            doubt = _compare(before.get(hand_id), view, step_s) or self._find_near(view)
            if doubt:
                self.doubts[hand_id] = doubt

    def observe_bodies(self, bodies: Sequence[Body], stamp_ns: int) -> None:
        """Take over the bodies of an image."""
        self._bodies = {body.track_id: body for body in bodies}
        self._bodies_ns = stamp_ns

    def hands_at(self, stamp_ns: int) -> dict[str, HandView]:
        """Return the hands by id, where they are known about the time of an image."""
        return self._hands if abs(stamp_ns - self._stamp_ns) <= _OLDEST_NS else {}

    def forget(self) -> None:
        """Forget everything."""
        self._hands, self._bodies, self.doubts = {}, {}, {}

    def _view(self, hand: Hand, body_id: str, width_px: int) -> HandView:
        left, top, right, bottom = hand.box_px.tolist()
        x_px, y_px = (left + right) / 2, (top + bottom) / 2
        body = None
        if abs(self._stamp_ns - self._bodies_ns) <= _OLDEST_BODY_NS:
            body = self._bodies.get(body_id)
        return HandView(
            hand_id=hand.track_id,
            person=body_id or hand.track_id,
            handedness=hand.handedness if hand.handedness_score >= _SURE else Handedness.UNKNOWN,
            centre_px=(x_px, y_px),
            size_px=max(right - left, bottom - top, 1.0),
            zone=_zone(x_px, width_px),
            raised=None if body is None else _is_raised(float(hand.landmarks_px[0, 1]), body),
            distance_m=math.nan if body is None else _distance_m(body),
        )

    def _find_near(self, view: HandView) -> str:
        for other in self._hands.values():
            if other.person == view.person:
                continue
            gap_px = math.dist(other.centre_px, view.centre_px)
            if gap_px < _NEAR_HANDS * max(other.size_px, view.size_px):
                return f'hands {view.hand_id} and {other.hand_id} are too near to tell apart'
        return ''


def _zone(x_px: float, width_px: int) -> Zone | None:
    if width_px <= 0 or not math.isfinite(x_px):
        return None
    third = min(max(int(3 * x_px / width_px), 0), 2)
    return (Zone.LEFT, Zone.CENTRE, Zone.RIGHT)[third]


def _is_raised(wrist_y_px: float, body: Body) -> bool | None:
    """Return whether a wrist is above both shoulders; None where one is unknown."""
    highest_px = float(body.keypoints_px[_SHOULDERS, 1].min())  # NaN where one is
    if not math.isfinite(highest_px) or not math.isfinite(wrist_y_px):
        return None
    return wrist_y_px < highest_px


def _distance_m(body: Body) -> float:
    depths_m = body.keypoints_m[_TRUNK, 2]
    known = depths_m[np.isfinite(depths_m)]
    return float(known.mean()) if known.size else math.nan


def _compare(before: HandView | None, now: HandView, step_s: float) -> str:
    """Return why the hand may not be the one of that id in the image before."""
    if before is None:
        return ''
    # a hand may get to know its body; that body must then stay
    if before.person not in (now.person, now.hand_id) and now.person != now.hand_id:
        return f'hand {now.hand_id} went from person {before.person} to {now.person}'
    sides = {before.handedness, now.handedness} - {Handedness.UNKNOWN}
    if len(sides) > 1:
        return f'hand {now.hand_id} changed from {before.handedness.name} to another side'
    farthest = _STEP_HANDS + _SPEED_HANDS_PER_S * max(step_s, 0.0)
    moved = math.dist(before.centre_px, now.centre_px) / max(before.size_px, now.size_px)
    if moved > farthest:
        return f'hand {now.hand_id} jumped by {moved:.1f} hand sizes'
    return ''

"""Who is up and who is down, over time: what tells a fall from a crouch, a jump, a ghost.

Heights are measured against the person's own, as seen over the last seconds: of somebody who
lies towards the camera a single image shows a short person who stands.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.action_features import JOINTS, measure_height, take_joints
from ros2_hand_action.perception.labels import FALL, OTHER
from ros2_hand_action.perception.records import Action, Body

_MS = 1_000_000
_NOSE = JOINTS.index('nose')
_SHOULDERS = [JOINTS.index(f'{side}_shoulder') for side in ('left', 'right')]
_HIPS = [JOINTS.index(f'{side}_hip') for side in ('left', 'right')]
_LEGS = [JOINTS.index(f'{side}_{joint}') for side in ('left', 'right') for joint in (
    'knee', 'ankle'
)]
_UP = 0.55
"""Head above the lowest of knees and feet, in heights: from here on somebody is up. Sitting on a
chair is about 0.65, sitting on the floor 0.4."""
_DOWN_HEAD, _DOWN_PELVIS = 0.45, 0.2
"""Head and pelvis of who is down are no higher; crouching, on hands and feet, the pelvis is."""
_HEAD_UNDER = -0.35
"""A head so far under all of the legs, in metres, is no person's: a lamp taken for one stood so
for the whole of a video. With the head towards a camera that looks down 20 degrees it is -0.3."""
_DOWN_TRUNK = 0.15
"""Shoulders above hips, in heights; 0.29 upright: below it the trunk lies."""
_MEMORY_NS, _STEP_NS = 2_500 * _MS, 60 * _MS
"""Heights are kept for so long, one in each step: at most 52 a person."""
_TRUE_HEIGHT = 0.75
"""Quantile of them that counts: bent and foreshortened people look too short."""
_SURE = 0.6
"""A fall that is told of who is not down yet is at least so likely."""
_LARGEST_STEP_NS = 100 * _MS
"""No image counts for more time of being down, however long the gap before it."""
_LONGEST_BREAK_NS = 150 * _MS
_GAP_NS, _LOST_NS = 500 * _MS, 2_000 * _MS
_HEIR_DISTANCE, _HEIR_SIZE = 1.0, 1.6
"""A new person so near to where one was lost, in heights, and of alike size is the same."""


class Stance(NamedTuple):
    """How a person holds themselves in one image.

    Attributes
    ----------
    is_up : bool, optional
        Whether the person stands or sits up; None where too little is seen to tell.
    was_up : bool
        Whether the person has been up at any time since first seen.
    down_ns : int
        How long the person has been down on the floor without a break of more than 0.15 s.
    """

    is_up: bool | None
    was_up: bool = True
    down_ns: int = 0


@dataclass
class _Person:
    """What is known of one person: heights are (stamp, height), in metres or pixels."""

    is_metric: bool
    seen_ns: int
    place: np.ndarray
    heights: deque[tuple[int, float]] = field(default_factory=deque)
    was_up: bool = False
    down_ns: int = 0
    break_ns: int = 0

    @property
    def height(self) -> float:
        """Height that the person has shown over the last seconds."""
        ascending = sorted(height for _, height in self.heights)
        return ascending[round(_TRUE_HEIGHT * (len(ascending) - 1))]

    def count(self, is_down: bool | None, step_ns: int) -> None:
        """Add up for how long the person has been down; a few wrong poses are no break."""
        counted_ns = min(step_ns, _LARGEST_STEP_NS)
        if is_down is False:
            self.break_ns += counted_ns
        elif is_down:
            self.break_ns = 0
        if step_ns > _GAP_NS or self.break_ns > _LONGEST_BREAK_NS:
            self.down_ns = 0
        if is_down:
            self.down_ns += max(counted_ns, 1)


class StanceWatch:
    """Follows the bodies of successive images; call it with all of them.

    A person who is lost and found again under another id within two seconds, near the place, is
    taken for the same: people who fall are easily lost.
    """

    def __init__(self) -> None:
        self._people: dict[str, _Person] = {}
        self._stamp_ns: int | None = None

    def update(self, bodies: Sequence[Body], *, stamp_ns: int) -> dict[str, Stance]:
        """Return the stance of each body of the next image, by id.

        A stamp that goes back starts everything anew.
        """
        if self._stamp_ns is not None and stamp_ns < self._stamp_ns:
            self.reset()
        self._stamp_ns = stamp_ns
        self._people = {
            body_id: person for body_id, person in self._people.items()
            if stamp_ns - person.seen_ns <= _LOST_NS
        }
        present = {body.track_id for body in bodies}
        return {body.track_id: self._look_at(body, present, stamp_ns) for body in bodies}

    def reset(self) -> None:
        """Forget everybody."""
        self._people.clear()
        self._stamp_ns = None

    def _look_at(self, body: Body, present: set[str], stamp_ns: int) -> Stance:
        joints, is_metric = _choose_joints(body)
        height = float(measure_height(joints[None, None])[0])
        person = self._people.get(body.track_id)
        if not np.isfinite(height):
            return Stance(None, person is not None and person.was_up)
        place = joints[_HIPS].mean(axis=0)
        if person is None or person.is_metric != is_metric:
            before = person or self._find_lost(place, height, is_metric, present)
            person = self._people[body.track_id] = _continue(before, is_metric, stamp_ns, place)
        step_ns, person.seen_ns, person.place = stamp_ns - person.seen_ns, stamp_ns, place
        _remember(person.heights, stamp_ns, height)
        is_up, is_down = _judge(joints, person.height, is_metric=is_metric)
        person.was_up |= bool(is_up) or (is_up is None and is_down is False)
        person.count(is_down, step_ns)
        return Stance(is_up, person.was_up, person.down_ns)

    def _find_lost(
        self, place: np.ndarray, height: float, is_metric: bool, present: set[str]
    ) -> _Person | None:
        """Return the person last seen near a place who is not in view any more."""
        lost = [
            person for body_id, person in self._people.items()
            if body_id not in present and person.is_metric == is_metric
            and 1 / _HEIR_SIZE < height / person.height < _HEIR_SIZE
            and np.linalg.norm(place - person.place) < _HEIR_DISTANCE * person.height
        ]
        return max(lost, key=lambda person: person.seen_ns, default=None)


def withhold_falls(
    actions: Sequence[Action], stances: Mapping[str, Stance], *, labels: Sequence[str],
    found_ns: int,
) -> tuple[Action, ...]:
    """Give `other` what a fall has of people whose stance says that they are not down.

    Who is neither down nor up is falling, crouching or bent: told a fall only where the recogniser
    is sure of it.

    Parameters
    ----------
    actions : Sequence[Action]
    stances : Mapping[str, Stance]
        By body id; an action without one stays as it is.
    labels : Sequence[str]
        What `Action.probabilities` stand for; without `other` all actions stay as they are.
    found_ns : int
        Who was never seen up counts as down after so long: found lying, or no person at all.
    """
    if not {FALL, OTHER} <= set(labels):
        return tuple(actions)
    fall, other = labels.index(FALL), labels.index(OTHER)
    judged = []
    for action in actions:
        stance = stances.get(action.body_id)
        if stance and not _may_have_fallen(stance, action.probabilities[fall], found_ns):
            chances = action.probabilities.copy()
            chances[other] += chances[fall]
            chances[fall] = 0
            best = int(np.argmax(chances))
            action = replace(
                action, label=labels[best], score=float(chances[best]), probabilities=chances
            )
        judged.append(action)
    return tuple(judged)


def _may_have_fallen(stance: Stance, chance: float, found_ns: int) -> bool:
    if not stance.was_up:
        return stance.down_ns >= found_ns
    return stance.down_ns > 0 or (stance.is_up is False and chance >= _SURE)


def _continue(
    before: _Person | None, is_metric: bool, stamp_ns: int, place: np.ndarray
) -> _Person:
    """Return a person who goes on under another id, or in another unit, or is new."""
    if before is None:
        return _Person(is_metric, stamp_ns, place)
    heights = before.heights if before.is_metric == is_metric else ()
    return replace(before, is_metric=is_metric, heights=deque(heights))


def _choose_joints(body: Body) -> tuple[np.ndarray, bool]:
    """Return the joints in metres and True where hips are known, else in pixels and False.

    The camera's own tilt is taken for small.
    """
    placed = take_joints(body.keypoints_m).astype(np.float64)
    if np.isfinite(placed[_HIPS]).all():
        return placed, True
    return take_joints(body.keypoints_px).astype(np.float64), False


def _remember(heights: deque[tuple[int, float]], stamp_ns: int, height: float) -> None:
    """Add a height; of two within a step the newer one replaces the older."""
    if len(heights) > 1 and stamp_ns - heights[-2][0] < _STEP_NS:
        heights.pop()
    heights.append((stamp_ns, height))
    while heights[0][0] < stamp_ns - _MEMORY_NS:
        heights.popleft()


def _judge(
    joints: np.ndarray, height: float, *, is_metric: bool
) -> tuple[bool | None, bool | None]:
    """Return whether somebody is up and whether down, None where it cannot be told.

    Without legs in view the trunk tells who is down, and nobody is surely up.
    """
    pelvis_y = float(joints[_HIPS, 1].mean())
    legs = joints[_LEGS, 1]
    if not np.isfinite(legs).any():
        trunk = (pelvis_y - float(joints[_SHOULDERS, 1].mean())) / height
        return None, trunk < _DOWN_TRUNK if np.isfinite(trunk) else None
    floor = float(np.nanmax(legs))
    head, pelvis = (floor - float(joints[_NOSE, 1])) / height, (floor - pelvis_y) / height
    is_up = head > _UP if np.isfinite(head) else None
    lowest = _HEAD_UNDER if is_metric else -np.inf
    is_known = np.isfinite(head) and np.isfinite(pelvis)
    return is_up, lowest < head < _DOWN_HEAD and pelvis < _DOWN_PELVIS if is_known else None

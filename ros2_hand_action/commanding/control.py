"""Who is in control: one person or nobody, never a guess."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ros2_hand_action.commanding.command_map import Condition, ControlOptions, Policy
from ros2_hand_action.commanding.scene import HandView

_CLEARLY_NEARER = 1.25
"""Factor between two distances that leaves no doubt who is nearer."""


class Shown(NamedTuple):
    """A gesture that a hand shows in the newest image, and has begun with an event."""

    hand: HandView
    label: str
    duration_ns: int


class Control:
    """Decides who is in control, image by image.

    Parameters
    ----------
    options : ControlOptions
    person_id : str
        Who is, of the policy ID.

    Attributes
    ----------
    person : str
        Id of a body, or of a hand whose body is not known; '' = nobody.
    """

    def __init__(self, options: ControlOptions, person_id: str = '') -> None:
        self._options = options
        self.person_id = person_id
        self.person = ''
        self._seen_ns = 0

    def release(self) -> None:
        """Put nobody in control."""
        self.person = ''

    def update(
        self, hands: Mapping[str, HandView], shown: Sequence[Shown], stamp_ns: int
    ) -> str:
        """Look at one image; returns why the robot must stop for it, '' if it need not."""
        self._follow(hands, stamp_ns)
        before = self.person
        if self._options.policy is Policy.CLAIM:
            problem = self._take_claims(shown)
        elif self._options.policy is Policy.NEAREST:
            problem = self._take_nearest(hands.values())
        else:
            problem = self._take_chosen(hands)
        if self.person != before:
            self._seen_ns = stamp_ns
            problem = problem or (f'control went from {before} to {self.person}' if before else '')
        return problem

    def _follow(self, hands: Mapping[str, HandView], stamp_ns: int) -> None:
        """Release who is lost; a hand's body may become known."""
        hand = hands.get(self.person)
        if hand is not None:
            self.person = hand.person
        if any(hand.person == self.person for hand in hands.values()):
            self._seen_ns = stamp_ns
        elif stamp_ns - self._seen_ns > self._options.lost_ns:
            self.release()

    def _take_claims(self, shown: Sequence[Shown]) -> str:
        claim, release = self._options.claim, self._options.release
        claimants = {each.hand.person for each in shown if fits(claim, each, held=False)}
        ready = {each.hand.person for each in shown if fits(claim, each)}
        if self.person:
            others = ready - {self.person}
            if others:
                rivals = ', '.join(sorted({self.person, *others}))
                self.release()
                return f'two people claim control: {rivals}'
            if any(each.hand.person == self.person and fits(release, each) for each in shown):
                self.release()
                return 'control was given back'
        elif len(claimants) > 1 and ready:
            return f'two people claim control: {", ".join(sorted(claimants))}'
        elif ready:
            (self.person,) = ready
        return ''

    def _take_nearest(self, hands: Iterable[HandView]) -> str:
        people = _distances(hands)
        if not people:
            return ''
        order = sorted(people, key=people.__getitem__)
        if len(order) > 1 and people[order[1]] < people[order[0]] * _CLEARLY_NEARER:
            self.release()
            return f'nobody is clearly nearest: {order[0]} and {order[1]} are about as near'
        self.person = order[0]
        return ''

    def _take_chosen(self, hands: Mapping[str, HandView]) -> str:
        if not self.person_id:
            self.release()
        elif any(hand.person == self.person_id for hand in hands.values()):
            self.person = self.person_id
        return ''


def fits(condition: Condition | None, shown: Shown, *, held: bool = True) -> bool:
    """Return whether a hand shows what a condition asks for, and where `held` for so long."""
    return condition is not None and (
        condition.gesture == shown.label
        and condition.handedness in (None, shown.hand.handedness)
        and condition.zone in (None, shown.hand.zone)
        and condition.raised in (None, shown.hand.raised)
        and (not held or shown.duration_ns >= condition.hold_ns)
    )


def _distances(hands: Iterable[HandView]) -> dict[str, float]:
    """Return person -> distance: in metres where all bodies' are known, else in 1 / pixels."""
    views = list(hands)
    metric = all(math.isfinite(view.distance_m) for view in views)
    people: dict[str, float] = {}
    for view in views:
        distance = view.distance_m if metric else 1.0 / view.size_px
        people[view.person] = min(distance, people.get(view.person, math.inf))
    return people

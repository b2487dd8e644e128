"""Judges a recording by expectations: stamp by stamp, whatever the rate of its images."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from ros2_hand_action.errors import did_you_mean
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.expectations import (
    Count,
    Expectation,
    Kind,
    Moment,
    Subject,
    Thing,
    Where,
)
from ros2_hand_action.replay.happenings import Happening, list_happenings
from ros2_hand_action.replay.image_checks import Found, check_ids, check_images
from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.sightings import Sighting, list_sightings

_SECOND_NS = 1_000_000_000
_MOST_NAMED = 3
_LATEST_END_S = 0.5
"""A recording that ends so long before the end of a time covers it all the same."""

_PLURALS = {Thing.HAND: 'hands', Thing.BODY: 'bodies'} | {
    kind: f'{kind.value}s' for kind in Kind
}


class _Scene(NamedTuple):
    """One expectation and the part of the clip inside its time."""

    expectation: Expectation
    sightings: list[Sighting]
    happenings: list[Happening]


def judge(clip: ClipRecording, expectations: Sequence[Expectation], *, against: str) -> Judgement:
    """Judge a clip by what is expected of it; `against` names the file that says so.

    What cannot be judged, as where no image is from that time, nobody looked for bodies, or no
    label has that name, has failed: a misspelt 'never' must not pass for ever.
    """
    return _Judge(clip, expectations).judge(against)


class _Judge:
    def __init__(self, clip: ClipRecording, expectations: Sequence[Expectation]) -> None:
        self._clip = clip
        self._labels = {Kind.GESTURE: clip.labels, Kind.ACTION: clip.action_labels}
        self._happenings = list_happenings(clip)
        sightings = list_sightings(clip)
        self._first_ns = min((each.stamp_ns for each in sightings), default=0)
        self._last_ns = max((each.stamp_ns for each in sightings), default=0)
        self._scenes = [self._look(sightings, expectation) for expectation in expectations]
        self._met = match_events(self._scenes)
        taken = set(self._met.values())
        self._free = [each for each in self._happenings if each not in taken]

    def judge(self, against: str) -> Judgement:
        checks = tuple(
            self._check(scene, self._met.get(number)) for number, scene in enumerate(self._scenes)
        )
        return Judgement(self._clip.name, against, checks, tuple(self._write_history(checks)))

    def _look(self, sightings: Sequence[Sighting], expectation: Expectation) -> _Scene:
        begin_ns, end_ns = (
            self._clip.begin_ns + round(time_s * _SECOND_NS) if isfinite(time_s) else time_s
            for time_s in (expectation.begin_s, expectation.end_s)
        )
        return _Scene(
            expectation,
            [each for each in sightings if begin_ns <= each.stamp_ns <= end_ns],
            [each for each in self._happenings if begin_ns <= each.stamp_ns <= end_ns],
        )

    def _check(self, scene: _Scene, met: Happening | None) -> Check:
        problem, stamp_ns = ('', met.stamp_ns) if met else self._find_problem(scene)
        expectation = scene.expectation
        return Check(
            label=f'line {expectation.line}', expected=expectation.text,
            found=problem or 'as expected', stamp_ns=stamp_ns, passed=not problem,
        )

    def _find_problem(self, scene: _Scene) -> Found:
        obstacle = self._find_obstacle(scene)
        if obstacle:
            return obstacle, None
        expectation, subject = scene.expectation, scene.expectation.subject
        if isinstance(subject, Moment):
            if expectation.where is Where.NEVER:
                return self._check_never(scene, subject)
            return self._explain_absence(scene, subject)
        if isinstance(subject, Count) and subject.of_ids:
            return check_ids(subject, scene.sightings, expectation.where)
        return check_images(expectation, subject, self._clip, scene.sightings)

    def _find_obstacle(self, scene: _Scene) -> str:
        """Return why this cannot be judged; '' where it can."""
        if not scene.sightings:
            return f'no image is from that time: {self._describe_length()}'
        if scene.expectation.where is not Where.SOMEWHERE and not self._covers(scene):
            return f'images are missing from that time: {self._describe_length()}'
        subject = scene.expectation.subject
        wanted = self._list_sources(subject)
        if not wanted:
            return self._explain_unknown_label(subject)
        if not any(each.answers(what) for what in wanted for each in scene.sightings):
            names = ' or '.join(_PLURALS[what] for what in wanted)
            return f'no image was searched for {names}: replay with what finds them'
        return ''

    def _covers(self, scene: _Scene) -> bool:
        """Return whether the recording lasts over the whole time, where that has an end."""
        expectation = scene.expectation
        if not isfinite(expectation.end_s):
            return True
        last_s = self._clip.seconds(self._last_ns)
        return expectation.end_s <= last_s + _LATEST_END_S

    def _list_sources(self, subject: Subject) -> list[Thing | Kind]:
        """Return where the subject may come from; nothing where no classifier knows its label."""
        if isinstance(subject, Count):
            return [subject.thing]
        return [
            kind for kind in _kinds(subject)
            if not self._labels[kind] or subject.label in self._labels[kind]
        ]

    def _explain_unknown_label(self, subject: Subject) -> str:
        assert not isinstance(subject, Count)
        known = [label for kind in _kinds(subject) for label in self._labels[kind]]
        hint = did_you_mean(subject.label, known)
        return f'nothing has the label {subject.label!r}{hint}: there are {", ".join(known)}'

    def _check_never(self, scene: _Scene, subject: Moment) -> Found:
        found = [each for each in scene.happenings if each.fits(subject)]
        return (f'found {self._list(found)}', found[0].stamp_ns) if found else ('', None)

    def _explain_absence(self, scene: _Scene, subject: Moment) -> Found:
        """Say what came instead: the same at another time, or something else at that time."""
        middle_ns = self._clip.begin_ns + self._middle_s(scene.expectation) * _SECOND_NS
        same = sorted(
            (each for each in self._free if each.fits(subject)),
            key=lambda each: abs(each.stamp_ns - middle_ns),
        )[:1]
        others = [
            each for each in scene.happenings
            if each in self._free and each not in same and each.phase is not Phase.HELD
        ]
        parts = [f'found instead {self._list(same)}{self._distance(scene, each)}' for each in same]
        parts += [f'in that time came {self._list(others)}'] if others else []
        text = '; '.join(parts) or 'found none, and no other event in that time'
        stamps_ns = [each.stamp_ns for each in (*same, *others)]
        return text, [*stamps_ns, scene.sightings[0].stamp_ns][0]

    def _middle_s(self, expectation: Expectation) -> float:
        first_s, last_s = self._clip.seconds(self._first_ns), self._clip.seconds(self._last_ns)
        return (max(expectation.begin_s, first_s) + min(expectation.end_s, last_s)) / 2

    def _distance(self, scene: _Scene, found: Happening) -> str:
        time_s = self._clip.seconds(found.stamp_ns)
        if time_s < scene.expectation.begin_s:
            return f', {scene.expectation.begin_s - time_s:.2f} s too early'
        if time_s > scene.expectation.end_s:
            return f', {time_s - scene.expectation.end_s:.2f} s too late'
        return ''

    def _list(self, found: Sequence[Happening]) -> str:
        """Return events with their times, the first few."""
        texts = [
            f'at {self._clip.seconds(each.stamp_ns):.2f} s: {each.describe()}'
            for each in found[:_MOST_NAMED]
        ]
        more = len(found) - _MOST_NAMED
        return '; '.join([*texts, *([f'and {more} more'] if more > 0 else [])])

    def _describe_length(self) -> str:
        if not self._clip.frames:
            return 'the recording holds none at all'
        first_s, last_s = self._clip.seconds(self._first_ns), self._clip.seconds(self._last_ns)
        return f'the recording lasts from {first_s:.2f} s to {last_s:.2f} s'

    def _write_history(self, checks: Sequence[Check]) -> Iterator[str]:
        """Yield what was expected in vain, and all events but unexpected HELD, by time."""
        entries = [
            (self._clip.seconds(each.stamp_ns), sign, each.describe())
            for sign, happenings in ((' ', self._met.values()), ('+', self._free))
            for each in happenings
            if sign == ' ' or each.phase is not Phase.HELD
        ]
        entries += [
            (self._middle_s(scene.expectation), '-', scene.expectation.text)
            for scene, check in zip(self._scenes, checks)
            if not check.passed and _is_of_event(scene.expectation)
        ]
        for time_s, sign, text in sorted(entries):
            yield f'{sign} {time_s:7.2f} s  {text}'


def match_events(scenes: Sequence[_Scene]) -> dict[int, Happening]:
    """Return scene number -> event, for as many as possible: one event meets one expectation."""
    holders: dict[Happening, int] = {}

    def place(number: int, tried: set[Happening]) -> bool:
        subject = scenes[number].expectation.subject
        for happening in scenes[number].happenings:
            fits = isinstance(subject, Moment) and happening.fits(subject)
            if not fits or happening in tried:
                continue
            tried.add(happening)
            if happening not in holders or place(holders[happening], tried):
                holders[happening] = number
                return True
        return False

    for number, scene in enumerate(scenes):
        if _is_of_event(scene.expectation):
            place(number, set())
    return {number: happening for happening, number in holders.items()}


def _is_of_event(expectation: Expectation) -> bool:
    return isinstance(expectation.subject, Moment) and expectation.where is not Where.NEVER


def _kinds(subject: Subject) -> list[Kind]:
    return [
        kind for kind in Kind
        if not isinstance(subject, Count) and subject.kind in (None, kind)
    ]

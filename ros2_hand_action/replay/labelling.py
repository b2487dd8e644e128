"""A first file of expectations, made from what a replay saw, for a person to correct."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.expectations import Kind, Thing
from ros2_hand_action.replay.happenings import Happening, list_happenings, quote
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.sightings import Sighting, list_sightings

_TOLERANCE_S = 0.3
_SHORTEST_RUN_S = 1.0
_MOST_RUNS = 20
_NEVER_EVENTS = (NONE, 'other')


def write_expectations(
    clip: ClipRecording, *, source: str = '', options: Mapping[str, Any] | None = None
) -> str:
    """Return the content of a file that the clip meets, line by line.

    Parameters
    ----------
    clip : ClipRecording
    source : str
        As the file should name it; '' where the file lies beside its source.
    options : mapping of str to value, optional
        Of the replay, as `make_replay_options` takes them.
    """
    happenings, sightings = list_happenings(clip), list_sightings(clip)
    head: dict[str, Any] = {'source': source} if source else {}
    head.update({'replay': dict(options)} if options else {})
    head.update({'damaged': True} if clip.damage else {})
    lines = [
        f'# First expectations of {clip.name}, from what was seen in {len(clip.frames)} images, '
        f'{clip.duration_s:.1f} s.',
        '# Go through each line: is it what happens in the recording, or only what was seen?',
        '# Correct or delete it. docs/replay_testing.md has the grammar.',
        *(
            f'# Note: {" ".join(text.split())}'
            for text in (clip.damage, *clip.problems) if text
        ),
        *(yaml.safe_dump(head, allow_unicode=True, sort_keys=False).splitlines() if head else ()),
        'expect:',
        *_write_events(clip, happenings),
        *_write_counts(clip, sightings),
        *_write_absences(clip, happenings, sightings),
    ]
    return '\n'.join(lines) + '\n'


def _write_events(clip: ClipRecording, happenings: Sequence[Happening]) -> Iterator[str]:
    shown = [each for each in happenings if each.phase is not Phase.HELD]
    if shown:
        yield '  # Events: when does each begin and end, and whose hand is it?'
    last_ns = max((frame.stamp_ns for frame in clip.frames), default=0)
    for each in shown:
        text = f'at {clip.seconds(each.stamp_ns):.2f} s +-{_TOLERANCE_S:g}: '
        notes = [*filter(None, (each.hand_id, each.body_id))]
        if each.phase is Phase.ENDED and each.stamp_ns >= last_ns:
            notes.append('the recording ends')
        yield f'  - {text}{each.describe(with_ids=False)}   # {", ".join(notes)}'


def _write_counts(clip: ClipRecording, sightings: Sequence[Sighting]) -> Iterator[str]:
    for thing in Thing:
        seen = [each for each in sightings if each.answers(thing)]
        if not seen:
            continue
        numbers = [len(each.ids[thing]) for each in seen]
        ids = {name for each in seen for name in each.ids[thing]}
        name = thing.value
        yield f'  # How many are in view? More ids than {name}s there are: some were lost.'
        yield f'  - {name} ids {len(ids)}'
        yield f'  - never: {name} count >= {max(numbers) + 1}'
        for begin_s, end_s, number in _list_runs(clip, seen, numbers)[:_MOST_RUNS]:
            yield f'  - between {begin_s:.2f} and {end_s:.2f} s: {name} count {number}'


def _list_runs(
    clip: ClipRecording, sightings: Sequence[Sighting], numbers: Sequence[int]
) -> list[tuple[float, float, int]]:
    """Return (begin, end, count) where the count stays for a while; none where stamps go back."""
    times_s = [clip.seconds(each.stamp_ns) for each in sightings]
    if any(later < before for before, later in zip(times_s, times_s[1:])):
        return []
    runs, first = [], 0
    for place in range(1, len(numbers) + 1):
        if place < len(numbers) and numbers[place] == numbers[first]:
            continue
        begin_s = math.ceil(times_s[first] * 100) / 100  # inwards, as they are written
        end_s = math.floor(times_s[place - 1] * 100) / 100
        if end_s - begin_s >= _SHORTEST_RUN_S:
            runs.append((begin_s, end_s, numbers[first]))
        first = place
    return runs


def _write_absences(
    clip: ClipRecording, happenings: Sequence[Happening], sightings: Sequence[Sighting]
) -> Iterator[str]:
    lines = []
    for kind, labels in ((Kind.GESTURE, clip.labels), (Kind.ACTION, clip.action_labels)):
        if not any(each.answers(kind) for each in sightings):
            continue
        shown = {each.label for each in happenings if each.kind is kind}
        lines += [
            f'  - never: {kind.value} {quote(label)}'
            for label in labels if label not in shown and label not in _NEVER_EVENTS
        ]
    if lines:
        yield '  # Nobody did these: is that so?'
    yield from lines

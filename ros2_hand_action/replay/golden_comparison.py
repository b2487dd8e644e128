"""Compares results of a replay with golden ones, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.tolerances import Tolerances

EVENT_LISTS = ('events', 'action_events')
_IDENTITY = ('phase', 'label', 'hand_id', 'body_id', 'handedness')
_THINGS = {'hands': 'id', 'bodies': 'id', 'actions': 'body_id'}
"""Lists of an image -> what tells their entries apart."""

_TIMES = ('stamp_ns', 'time_s')
_ROUNDING = 1e-9
_MOST_NAMED = 3


@dataclass
class _Field:
    """What is known of one field after some images."""

    compared: int = 0
    different: int = 0
    first_ns: int | None = None
    first: str = ''


class Comparison:
    """Compares the results of one clip, as in results.json, with golden ones.

    Parameters
    ----------
    clip : ClipRecording
        What the found results are of.
    tolerances : Tolerances
    """

    def __init__(self, clip: ClipRecording, tolerances: Tolerances) -> None:
        self._clip = clip
        self._tolerances = tolerances
        self._fields: dict[str, _Field] = {}

    def judge(
        self, expected: Mapping[str, Any], found: Mapping[str, Any], against: str
    ) -> Judgement:
        """Return a check for each list of events and for each field of the images."""
        checks, history = [], []
        for name in EVENT_LISTS:
            check, lines = self._compare_events(name, expected[name], found[name])
            checks.append(check)
            history += lines
        self._compare_frames(expected['frames'], found['frames'])
        checks += [self._check(name, each) for name, each in self._fields.items()]
        texts = tuple(f'{sign} {time_s:7.2f} s  {text}' for time_s, sign, text in sorted(history))
        return Judgement(self._clip.name, against, tuple(checks), texts)

    def _compare_frames(
        self, expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
    ) -> None:
        by_index = {frame['index']: frame for frame in found}
        golden_indices = {frame['index'] for frame in expected}
        for index in by_index.keys() - golden_indices:
            self._note('images', by_index[index]['stamp_ns'], 'one too many')
        for frame in expected:
            other = by_index.get(frame['index'])
            self._note('images', None, '' if other else f'number {frame["index"]} is missing')
            if other is None:
                continue
            differences: dict[str, str] = {}
            for name, text in self._compare(frame, other, '', skip=_TIMES):
                differences[name] = differences.get(name) or text
            for name, text in differences.items():
                self._note(name, other['stamp_ns'], text)

    def _compare(
        self, expected: Any, found: Any, name: str, *, skip: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, str]]:
        """Yield (field, what differs, '' if nothing) for all that the golden value holds."""
        field = name.rpartition('.')[2]
        if isinstance(expected, dict) and isinstance(found, dict):
            for key in (key for key in expected if key not in skip):
                inner = f'{name}.{key}' if name else key
                yield from self._compare(expected[key], found.get(key), inner)
        elif field in _THINGS and isinstance(expected, list) and isinstance(found, list):
            yield from self._compare_things(expected, found, name, _THINGS[field])
        else:
            fits = _is_close(expected, found, self._tolerances.numbers.get(field, 0.0))
            yield name, '' if fits else _describe_difference(expected, found)

    def _compare_things(
        self, expected: Sequence[Any], found: Sequence[Any], name: str, key: str
    ) -> Iterator[tuple[str, str]]:
        golden, others = ({each[key]: each for each in side} for side in (expected, found))
        ids = (', '.join(side) or 'none' for side in (others, golden))
        yield f'{name}.{key}', '' if golden.keys() == others.keys() else ' instead of '.join(ids)
        for each in golden.keys() & others.keys():
            for inner, text in self._compare(golden[each], others[each], name, skip=(key,)):
                yield inner, f'{each}: {text}' if text else ''

    def _compare_events(
        self, name: str, expected: Sequence[Any], found: Sequence[Any]
    ) -> tuple[Check, list[tuple[float, str, str]]]:
        """Match events of equal identity, the nearest in time first."""
        missing, free = [], list(found)
        history = []
        for event in expected:
            same = [each for each in free if _identity(each) == _identity(event)]
            same.sort(key=lambda each: abs(each['time_s'] - event['time_s']))
            limit_s = self._tolerances.event_s + _ROUNDING
            if same and abs(same[0]['time_s'] - event['time_s']) <= limit_s:
                free.remove(same[0])
                history.append((same[0]['time_s'], ' ', _name_event(same[0])))
                for inner, text in self._compare(event, same[0], name, skip=_TIMES):
                    self._note(inner, same[0]['stamp_ns'], text)
            else:
                missing.append(event)
        history += [(event['time_s'], '-', _name_event(event)) for event in missing]
        history += [(event['time_s'], '+', _name_event(event)) for event in free]
        return self._check_events(name, expected, missing, free), history

    def _check_events(
        self, name: str, expected: Sequence[Any], missing: Sequence[Any], free: Sequence[Any]
    ) -> Check:
        parts = []
        for word, events in (('missing', missing), ('not expected', free)):
            if events:
                texts = [
                    f'at {each["time_s"]:.2f} s {_name_event(each)}'
                    for each in events[:_MOST_NAMED]
                ]
                parts.append(f'{len(events)} {word}: {"; ".join(texts)}')
        stamps_ns = [each['stamp_ns'] for each in free]
        return Check(
            name, f'{len(expected)} events within {self._tolerances.event_s:g} s',
            '; '.join(parts) or 'as expected', min(stamps_ns, default=None), not parts,
        )

    def _note(self, name: str, stamp_ns: int | None, text: str) -> None:
        known = self._fields.setdefault(name, _Field())
        known.compared += 1
        if text:
            if not known.different:
                known.first_ns, known.first = stamp_ns, text
            known.different += 1

    def _check(self, name: str, known: _Field) -> Check:
        tolerance = self._tolerances.numbers.get(name.rpartition('.')[2], 0.0)
        share = known.different / known.compared
        where = '' if known.first_ns is None else (
            f' at {self._clip.seconds(known.first_ns):.2f} s')
        found = f'differs in {known.different} of {known.compared}, first{where}: {known.first}'
        return Check(
            name,
            f'within {tolerance:g} of the golden ones' if tolerance else 'the golden ones',
            found if known.different else 'as expected',
            known.first_ns,
            share <= self._tolerances.images,
        )


def _is_close(expected: Any, found: Any, tolerance: float) -> bool:
    """Return whether values are equal, or all their numbers near each other."""
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(
            _is_close(*pair, tolerance) for pair in zip(expected, found)
        )
    if type(expected) in (int, float) and type(found) in (int, float):
        return abs(expected - found) <= tolerance + _ROUNDING
    return type(expected) is type(found) and bool(expected == found)


def _describe_difference(expected: Any, found: Any) -> str:
    """Return values that differ; of lists of numbers the largest difference."""
    pairs = list(_pair_numbers(expected, found))
    if isinstance(expected, list) and pairs:
        return f'largest difference {max(abs(first - second) for first, second in pairs):.3g}'
    return f'{found!r} instead of {expected!r}'


def _pair_numbers(expected: Any, found: Any) -> Iterator[tuple[float, float]]:
    if isinstance(expected, list) and isinstance(found, list):
        for pair in zip(expected, found):
            yield from _pair_numbers(*pair)
    elif type(expected) in (int, float) and type(found) in (int, float):
        yield expected, found


def _identity(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(event.get(key) for key in _IDENTITY)


def _name_event(event: Mapping[str, Any]) -> str:
    side = event.get('handedness', '').lower()
    ids = ', '.join(filter(None, (event.get('hand_id'), event['body_id'])))
    return f'{event["label"]} {event["phase"]} {side} ({ids})'.replace('  ', ' ')

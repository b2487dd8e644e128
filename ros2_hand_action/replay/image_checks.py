"""Expectations that are judged image by image: labels that are shown, hands and bodies in view."""

from collections import Counter
from collections.abc import Sequence

from ros2_hand_action.replay.expectations import Count, Expectation, Kind, Shown, Where
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.sightings import Sighting

_MOST_SPANS = 3
_ROUNDING = 1e-9

Found = tuple[str, int | None]
"""What is wrong, '' if nothing; and the stamp of the image to look at."""


def check_ids(subject: Count, sightings: Sequence[Sighting], where: Where) -> Found:
    """Check the number of different ids in all images together."""
    first_ns: dict[str, int] = {}
    for sighting in sightings:
        for name in sighting.ids.get(subject.thing, ()):
            first_ns.setdefault(name, sighting.stamp_ns)
    fits = subject.low <= len(first_ns) <= subject.high
    if fits is (where is not Where.NEVER):
        return '', None
    newest_ns = max(first_ns.values(), default=sightings[0].stamp_ns)
    return f'found {len(first_ns)}: {", ".join(first_ns) or "none"}', newest_ns


def check_images(
    expectation: Expectation,
    subject: Shown | Count,
    clip: ClipRecording,
    sightings: Sequence[Sighting],
) -> Found:
    """Check in how many images something is so; at least one of them was looked at for that."""
    what = subject.thing if isinstance(subject, Count) else subject.kind
    judged = [sighting for sighting in sightings if sighting.answers(what)]
    good = [_is_so(subject, sighting) for sighting in judged]
    share = sum(good) / len(good)
    low, high = _wanted_share(expectation, len(good))
    if low - _ROUNDING <= share <= high + _ROUNDING:
        return '', None
    is_missing = share < low
    spans = _list_spans(judged, [each is not is_missing for each in good])
    shown = '; '.join(_describe_span(clip, subject, span) for span in spans[:_MOST_SPANS])
    more = f'; and {len(spans) - _MOST_SPANS} more times' if len(spans) > _MOST_SPANS else ''
    return (
        f'found in {100 * share:.1f} % of {len(good)} images; '
        f'{"not so" if is_missing else "so"} {shown}{more}',
        spans[0][0].stamp_ns,
    )


def _wanted_share(expectation: Expectation, count: int) -> tuple[float, float]:
    if expectation.where is Where.NEVER:
        return 0.0, 0.0
    if expectation.where is Where.SOMEWHERE:
        return 1 / count, 1.0
    return expectation.low_share, expectation.high_share


def _is_so(subject: Shown | Count, sighting: Sighting) -> bool:
    if isinstance(subject, Count):
        return subject.low <= len(sighting.ids[subject.thing]) <= subject.high
    return any(label.fits(subject) for label in sighting.labels[subject.kind])


def _list_spans(sightings: Sequence[Sighting], chosen: Sequence[bool]) -> list[list[Sighting]]:
    """Return runs of chosen images, in order."""
    spans: list[list[Sighting]] = []
    before = False
    for sighting, is_chosen in zip(sightings, chosen):
        if is_chosen and not before:
            spans.append([])
        if is_chosen:
            spans[-1].append(sighting)
        before = is_chosen
    return spans


def _describe_span(
    clip: ClipRecording, subject: Shown | Count, span: Sequence[Sighting]
) -> str:
    first_s, last_s = (clip.seconds(sighting.stamp_ns) for sighting in (span[0], span[-1]))
    times = f'at {first_s:.2f} s' if len(span) == 1 else f'from {first_s:.2f} to {last_s:.2f} s'
    seen = Counter(_describe(subject, sighting) for sighting in span)
    return f'{times} ({" or ".join(text for text, _ in seen.most_common(2))})'


def _describe(subject: Shown | Count, sighting: Sighting) -> str:
    if isinstance(subject, Count):
        return str(len(sighting.ids[subject.thing]))
    labels = sorted({label.text for label in sighting.labels[subject.kind]})
    return ', '.join(labels) or f'no {"hand" if subject.kind is Kind.GESTURE else "body"}'

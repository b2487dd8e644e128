"""Plots of report.html as SVG and HTML: over time, and the spread of latencies."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from ros2_hand_action.perception.labels import NONE, OTHER
from ros2_hand_action.replay.digest import Digest, Point
from ros2_hand_action.replay.recording import spread

_BINS = 36
_WIDE, _HIGH = 1000, 100
_LONGEST_GAP_S = 0.4
"""Lines break where nothing is known for longer."""


def score_plot(found: Digest, colours: dict[str, str]) -> str:
    """Return the scores of gestures over time, a line for each hand; '' without hands."""
    points: dict[str, list[tuple[float, float, str]]] = {}
    clip = found.clip
    for frame, _ in found.samples:
        now_s = clip.seconds(frame.stamp_ns)
        for gesture in frame.gestures or ():
            points.setdefault(gesture.hand_id, []).append((now_s, gesture.score, gesture.label))
    lines = [line for track in points.values() for line in _by_label(found, track, colours)]
    return _plot('gesture score', '0 to 100 %', ''.join(lines)) if lines else ''


def body_plot(found: Digest, colours: dict[str, str]) -> str:
    """Return the scores of bodies and actions over time, a line for each; '' without bodies."""
    bodies: dict[str, list[tuple[float, float, str]]] = {}
    actions: dict[str, list[tuple[float, float, str]]] = {}
    clip = found.clip
    for frame, _ in found.samples:
        now_s = clip.seconds(frame.stamp_ns)
        for body in frame.bodies or ():
            bodies.setdefault(body.track_id, []).append((now_s, body.score, ''))
        for action in frame.actions or ():
            actions.setdefault(action.body_id, []).append((now_s, action.score, action.label))
    tracks = [*bodies.values(), *actions.values()]
    lines = [line for track in tracks for line in _by_label(found, track, colours)]
    name = 'action score' if actions else 'body score'
    return _plot(name, '0 to 100 %', ''.join(lines)) if lines else ''


def latency_plot(found: Digest) -> str:
    """Return latencies and images left out over time; '' where no clock ran."""
    values_ms = [value for _, value in (*found.gestures_ms, *found.bodies_ms)]
    if not values_ms:
        return ''
    top_ms = _round_up(float(np.percentile(values_ms, 99)))
    drawn = [
        f'<polyline class="{kind}" points="{_points(found, line, top_ms)}"/>'
        for kind, points in (('bodies', found.bodies_ms), ('hands', found.gestures_ms))
        for line in _unbroken(points)
    ]
    ticks = ''.join(f'M{_x(found, now_s):.1f} {_HIGH}v-12' for now_s in found.left_out_s)
    drawn.append(f'<path class="dropped" d="{ticks}"/>' if ticks else '')
    return _plot('latency', f'0 to {top_ms:.0f} ms', ''.join(drawn))


def _by_label(
    found: Digest, track: Sequence[tuple[float, float, str]], colours: dict[str, str]
) -> Iterator[str]:
    """Yield a line for each stretch of one label; that of no known label is pale."""
    begin = 0
    for end in range(1, len(track) + 1):
        label = track[begin][2]
        if end < len(track) and track[end][2] == label:
            continue
        stretch = [(now_s, score) for now_s, score, _ in track[begin : end + 1]]
        known = label not in ('', NONE, OTHER)
        style = f'stroke="{colours.get(label, "#888")}"' if known else 'class="unsure"'
        for line in _unbroken(stretch):
            yield f'<polyline {style} points="{_points(found, line, 1.0)}"/>'
        begin = end


def _unbroken(points: Sequence[Point]) -> Iterator[list[Point]]:
    line: list[Point] = list(points[:1])
    for before, now in pairwise(points):
        if not 0 <= now[0] - before[0] <= _LONGEST_GAP_S:
            yield line
            line = []
        line.append(now)
    if line:
        yield line


def _points(found: Digest, line: Sequence[Point], top: float) -> str:
    if len(line) == 1:  # a dot
        line = [line[0], line[0]]
    return ' '.join(
        f'{_x(found, now_s):.1f},{_HIGH * (1 - min(max(value / top, 0), 1)):.1f}'
        for now_s, value in line
    )


def _x(found: Digest, now_s: float) -> float:
    return _WIDE * now_s / max(found.duration_s, 1e-6)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ..."""
    scale = 10 ** math.floor(math.log10(max(value, 1.0)))
    return next(float(step * scale) for step in (1, 2, 5, 10) if step * scale >= value)


def _plot(name: str, unit: str, drawn: str) -> str:
    box = f'viewBox="0 -5 {_WIDE} {_HIGH + 10}" preserveAspectRatio="none"'
    return (
        f'<div class="row"><span>{escape(name)}<small>{escape(unit)}</small></span>'
        f'<div class="lane plot"><svg {box} role="img" aria-label="{escape(name)} over time">'
        f'{drawn}</svg></div></div>'
    )


def histogram(values_ms: list[float], what: str) -> str:
    """Return bars over the range of 99 % of the values; the last bar holds the rest."""
    top_ms = max(float(np.percentile(values_ms, 99)), 1.0)
    counts, _ = np.histogram(np.minimum(values_ms, top_ms), bins=_BINS, range=(0.0, top_ms))
    bars = ''.join(
        f'<i style="height:{100 * count / counts.max():.1f}%" title="{count} images"></i>'
        for count in counts.tolist()
    )
    found = spread(values_ms)
    marks = _mark('median', found.p50_ms, top_ms, '') + _mark(
        '95 %', found.p95_ms, top_ms, ' late'
    )
    return (
        f'<div class="bars">{bars}{marks}</div><div class="lane axis"><em style="left:0;'
        f'transform:none">0</em><em style="left:auto;right:0;transform:none">'
        f'{top_ms:.0f} ms and more</em></div><p class="quiet">From the stamp of an image to the '
        f'arrival of its {what} in another process, {found.size} images; the slowest took '
        f'{found.largest_ms:.0f} ms.</p>'
    )


def _mark(name: str, value_ms: float, top_ms: float, kind: str) -> str:
    part = min(value_ms / top_ms, 1.0)
    flip = ' flip' if part > 0.6 else ''
    return (
        f'<span class="mark{kind}{flip}" style="left:{100 * part:.2f}%">'
        f'{name} {value_ms:.0f} ms</span>'
    )

"""report.html: one file that shows what happened, with its pictures inside."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.history import Span, gesture_spans
from ros2_hand_action.replay.recording import (
    ClipRecording,
    Recording,
    StageLatency,
    latencies_ms,
    spread,
)
from ros2_hand_action.replay.report_style import STYLE
from ros2_hand_action.replay.results import summarise
from ros2_hand_action.replay.timeline import Row, gesture_colours, side, timeline_rows

_BINS = 36
_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
"""Content security policy: a browser loads nothing from anywhere."""


@dataclass(frozen=True)
class KeyPicture:
    """A picture for the report: JPEG data, and what it shows."""

    jpeg: bytes
    title: str
    detail: str


def make_report(
    recording: Recording, pictures: Sequence[KeyPicture], preview_webm: bytes = b''
) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    recording : Recording
    pictures : Sequence[KeyPicture]
        In the order in which they are shown.
    preview_webm : bytes
        A video of all clips; empty for none.
    """
    colours = gesture_colours(recording.labels)
    parts = [
        f'<h1>Hands and gestures, seen by ROS 2 nodes</h1>{_subtitle(recording)}',
        _tiles(recording),
        _preview(preview_webm, pictures[0].jpeg if pictures else b''),
        _pictures(pictures),
        '<h2>Clips, hands and gestures</h2>',
        *(_clip(clip, colours) for clip in recording.clips),
        '<h2>Latency</h2>',
        _latency(recording),
        f'<h2>This run</h2><div class="card scroll">{_system(recording)}</div>',
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<title>Hands and gestures</title><style>{STYLE}</style></head>'
        f'<body>{"".join(parts)}</body></html>\n'
    )


def _subtitle(recording: Recording) -> str:
    known = [recording.system.get(key, '') for key in ('date', 'machine')]
    return f'<p class="quiet">{escape(" · ".join(text for text in known if text))}</p>'


def _tiles(recording: Recording) -> str:
    summary = summarise(recording.clips)
    gestures = [span for clip in recording.clips for span in gesture_spans(clip)]
    latency = spread(latencies_ms(recording.clips))
    share = summary['processed'] / summary['frames'] if summary['frames'] else 0.0
    tiles = [
        (f'{summary["frames"]}', f'images in {_count(len(recording.clips), "clip")}'),
        (f'{share:.0%}', f'of them answered, {summary["dropped"]} dropped'),
        (f'{len(gestures)}', 'times a hand held a gesture'),
        (f'{latency.p50_ms:.0f} ms', 'image to gestures, median'),
        (f'{latency.p95_ms:.0f} ms', '95 % are faster than this'),
    ]
    cards = (
        f'<div class="card tile"><b>{escape(value)}</b>'
        f'<span class="quiet">{escape(meaning)}</span></div>'
        for value, meaning in tiles
    )
    return f'<div class="tiles">{"".join(cards)}</div>'


def _count(number: int, what: str) -> str:
    return f'{number} {what}{"" if number == 1 else "s"}'


def _preview(webm: bytes, jpeg: bytes) -> str:
    if not webm:
        return ''
    poster = f' poster="data:image/jpeg;base64,{b64encode(jpeg).decode()}"' if jpeg else ''
    return (
        f'<video{poster} controls muted loop playsinline preload="metadata" '
        f'src="data:video/webm;base64,{b64encode(webm).decode()}"></video>'
        '<p class="quiet">A small copy of annotated.mp4. Colours follow the fingers; '
        'a green frame marks a gesture that lasts, with its time.</p>'
    )


def _pictures(pictures: Sequence[KeyPicture]) -> str:
    if not pictures:
        return ''
    figures = (
        f'<figure><img alt="{escape(picture.title)}" '
        f'src="data:image/jpeg;base64,{b64encode(picture.jpeg).decode()}">'
        f'<figcaption><b>{escape(picture.title)}</b>'
        f'<p class="quiet">{escape(picture.detail)}</p></figcaption></figure>'
        for picture in pictures
    )
    return f'<h2>Moments</h2><div class="pictures">{"".join(figures)}</div>'


def _clip(clip: ClipRecording, colours: dict[str, str]) -> str:
    summary = summarise((clip,))
    rows = ''.join(_row(row, clip, colours) for row in timeline_rows(clip))
    if not rows:
        rows = '<p class="quiet">No hand was found in this clip.</p>'
    facts = (
        f'{clip.duration_s:.1f} s, {clip.width_px}x{clip.height_px} px, '
        f'{clip.fps:.0f} images/s; {summary["processed"]} of {summary["frames"]} answered. '
        f'From {clip.source} ({clip.licence}).'
    )
    return (
        f'<section class="card clip"><header><h3>{escape(clip.name.replace("_", " "))}</h3>'
        f'<span class="quiet">{escape(clip.shows)}</span></header>'
        f'{rows}{_axis(clip)}{_event_table(clip, colours)}'
        f'<p class="quiet">{escape(facts)}</p></section>'
    )


def _row(row: Row, clip: ClipRecording, colours: dict[str, str]) -> str:
    seen = ''.join(
        f'<i style="{_place(begin, end, clip)}"></i>' for begin, end in row.seen_s
    )
    spans = ''.join(
        f'<b style="{_place(span.start_s, span.end_s, clip)};background:'
        f'{colours.get(span.label, "#666")}" title="{escape(_span_text(span))}">'
        f'{escape(span.label)}</b>'
        for span in row.spans
    )
    name = f'<span>{escape(row.name)}</span>'
    return f'<div class="row">{name}<div class="lane">{seen}{spans}</div></div>'


def _place(begin_s: float, end_s: float, clip: ClipRecording) -> str:
    whole_s = max(clip.duration_s, 1e-6)
    left, width = 100 * begin_s / whole_s, 100 * (end_s - begin_s) / whole_s
    return f'left:{left:.2f}%;width:{width:.2f}%'


def _span_text(span: Span) -> str:
    return f'{span.label}, {span.start_s:.1f} s to {span.end_s:.1f} s'


def _axis(clip: ClipRecording) -> str:
    step_s = 1 if clip.duration_s < 7 else 2
    ticks = ''.join(
        f'<em style="left:{100 * now_s / clip.duration_s:.2f}%">{now_s} s</em>'
        for now_s in range(0, int(clip.duration_s) + 1, step_s)
        if clip.duration_s
    )
    return f'<div class="row"><span></span><div class="lane axis">{ticks}</div></div>'


def _event_table(clip: ClipRecording, colours: dict[str, str]) -> str:
    changes = [recorded for recorded in clip.events if recorded.event.phase is not Phase.HELD]
    if not changes:
        return '<p class="quiet">No gesture was held long enough to be an event.</p>'
    lines = []
    for recorded in changes:
        event = recorded.event
        dot = f'<span class="dot" style="background:{colours.get(event.label, "#666")}"></span>'
        lines.append(
            f'<tr><td class="number">{clip.seconds(event.stamp_ns):.2f} s</td>'
            f'<td>{event.phase.name}</td><td>{dot}{escape(event.label)}</td>'
            f'<td>{escape(f"{event.hand_id} {side(event.handedness)}")}</td>'
            f'<td class="number">{event.duration_ns / 1e9:.2f} s</td>'
            f'<td class="number">{event.score:.0%}</td>'
            f'<td class="number">{recorded.latency_ms:.0f} ms</td></tr>'
        )
    return (
        '<div class="scroll"><table class="events"><tr><th class="number">time</th><th>event</th>'
        '<th>gesture</th><th>hand</th><th class="number">lasted</th>'
        '<th class="number">score</th><th class="number">latency</th></tr>'
        f'{"".join(lines)}</table></div>'
    )


def _latency(recording: Recording) -> str:
    values_ms = latencies_ms(recording.clips)
    if not values_ms:
        return '<p class="card quiet">No image was answered.</p>'
    return (
        f'<div class="two"><div class="card">{_histogram(values_ms)}</div>'
        f'<div class="card scroll">{_stage_table(recording)}</div></div>'
    )


def _histogram(values_ms: list[float]) -> str:
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
        f'arrival of its gestures in another process, {found.size} images; the slowest took '
        f'{found.largest_ms:.0f} ms.</p>'
    )


def _mark(name: str, value_ms: float, top_ms: float, kind: str) -> str:
    part = min(value_ms / top_ms, 1.0)
    flip = ' flip' if part > 0.6 else ''
    return (
        f'<span class="mark{kind}{flip}" style="left:{100 * part:.2f}%">'
        f'{name} {value_ms:.0f} ms</span>'
    )


def _stage_table(recording: Recording) -> str:
    stages: dict[tuple[str, str], list[StageLatency]] = {}
    for stage in (stage for clip in recording.clips for stage in clip.stages):
        stages.setdefault((stage.node, stage.stage), []).append(stage)
    if not stages:
        return '<p class="quiet">The nodes sent no diagnostics.</p>'
    lines = ''.join(
        f'<tr><td>{escape(node)}</td><td>{escape(name)}</td>'
        f'<td class="number">{np.median([stage.p50_ms for stage in found]):.1f} ms</td>'
        f'<td class="number">{max(stage.p95_ms for stage in found):.1f} ms</td></tr>'
        for (node, name), found in stages.items()
    )
    return (
        '<table><tr><th>node</th><th>stage</th><th class="number">median</th>'
        f'<th class="number">95 %</th></tr>{lines}</table><p class="quiet">As the nodes tell on '
        '/diagnostics: middle and worst of the clips.</p>'
    )


def _system(recording: Recording) -> str:
    lines = ''.join(
        f'<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in recording.system.items()
    )
    return f'<table>{lines}</table>'

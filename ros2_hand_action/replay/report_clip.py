"""One clip in report.html: its picture, 3D view, timeline, plots, events and checks."""

from collections.abc import Sequence
from html import escape

from ros2_hand_action.perception.records import GestureEvent, Phase
from ros2_hand_action.replay.digest import Digest
from ros2_hand_action.replay.history import Event, Span, owner_id, side
from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.recording import (
    ClipRecording,
    RecordedActionEvent,
    RecordedEvent,
)
from ros2_hand_action.replay.report_data import time_of
from ros2_hand_action.replay.report_plots import body_plot, latency_plot, score_plot
from ros2_hand_action.replay.timeline import Row, timeline_rows

_UNKNOWN_COLOUR = '#666'


def clip_section(
    found: Digest,
    number: int,
    judgements: Sequence[Judgement],
    colours: dict[str, str],
) -> str:
    """Return the section of one clip; the script fills its picture and 3D view."""
    clip = found.clip
    name = escape(clip.name.replace('_', ' '))
    parts = [
        f'<section class="card clip" id="clip-{number}" data-clip="{number}" aria-label="{name}">'
        f'<header><h3>{name}</h3><span class="quiet">{escape(clip.shows)}</span></header>',
        _notes(clip),
        _player(found, judgements, colours) if found.frame_count else '',
        *(_judgement(clip, judgement) for judgement in judgements),
        _event_table(clip, colours),
        f'<p class="quiet">{escape(_facts(found))}</p></section>',
    ]
    return ''.join(parts)


def _notes(clip: ClipRecording) -> str:
    notes = [f'The source is damaged: {clip.damage}'] if clip.damage else []
    notes += clip.problems
    return ''.join(f'<p class="note">{escape(note)}</p>' for note in notes)


def _facts(found: Digest) -> str:
    clip = found.clip
    facts = (
        f'{found.duration_s:.1f} s, {clip.width_px}x{clip.height_px} px, '
        f'{clip.fps:.0f} images/s; {found.processed_count} of {found.frame_count} answered'
    )
    facts += f', {found.searched_count} for bodies. ' if found.searched_count else '. '
    return facts + f'From {clip.source}{f" ({clip.licence})" if clip.licence else ""}.'


def _player(found: Digest, judgements: Sequence[Judgement], colours: dict[str, str]) -> str:
    clip = found.clip
    name = escape(clip.name.replace('_', ' '))
    space = (
        '<figure class="space"><svg role="img" aria-label="Bodies in metres: front, side and top">'
        '</svg><figcaption class="quiet">Bodies in metres, in the frame of the camera, which '
        'is at 0 and looks along z.</figcaption></figure>'
    )
    return (
        '<div class="stage">'
        f'<figure><img class="shot" alt="" width="{clip.width_px}" height="{clip.height_px}">'
        '</figure>'
        '<div class="bar"><button type="button" class="play">Play</button>'
        '<button type="button" class="before" aria-label="event before">&#9664; event</button>'
        '<button type="button" class="after" aria-label="next event">event &#9654;</button>'
        '<output class="time"></output><span class="quiet hint"><kbd>&larr;</kbd> '
        '<kbd>&rarr;</kbd> image by image, <kbd>p</kbd> <kbd>n</kbd> event by event, '
        '<kbd>space</kbd> plays; or click and drag</span></div>'
        '<div class="facts"><h4 class="when">At the play head</h4><ul class="now"></ul>'
        f'{space if found.bodies else ""}</div></div>'
        '<div class="tracks"><div class="row"><span></span><div>'
        f'<input class="scrub" type="range" min="0" max="1" value="0" '
        f'aria-label="play head of {name}"></div></div>'
        f'{_rows(found, judgements, colours)}{score_plot(found, colours)}'
        f'{body_plot(found, colours)}{latency_plot(found)}{_axis(found)}'
        f'<div class="head"></div></div>{_key(found)}'
    )


def _rows(found: Digest, judgements: Sequence[Judgement], colours: dict[str, str]) -> str:
    rows = ''.join(_row(row, found, colours) for row in timeline_rows(found))
    checks = [check for judgement in judgements for check in judgement.checks]
    marks = ''.join(
        _button(
            found, check.stamp_ns, 'met' if check.passed else 'missed',
            f'{check.expected}: {check.found}',
        )
        for check in checks
        if check.stamp_ns is not None
    )  # fmt: skip
    if marks:
        lane = f'<div class="lane">{marks}</div>'
        rows = f'<div class="row"><span>expected</span>{lane}</div>{rows}'
    return rows or '<p class="quiet">No hand and nobody was found in this clip.</p>'


def _row(row: Row, found: Digest, colours: dict[str, str]) -> str:
    clip = found.clip
    seen = ''.join(
        f'<i style="{_place(begin, end, found)}"></i>' for begin, end in row.seen_s
    )
    spans = ''.join(
        f'<b style="{_place(span.start_s, span.end_s, found)};background:'
        f'{colours.get(span.label, _UNKNOWN_COLOUR)}" title="{escape(_span_text(span))}">'
        f'{escape(span.label)}</b>'
        for span in row.spans
    )
    marks = ''.join(
        _button(found, event.stamp_ns, event.phase.name.lower(), _event_text(event, clip))
        for event in row.events
    )
    name = f'<span>{escape(row.name)}</span>'
    return f'<div class="row">{name}<div class="lane">{seen}{spans}{marks}</div></div>'


def _button(found: Digest, stamp_ns: int, kind: str, title: str) -> str:
    """Return a mark that can be clicked; keyboards reach the same place in the tables."""
    time_s = time_of(found.clip, stamp_ns)
    left = 100 * time_s / max(found.duration_s, 1e-6)
    return (
        f'<button type="button" tabindex="-1" aria-hidden="true" class="{kind}" '
        f'style="left:{left:.2f}%" data-t="{time_s}" title="{escape(title)}"></button>'
    )


def _place(begin_s: float, end_s: float, found: Digest) -> str:
    whole_s = max(found.duration_s, 1e-6)
    left, width = 100 * begin_s / whole_s, 100 * max(end_s - begin_s, 0.0) / whole_s
    return f'left:{left:.2f}%;width:{width:.2f}%'


def _span_text(span: Span) -> str:
    return f'{span.label}, {span.start_s:.1f} s to {span.end_s:.1f} s'


def _event_text(event: Event, clip: ClipRecording) -> str:
    return f'{event.phase.name} {event.label}, {clip.seconds(event.stamp_ns):.2f} s'


def _axis(found: Digest) -> str:
    whole_s = found.duration_s
    steps_s = (step * scale for scale in (1, 10, 100, 1000, 10000) for step in (1, 2, 5))
    step_s = next((step for step in steps_s if whole_s / step <= 8), 100_000)
    ticks = ''.join(
        f'<em style="left:{100 * now_s / whole_s:.2f}%">{now_s} s</em>'
        for now_s in range(0, int(whole_s) + 1, step_s)
    )
    return f'<div class="row"><span></span><div class="lane axis">{ticks}</div></div>'


def _key(found: Digest) -> str:
    """Explain the lines of the latency plot."""
    if not found.gestures_ms and not found.bodies_ms:
        return ''
    entries = [('var(--accent)', 'image to gestures')]
    if found.bodies_ms:
        entries.append(('var(--second)', 'image to bodies'))
    if found.left_out_s:
        entries.append(('var(--bad)', 'image left out while the nodes were busy'))
    lines = ''.join(
        f'<span><span class="dot" style="background:{colour}"></span>{text}</span>'
        for colour, text in entries
    )
    return f'<div class="quiet key">Latency: {lines}</div>'


def _event_table(clip: ClipRecording, colours: dict[str, str]) -> str:
    events: list[RecordedEvent | RecordedActionEvent] = [*clip.events, *clip.action_events]
    events.sort(key=lambda recorded: recorded.event.stamp_ns)
    if not events:
        return '<p class="quiet">Nothing was shown or done for long enough to be an event.</p>'
    timed = any(recorded.latency_ms is not None for recorded in events)
    lines = ''.join(_event_row(clip, recorded, timed, colours) for recorded in events)
    return (
        '<h4>Events</h4><div class="list" tabindex="-1"><table class="whole"><thead><tr>'
        '<th class="time">time</th><th>event</th><th>what</th><th>who</th>'
        '<th class="number">lasted</th><th class="number">score</th>'
        f'{_LATENCY_HEAD if timed else ""}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


_LATENCY_HEAD = '<th class="number">latency</th>'


def _event_row(
    clip: ClipRecording,
    recorded: RecordedEvent | RecordedActionEvent,
    timed: bool,
    colours: dict[str, str],
) -> str:
    event, time_s = recorded.event, time_of(clip, recorded.event.stamp_ns)
    dot = f'background:{colours.get(event.label, _UNKNOWN_COLOUR)}'
    which = side(event.handedness) if isinstance(event, GestureEvent) else ''
    who = f'{owner_id(event)} {which}'.strip()
    latency = '' if recorded.latency_ms is None else f'{recorded.latency_ms:.0f} ms'
    return (
        f'<tr data-at="{time_s}"{" class=held" if event.phase is Phase.HELD else ""}>'
        f'<td class="time">{_seek(time_s)}</td><td>{event.phase.name}</td>'
        f'<td><span class="dot" style="{dot}"></span>{escape(event.label)}</td>'
        f'<td>{escape(who or "whole image")}</td>'
        f'<td class="number">{event.duration_ns / 1e9:.2f} s</td>'
        f'<td class="number">{event.score:.0%}</td>'
        f'{f"<td class=number>{latency}</td>" if timed else ""}</tr>'
    )


def _seek(time_s: float) -> str:
    return f'<button type="button" data-t="{time_s}">{time_s:.2f} s</button>'


def _judgement(clip: ClipRecording, judgement: Judgement) -> str:
    """Return what was expected and found, what failed first."""
    checks = sorted(judgement.checks, key=lambda check: check.passed)
    lines = ''.join(_check_row(clip, check) for check in checks)
    met = len(judgement.checks) - len(judgement.failed)
    history = ''
    if judgement.history and not judgement.passed:
        history = (
            '<details><summary class="quiet">What came when (- expected in vain, + not expected)'
            f'</summary><pre class="scroll">{escape(chr(10).join(judgement.history))}</pre>'
            '</details>'
        )
    return (
        f'<h4>Expected by {escape(judgement.against)}: {met} of {len(judgement.checks)} met</h4>'
        '<div class="list" tabindex="-1"><table class="checks"><thead><tr><th></th>'
        '<th class="time">time</th>'
        f'<th>check</th><th>expected</th><th>found</th></tr></thead><tbody>{lines}</tbody>'
        f'</table></div>{history}'
    )


def _check_row(clip: ClipRecording, check: Check) -> str:
    mark, kind = ('met', 'good') if check.passed else ('not met', 'bad')
    time_s = None if check.stamp_ns is None else time_of(clip, check.stamp_ns)
    return (
        f'<tr><td class="{kind}"><b>{mark}</b></td>'
        f'<td class="time">{"" if time_s is None else _seek(time_s)}</td>'
        f'<td>{escape(check.label)}</td><td data-is="expected">{escape(check.expected)}</td>'
        f'<td data-is="found">{escape(check.found)}</td></tr>'
    )

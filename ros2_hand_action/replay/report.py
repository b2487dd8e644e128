"""report.html: one file that shows what happened, with its pictures and its script inside."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path

import numpy as np

from ros2_hand_action.replay.digest import Digest, Point, digest
from ros2_hand_action.replay.history import action_spans, gesture_spans
from ros2_hand_action.replay.judgement import Judgement
from ros2_hand_action.replay.recording import (
    ClipRecording,
    Recording,
    StageLatency,
    spread,
)
from ros2_hand_action.replay.report_clip import clip_section
from ros2_hand_action.replay.report_data import clip_data, to_script
from ros2_hand_action.replay.report_plots import histogram
from ros2_hand_action.replay.timeline import label_colours

_STYLE = Path(__file__).with_name('report.css')
_SCRIPT = Path(__file__).with_name('report.js')


@dataclass(frozen=True)
class KeyPicture:
    """A picture for the front page.

    Attributes
    ----------
    jpeg : bytes
    title, detail : str
        What it shows.
    clip : int
        The clip's place in the recording.
    time_s : float
        Seconds since the clip's first image.
    """

    jpeg: bytes
    title: str
    detail: str
    clip: int = 0
    time_s: float = 0.0


@dataclass(frozen=True)
class Still:
    """An annotated image for the play head, and its time since the clip's first image."""

    jpeg: bytes
    time_s: float


@dataclass(frozen=True)
class Pictures:
    """The pictures of a report, as `render.render` makes them.

    Attributes
    ----------
    moments : tuple of KeyPicture
        In the order in which they are shown.
    stills : tuple of tuple of Still
        For each clip, in order of time.
    """

    moments: tuple[KeyPicture, ...] = ()
    stills: tuple[tuple[Still, ...], ...] = ()


def make_report(
    recording: Recording,
    pictures: Pictures = Pictures(),
    judgements: Sequence[Judgement] = (),
    *,
    title: str = 'Hands, gestures, bodies and actions',
) -> str:
    """Return the report as HTML.

    Its content security policy lets the browser load nothing, and run the script inside only.
    The same recording, pictures and judgements give the same bytes.

    Parameters
    ----------
    recording : Recording
        Where no clock ran (`gestures_latency_ms` is None), latencies are left out.
    pictures : Pictures
    judgements : sequence of Judgement
        Shown with the clip of the same name.
    title : str
    """
    colours = label_colours(recording)
    digests = [digest(clip) for clip in recording.clips]
    sections, data = _clips(digests, pictures, judgements, colours)
    body = ''.join([
        f'<h1>{escape(title)}</h1>{_subtitle(recording)}',
        _verdict(judgements),
        _tiles(digests),
        _moments(pictures.moments),
        _overview(digests, judgements),
        '<h2>Clip by clip</h2><noscript><p class="note">Without scripts the play heads rest: '
        'pictures and the 3D view stay empty.</p></noscript>',
        *sections,
        _latency(digests),
        f'<h2>This run</h2><div class="card scroll">{_system(recording)}</div>',
        f'<script type="application/json" id="data">{to_script(data)}</script>',
    ])
    script = _SCRIPT.read_text()
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f'<style>{_STYLE.read_text()}</style></head>'
        f'<body>{body}<script>{script}</script></body></html>\n'
    )


def _policy(script: str) -> str:
    """Return the content security policy: nothing from anywhere, and one script, by its hash."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; img-src data:; "
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )


def _clips(
    digests: Sequence[Digest],
    pictures: Pictures,
    judgements: Sequence[Judgement],
    colours: dict[str, str],
) -> tuple[list[str], list[dict[str, object]]]:
    """Return the clips' sections, and what the script needs for each."""
    sections, data = [], []
    for number, found in enumerate(digests):
        clip = found.clip
        own = [judgement for judgement in judgements if judgement.clip == clip.name]
        stamps_ns = [
            check.stamp_ns
            for judgement in own
            for check in judgement.checks
            if check.stamp_ns is not None
        ]
        stills = pictures.stills[number] if number < len(pictures.stills) else ()
        encoded = [(still.time_s, b64encode(still.jpeg).decode()) for still in stills]
        sections.append(clip_section(found, number, own, colours))
        starts_s = (moment.time_s for moment in pictures.moments if moment.clip == number)
        start_s = next(starts_s, 0.0)
        data.append(clip_data(found, encoded, stamps_ns, start_s=start_s))
    return sections, data


def _subtitle(recording: Recording) -> str:
    known = [recording.system.get(key, '') for key in ('date', 'machine')]
    return f'<p class="quiet">{escape(" · ".join(text for text in known if text))}</p>'


def _verdict(judgements: Sequence[Judgement]) -> str:
    if not judgements:
        return ''
    failed = [judgement for judgement in judgements if not judgement.passed]
    if not failed:
        checks = sum(len(judgement.checks) for judgement in judgements)
        text = f'As expected: {_count(checks, "check")} passed.'
        return f'<div class="card verdict"><span class="good">{text}</span></div>'
    names = ', '.join(dict.fromkeys(judgement.clip for judgement in failed))
    total = sum(len(judgement.failed) for judgement in failed)
    text = f'Not as expected: {_count(total, "check")} failed, in {escape(names)}.'
    return f'<div class="card verdict failed"><span class="bad">{text}</span></div>'


def _tiles(digests: Sequence[Digest]) -> str:
    total = sum(found.frame_count for found in digests)
    processed = sum(found.processed_count for found in digests)
    gestures = sum(len(gesture_spans(found.clip)) for found in digests)
    actions = sum(len(action_spans(found.clip)) for found in digests)
    share = processed / total if total else 0.0
    tiles = [
        (f'{total}', f'images in {_count(len(digests), "clip")}'),
        (f'{share:.0%}', f'answered, {total - processed} left out'),
        (f'{gestures}', 'times a hand held a gesture'),
    ]
    if any(found.searched_count for found in digests):
        tiles.append((f'{sum(len(found.bodies) for found in digests)}', 'tracks of people in 3D'))
    if actions:
        tiles.append((f'{actions}', 'times a person did something'))
    values_ms = _values(found.gestures_ms for found in digests)
    if values_ms:
        latency = spread(values_ms)
        tiles.append((f'{latency.p50_ms:.0f} ms', 'image to gestures, median'))
        tiles.append((f'{latency.p95_ms:.0f} ms', '95 % are faster than this'))
    cards = (
        f'<div class="card tile"><b>{escape(value)}</b>'
        f'<span class="quiet">{escape(meaning)}</span></div>'
        for value, meaning in tiles
    )
    return f'<div class="tiles">{"".join(cards)}</div>'


def _count(number: int, what: str) -> str:
    return f'{number} {what}{"" if number == 1 else "s"}'


def _moments(moments: Sequence[KeyPicture]) -> str:
    if not moments:
        return ''
    cards = (
        f'<button type="button" class="moment" data-of="{moment.clip}" '
        f'data-at="{round(moment.time_s, 3)}"><img alt="{escape(moment.title)}" '
        f'src="data:image/jpeg;base64,{b64encode(moment.jpeg).decode()}">'
        f'<span><b>{escape(moment.title)}</b>'
        f'<small>{escape(moment.detail)}</small></span></button>'
        for moment in moments
    )
    return f'<h2>Moments</h2><div class="moments">{"".join(cards)}</div>'


def _overview(digests: Sequence[Digest], judgements: Sequence[Judgement]) -> str:
    """Return a line for each clip, where there are several."""
    if len(digests) < 2:
        return ''
    timed = any(found.gestures_ms for found in digests)
    head = ['images', 'left out', 'tracks of hands', 'tracks of people', 'gestures', 'actions']
    head += ['median latency'] if timed else []
    cells = ''.join(f'<th class="number">{text}</th>' for text in head)
    expected = '<th>expected</th>' if judgements else ''
    lines = ''.join(
        f'<tr><td><a href="#clip-{number}">{escape(found.clip.name.replace("_", " "))}</a></td>'
        + ''.join(f'<td class="number">{text}</td>' for text in _figures(found, timed))
        + (_judged(found.clip, judgements) if judgements else '') + '</tr>'
        for number, found in enumerate(digests)
    )
    return (
        '<h2>All clips</h2><div class="card scroll"><table class="whole"><thead><tr><th>clip</th>'
        f'{cells}{expected}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _figures(found: Digest, timed: bool) -> list[str]:
    counts = [
        found.frame_count, found.frame_count - found.processed_count, len(found.hands),
        len(found.bodies), len(gesture_spans(found.clip)), len(action_spans(found.clip)),
    ]  # fmt: skip
    latency = f'{spread(_values([found.gestures_ms])).p50_ms:.0f} ms'
    return [*map(str, counts), *([latency] if timed else [])]


def _values(points: Iterable[Sequence[Point]]) -> list[float]:
    return [value for each in points for _, value in each]


def _judged(clip: ClipRecording, judgements: Sequence[Judgement]) -> str:
    own = [judgement for judgement in judgements if judgement.clip == clip.name]
    failed = sum(len(judgement.failed) for judgement in own)
    if not own:
        return '<td class="quiet">not judged</td>'
    return f'<td class="bad">{failed} not met</td>' if failed else '<td class="good">all met</td>'


def _latency(digests: Sequence[Digest]) -> str:
    """Return the spread of latencies; '' where no clock ran."""
    hands_ms = _values(found.gestures_ms for found in digests)
    bodies_ms = _values(found.bodies_ms for found in digests)
    plots = [
        f'<div class="card"><h3>To {what}</h3>{histogram(values_ms, what)}</div>'
        for what, values_ms in (('gestures', hands_ms), ('bodies', bodies_ms))
        if values_ms
    ]
    stages = _stage_table([found.clip for found in digests])
    if not plots and not stages:
        return ''
    return f'<h2>Latency</h2><div class="two">{"".join(plots)}{stages}</div>'


def _stage_table(clips: Sequence[ClipRecording]) -> str:
    stages: dict[tuple[str, str], list[StageLatency]] = {}
    for stage in (stage for clip in clips for stage in clip.stages):
        stages.setdefault((stage.node, stage.stage), []).append(stage)
    if not stages:
        return ''
    lines = ''.join(
        f'<tr><td>{escape(node)}</td><td>{escape(name)}</td>'
        f'<td class="number">{np.median([stage.p50_ms for stage in found]):.1f} ms</td>'
        f'<td class="number">{max(stage.p95_ms for stage in found):.1f} ms</td></tr>'
        for (node, name), found in stages.items()
    )
    return (
        '<div class="card scroll"><h3>Inside the nodes</h3><table><thead><tr><th>node</th>'
        '<th>stage</th><th class="number">median</th><th class="number">95 %</th></tr></thead>'
        f'<tbody>{lines}</tbody></table><p class="quiet">As the nodes tell on /diagnostics: '
        'middle and worst of the clips.</p></div>'
    )


def _system(recording: Recording) -> str:
    lines = ''.join(
        f'<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in recording.system.items()
    )
    return f'<table>{lines}</table>'

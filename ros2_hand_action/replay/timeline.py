"""When which hand and body was in view and what it showed, as rows and as a picture."""

from collections.abc import Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ros2_hand_action.perception.labels import NONE, OTHER
from ros2_hand_action.replay.history import (
    Event,
    Span,
    Track,
    action_spans,
    all_events,
    body_tracks,
    gesture_spans,
    hand_tracks,
    owner_id,
    side,
)
from ros2_hand_action.replay.recording import ClipRecording, Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEEN_COLOUR = '#b9c2cc'
_COLOURS = (
    '#c23b4e', '#2470c0', '#1f7f52', '#9a6410', '#8050bd', '#0f7480', '#a2456f', '#6a5b41',
    '#4d5bb8', '#5f7a17', '#b0472a',
)  # fmt: skip
"""White text on each has a contrast of 4.5 or more."""
_SHORT_S = 0.4
_MOST_ROWS = 12


class Row(NamedTuple):
    """One line of a timeline.

    Attributes
    ----------
    name : str
        The id of the hand or body, and the side of a hand; or 'n brief hands'.
    seen_s : list of (float, float)
        When it was in view, seconds since the first image.
    spans : list of Span
    events : list of Event
    """

    name: str
    seen_s: list[tuple[float, float]]
    spans: list[Span]
    events: list[Event]


def label_colours(recording: Recording) -> dict[str, str]:
    """Return a colour, '#rrggbb', for each gesture and action."""
    labels = [*recording.labels, *recording.action_labels]
    for clip in recording.clips:
        labels += [*clip.labels, *clip.action_labels]
    named = (label for label in dict.fromkeys(labels) if label not in (NONE, OTHER))
    return dict(zip(named, cycle(_COLOURS), strict=False))


def timeline_rows(clip: ClipRecording) -> list[Row]:
    """Return a row for each hand and each body; those in view for a moment share a row."""
    events = all_events(clip)
    whole = [event for event in events if not owner_id(event)]
    rows = _rows(hand_tracks(clip), gesture_spans(clip), events, 'hand')
    rows += _rows(body_tracks(clip), action_spans(clip), events, 'person')
    if whole:
        spans = [span for span in action_spans(clip) if not span.owner_id]
        rows.append(Row('whole image', [], spans, whole))
    return rows


def _rows(
    tracks: Sequence[Track], spans: Sequence[Span], events: Sequence[Event], kind: str
) -> list[Row]:
    rows: list[Row] = []
    rest = []
    for track in tracks:
        name = f'{track.track_id} {side(track.handedness)}'.strip()
        shown = [span for span in spans if span.owner_id == track.track_id]
        own = [event for event in events if owner_id(event) == track.track_id]
        in_view_s = sum(end - begin for begin, end in track.seen_s)
        if shown or own or (in_view_s >= _SHORT_S and len(rows) < _MOST_ROWS):
            rows.append(Row(name, track.seen_s, shown, own))
        else:
            rest.append(track)
    if rest:
        seen_s = sorted(chain.from_iterable(track.seen_s for track in rest))
        names = kind if len(rest) == 1 else {'hand': 'hands', 'person': 'people'}[kind]
        rows.append(Row(f'{len(rest)} brief {names}', seen_s, [], []))
    return rows


def write_timeline(recording: Recording, path: Path) -> None:
    """Draw all clips below each other into a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [timeline_rows(clip) for clip in recording.clips]
    heights = [max(len(clip_rows), 1) + 1.2 for clip_rows in rows]
    figure = Figure(figsize=(11, 1.1 + 0.36 * sum(heights)), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(
        max(len(rows), 1), 1, squeeze=False, gridspec_kw={'height_ratios': heights or [1]}
    )
    colours = label_colours(recording)
    for panel, clip, clip_rows in zip(panels[:, 0], recording.clips, rows, strict=False):
        _draw_clip(panel, clip, clip_rows, colours)
    shown = {span.label for row in chain.from_iterable(rows) for span in row.spans}
    _draw_legend(figure, [label for label in colours if label in shown], colours)
    figure.suptitle('Hands in view and their gestures', x=0.01, ha='left', weight='bold')
    part = path.with_name(f'.{path.stem}.part.png')
    figure.savefig(part)
    part.replace(path)


def _draw_clip(
    panel: 'Axes', clip: ClipRecording, rows: list[Row], colours: dict[str, str]
) -> None:
    """Draw one clip: a thin bar while a hand is in view, a thick one while it shows a gesture."""
    for height, row in enumerate(rows):
        seen = [(begin, max(end - begin, 0.02)) for begin, end in row.seen_s]
        panel.broken_barh(seen, (height - 0.12, 0.24), color=SEEN_COLOUR)
        for span in row.spans:
            length_s = span.end_s - span.start_s
            colour = colours.get(span.label, _COLOURS[0])
            panel.broken_barh([(span.start_s, length_s)], (height - 0.36, 0.72), color=colour)
            fits = length_s > 0.1 * clip.duration_s
            panel.annotate(
                f'{_plain(span.label)} {length_s:.1f} s',
                (span.start_s if fits else span.end_s, height),
                xytext=(5, 0), textcoords='offset points', va='center',
                fontsize=8, color='white' if fits else 'black',
            )
    if not rows:
        panel.text(clip.duration_s / 2, 0, 'no hand found', ha='center', va='center', color='gray')
    panel.set_yticks(range(len(rows)), [_plain(row.name) for row in rows], fontsize=8)
    panel.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    panel.set_xlim(0, max(clip.duration_s, 0.1))
    panel.set_title(_plain(clip.name.replace('_', ' ')), loc='left', fontsize=10)
    panel.tick_params(axis='x', labelsize=8)
    panel.grid(axis='x', color='#e3e6ea', linewidth=0.7)
    panel.set_axisbelow(True)
    panel.set_xlabel('seconds', fontsize=8, loc='right')
    for border in ('top', 'right', 'left'):
        panel.spines[border].set_visible(False)


def _draw_legend(figure: 'Figure', labels: list[str], colours: dict[str, str]) -> None:
    from matplotlib.patches import Patch

    entries = [Patch(color=SEEN_COLOUR, label='in view')]
    entries += [Patch(color=colours[label], label=_plain(label)) for label in labels]
    figure.legend(
        handles=entries, loc='upper right', ncol=len(entries), frameon=False, fontsize=8
    )


def _plain(text: str) -> str:
    """Keep matplotlib from reading mathematics into a name."""
    return text.replace('$', r'\$')

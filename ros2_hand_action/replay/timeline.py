"""When which hand was in view and what it showed, as rows and as a picture."""

from collections.abc import Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.perception.records import Handedness
from ros2_hand_action.replay.history import Span, gesture_spans, hand_tracks
from ros2_hand_action.replay.recording import ClipRecording, Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEEN_COLOUR = '#b9c2cc'
_COLOURS = ('#d1495b', '#2e7dd1', '#2b9a66', '#d08a1e', '#8a5cc7', '#148f9e', '#b0557f', '#7a6a4f')
_SHORT_S = 0.4
_MOST_ROWS = 12


class Row(NamedTuple):
    """One line of a timeline.

    Attributes
    ----------
    name : str
        The hand's id and side, or 'n others'.
    seen_s : list of (float, float)
        When it was in view, seconds since the first image.
    spans : list of Span
    """

    name: str
    seen_s: list[tuple[float, float]]
    spans: list[Span]


def gesture_colours(labels: Sequence[str]) -> dict[str, str]:
    """Return a colour, '#rrggbb', for each gesture."""
    named = (label for label in labels if label != NONE)
    return dict(zip(named, cycle(_COLOURS), strict=False))


def timeline_rows(clip: ClipRecording) -> list[Row]:
    """Return a row for each hand; those in view only for a moment share the last one."""
    spans = gesture_spans(clip)
    rows: list[Row] = []
    rest = []
    for track in hand_tracks(clip):
        shown = [span for span in spans if span.owner_id == track.track_id]
        in_view_s = sum(end - begin for begin, end in track.seen_s)
        if shown or (in_view_s >= _SHORT_S and len(rows) < _MOST_ROWS):
            rows.append(Row(f'{track.track_id} {side(track.handedness)}', track.seen_s, shown))
        else:
            rest.append(track)
    if rest:
        seen_s = sorted(chain.from_iterable(track.seen_s for track in rest))
        rows.append(Row(f'{len(rest)} brief', seen_s, []))
    return rows


def side(handedness: Handedness) -> str:
    """Return 'left' or 'right', '' where it is unknown."""
    return '' if handedness is Handedness.UNKNOWN else handedness.name.lower()


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
    colours = gesture_colours(recording.labels)
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

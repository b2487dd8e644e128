"""timeline.png: hands, gestures, bodies and actions of all clips over time."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ros2_hand_action.perception.body_drawing import limb_side
from ros2_hand_action.perception.skeleton import INDEX, LIMBS
from ros2_hand_action.replay.digest import digest
from ros2_hand_action.replay.history import Span
from ros2_hand_action.replay.recording import ClipRecording, Recording
from ros2_hand_action.replay.timeline import Row, label_colours, timeline_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEEN_COLOUR = '#b9c2cc'
_UNKNOWN_COLOUR = '#666666'
_LIMB_COLOURS = {'left': '#e07b1a', 'right': '#2b86d9', 'middle': '#4b5560'}
_WIDTH_IN, _ROW_IN, _LANE_IN = 11.0, 0.36, 9.9
_POSE_ROWS = 2.6
"""Rows that stick figures take above a body's bar."""
_FIGURE_M = 2.2
"""Height that fills those rows: a person with arms up."""
_FIGURES_PER_CLIP = 17

_Pose = tuple[float, np.ndarray]


def write_timeline(recording: Recording, path: Path) -> None:
    """Draw all clips below each other into a PNG; replaced as a whole."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [timeline_rows(digest(clip)) for clip in recording.clips]
    heights = [_places(clip_rows)[1] + 1.2 for clip_rows in rows]
    size_in = (_WIDTH_IN, 1.1 + _ROW_IN * sum(heights))
    figure = Figure(figsize=size_in, dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(
        max(len(rows), 1), 1, squeeze=False, gridspec_kw={'height_ratios': heights or [1]}
    )
    colours = label_colours(recording)
    for panel, clip, clip_rows in zip(panels[:, 0], recording.clips, rows, strict=False):
        _draw_clip(panel, clip, clip_rows, colours)
    shown = {span.label for row in chain.from_iterable(rows) for span in row.spans}
    _draw_legend(figure, [label for label in colours if label in shown], colours)
    figure.suptitle(
        'Hands and people in view, and what they do', x=0.01, ha='left', weight='bold'
    )
    part = path.with_name(f'.{path.stem}.part.png')
    try:
        figure.savefig(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _places(rows: list[Row]) -> tuple[list[float], float]:
    """Return the height of each row's middle, from the top, and that of all."""
    places, top = [], 0.0
    for row in rows:
        top += _POSE_ROWS if row.body_id else 0.0
        places.append(top)
        top += 1.0
    return places, max(top, 1.0)


def _draw_clip(
    panel: 'Axes', clip: ClipRecording, rows: list[Row], colours: dict[str, str]
) -> None:
    """Draw one clip: a thin bar while in view, a thick one while something is shown or done."""
    places, total = _places(rows)
    poses = sample_poses(clip, step_s=clip.duration_s / _FIGURES_PER_CLIP)
    for height, row in zip(places, rows, strict=True):
        seen = [(begin, max(end - begin, 0.02)) for begin, end in row.seen_s]
        panel.broken_barh(seen, (height - 0.12, 0.24), color=SEEN_COLOUR)
        for span in row.spans:
            _draw_span(panel, clip, span, height, colours.get(span.label, _UNKNOWN_COLOUR))
        for pose in poses.get(row.body_id, ()):
            _draw_pose(panel, clip, pose, height - 0.5)
    if not rows:
        panel.text(clip.duration_s / 2, 0, 'nobody found', ha='center', va='center', color='gray')
    panel.set_yticks(places, [_plain(row.name) for row in rows], fontsize=8)
    panel.set_ylim(total - 0.4, -0.6)
    panel.set_xlim(0, max(clip.duration_s, 0.1))
    panel.set_title(_plain(clip.name.replace('_', ' ')), loc='left', fontsize=10)
    panel.tick_params(axis='x', labelsize=8)
    panel.grid(axis='x', color='#e3e6ea', linewidth=0.7)
    panel.set_axisbelow(True)
    panel.set_xlabel('seconds', fontsize=8, loc='right')
    for border in ('top', 'right', 'left'):
        panel.spines[border].set_visible(False)


def _draw_span(
    panel: 'Axes', clip: ClipRecording, span: Span, height: float, colour: str
) -> None:
    length_s = span.end_s - span.start_s
    panel.broken_barh([(span.start_s, length_s)], (height - 0.36, 0.72), color=colour)
    fits = length_s > 0.1 * clip.duration_s
    panel.annotate(
        f'{_plain(span.label)} {length_s:.1f} s',
        (span.start_s if fits else span.end_s, height),
        xytext=(5, 0), textcoords='offset points', va='center',
        fontsize=8, color='white' if fits else 'black',
    )  # fmt: skip


def sample_poses(clip: ClipRecording, *, step_s: float) -> dict[str, list[_Pose]]:
    """Return body id -> (seconds, metres (34, 2) to the right and down from the pelvis).

    One pose in every step of the clip, the first that is known there.
    """
    poses: dict[str, list[_Pose]] = {}
    taken = set()
    for frame in clip.frames:
        now_s = clip.seconds(frame.stamp_ns)
        for body in frame.bodies or ():
            slot = (body.track_id, int(now_s / step_s))
            points_m = body.keypoints_m[:, :2] - body.keypoints_m[INDEX['pelvis'], :2]
            if slot not in taken and np.isfinite(points_m).any():
                taken.add(slot)
                poses.setdefault(body.track_id, []).append((now_s, points_m))
    return poses


def _draw_pose(panel: 'Axes', clip: ClipRecording, pose: _Pose, feet: float) -> None:
    """Draw a stick figure at its time, seen from the camera, feet on a height of the panel."""
    now_s, points_m = pose
    rows_per_m = _POSE_ROWS / _FIGURE_M
    seconds_per_m = rows_per_m * _ROW_IN / _LANE_IN * clip.duration_s
    x = now_s + points_m[:, 0] * seconds_per_m
    y = feet + (points_m[:, 1] - np.nanmax(points_m[:, 1])) * rows_per_m
    for a, b in LIMBS:
        if np.isfinite(x[[a, b]]).all():
            colour = _LIMB_COLOURS[limb_side(a, b)]
            panel.plot(
                x[[a, b]], y[[a, b]], color=colour, linewidth=1.4, solid_capstyle='round',
                clip_on=False,
            )


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

"""A recording in a few lines of text."""

from collections.abc import Sequence

from ros2_hand_action.replay.history import gesture_spans, side
from ros2_hand_action.replay.recording import Recording, latencies_ms, spread
from ros2_hand_action.replay.results import summarise

_MOST_GESTURES = 20


def format_summary(recording: Recording) -> str:
    """Return a table of the gestures and one of the clips, for a terminal."""
    gestures = [
        (
            clip.name, span.label, f'{span.owner_id} {side(span.handedness)}'.strip(),
            f'{span.start_s:.1f} s', f'{span.end_s - span.start_s:.1f} s',
        )
        for clip in recording.clips
        for span in gesture_spans(clip)
    ]  # fmt: skip
    lines = ['no gesture was held long enough to be an event']
    if gestures:
        shown = gestures[:_MOST_GESTURES]
        lines = _format_table(('CLIP', 'GESTURE', 'HAND', 'FROM', 'LASTED'), shown)
        if len(gestures) > len(shown):
            lines.append(f'... and {len(gestures) - len(shown)} more in results.json')
    clips = []
    for clip in recording.clips:
        summary, latency = summarise((clip,)), spread(latencies_ms([clip]))
        clips.append((
            clip.name, str(summary['frames']), str(summary['processed']),
            str(summary['dropped']),
            *(f'{ms:.1f} ms' if latency.size else '-' for ms in (latency.p50_ms, latency.p95_ms)),
        ))  # fmt: skip
    header = ('CLIP', 'IMAGES', 'ANSWERED', 'DROPPED', 'LATENCY P50', 'P95')
    return '\n'.join([*lines, '', *_format_table(header, clips), ''])


def _format_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return [
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]

"""A recording in a few lines of text."""

from collections.abc import Sequence

from ros2_hand_action.replay.digest import Digest, digest
from ros2_hand_action.replay.history import Span, action_spans, gesture_spans, side
from ros2_hand_action.replay.recording import ClipRecording, Recording, spread

_MOST_SPANS = 20
_HEADER = (
    'CLIP', 'IMAGES', 'ANSWERED', 'DROPPED', 'LATENCY P50', 'P95', 'PEOPLE', 'FOR BODIES',
)  # fmt: skip


def format_summary(recording: Recording) -> str:
    """Return a table of gestures and actions and one of the clips, for a terminal."""
    spans = [
        _describe(clip, span)
        for clip in recording.clips
        for span in sorted(gesture_spans(clip) + action_spans(clip), key=lambda span: span.start_s)
    ]
    lines = ['nothing was shown or done for long enough to be an event']
    if spans:
        lines = _format_table(('CLIP', 'WHAT', 'WHO', 'FROM', 'LASTED'), spans[:_MOST_SPANS])
        if len(spans) > _MOST_SPANS:
            lines.append(f'... and {len(spans) - _MOST_SPANS} more in results.json')
    digests = [digest(clip) for clip in recording.clips]
    with_bodies = any(found.searched_count for found in digests)
    header = _HEADER if with_bodies else _HEADER[:-2]
    clips = [_count(found)[: len(header)] for found in digests]
    return '\n'.join([*lines, '', *_format_table(header, clips), ''])


def _describe(clip: ClipRecording, span: Span) -> tuple[str, ...]:
    who = f'{span.owner_id} {side(span.handedness)}'.strip() or 'whole image'
    length_s = span.end_s - span.start_s
    return clip.name, span.label, who, f'{span.start_s:.1f} s', f'{length_s:.1f} s'


def _count(found: Digest) -> tuple[str, ...]:
    latency = spread([value_ms for _, value_ms in found.gestures_ms])
    return (
        found.clip.name, str(found.frame_count), str(found.processed_count),
        str(found.frame_count - found.processed_count),
        *(f'{ms:.1f} ms' if latency.size else '-' for ms in (latency.p50_ms, latency.p95_ms)),
        str(len(found.bodies)), str(found.searched_count),
    )  # fmt: skip


def _format_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return [
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]

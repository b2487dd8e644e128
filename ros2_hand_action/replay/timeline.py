"""When which hand and body was in view and what it showed, as rows."""

from collections.abc import Sequence
from itertools import chain, cycle
from typing import NamedTuple

from ros2_hand_action.perception.labels import NONE, OTHER
from ros2_hand_action.replay.digest import Digest
from ros2_hand_action.replay.history import (
    Event,
    Span,
    Track,
    action_spans,
    all_events,
    gesture_spans,
    owner_id,
    side,
)
from ros2_hand_action.replay.recording import Recording

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
    body_id : str
        Of one body; '' for hands and for several.
    """

    name: str
    seen_s: list[tuple[float, float]]
    spans: list[Span]
    events: list[Event]
    body_id: str = ''


def label_colours(recording: Recording) -> dict[str, str]:
    """Return a colour, '#rrggbb', for each gesture and action."""
    labels = [*recording.labels, *recording.action_labels]
    for clip in recording.clips:
        labels += [*clip.labels, *clip.action_labels]
    named = (label for label in dict.fromkeys(labels) if label not in (NONE, OTHER))
    return dict(zip(named, cycle(_COLOURS), strict=False))


def timeline_rows(found: Digest) -> list[Row]:
    """Return a row for each hand and each body; those in view for a moment share a row."""
    clip = found.clip
    events = all_events(clip)
    whole = [event for event in events if not owner_id(event)]
    rows = _rows(found.hands, gesture_spans(clip), events, 'hand')
    rows += _rows(found.bodies, action_spans(clip), events, 'person')
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
            body_id = track.track_id if kind == 'person' else ''
            rows.append(Row(name, track.seen_s, shown, own, body_id))
        else:
            rest.append(track)
    if rest:
        seen_s = sorted(chain.from_iterable(track.seen_s for track in rest))
        names = kind if len(rest) == 1 else {'hand': 'hands', 'person': 'people'}[kind]
        rows.append(Row(f'{len(rest)} brief {names}', seen_s, [], []))
    return rows

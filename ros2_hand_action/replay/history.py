"""What can be read from a recorded clip: who was in view when, and what lasted how long."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from ros2_hand_action.perception.records import (
    Action,
    ActionEvent,
    Body,
    Gesture,
    GestureEvent,
    Hand,
    Handedness,
    Phase,
)
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame

LARGEST_GAP_S = 0.25
"""A hand or body that is away for no longer than this counts as in view."""

_HOLD_NS = 250_000_000
"""How long an answer is shown while the images after it are left out."""

Event = GestureEvent | ActionEvent
_Event = TypeVar('_Event', GestureEvent, ActionEvent)


class Span(NamedTuple):
    """One gesture or action from its start to its end, seconds since the first image.

    `owner_id` is the hand or body that showed it; `handedness` is that of a hand.
    """

    label: str
    owner_id: str
    start_s: float
    end_s: float
    handedness: Handedness = Handedness.UNKNOWN


class Track(NamedTuple):
    """When a hand or body was in view: (first, last) pairs in seconds since the first image."""

    track_id: str
    seen_s: list[tuple[float, float]]
    handedness: Handedness = Handedness.UNKNOWN


class Known(NamedTuple):
    """The newest answers at an image: its own, or those of a moment before it."""

    of_hands: RecordedFrame | None = None
    of_bodies: RecordedFrame | None = None
    of_actions: RecordedFrame | None = None

    def after(self, frame: RecordedFrame) -> 'Known':
        """Return what is known at the next frame."""
        return Known(
            _newest(self.of_hands, frame, frame.is_processed),
            _newest(self.of_bodies, frame, frame.bodies is not None),
            _newest(self.of_actions, frame, frame.actions is not None),
        )

    @property
    def hands(self) -> tuple[Hand, ...]:
        """The hands."""
        return (self.of_hands.hands or ()) if self.of_hands else ()

    @property
    def gestures(self) -> tuple[Gesture, ...]:
        """The hands' gestures."""
        return (self.of_hands.gestures or ()) if self.of_hands else ()

    @property
    def bodies(self) -> tuple[Body, ...]:
        """The bodies."""
        return (self.of_bodies.bodies or ()) if self.of_bodies else ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """The bodies' actions."""
        return (self.of_actions.actions or ()) if self.of_actions else ()


def _newest(
    before: RecordedFrame | None, frame: RecordedFrame, is_answered: bool
) -> RecordedFrame | None:
    if is_answered:
        return frame
    if before is not None and 0 <= frame.stamp_ns - before.stamp_ns <= _HOLD_NS:
        return before
    return None


def owner_id(event: Event) -> str:
    """Return the id of the hand or body that an event is about."""
    return event.hand_id if isinstance(event, GestureEvent) else event.body_id


def side(handedness: Handedness) -> str:
    """Return 'left' or 'right', '' where it is unknown."""
    return '' if handedness is Handedness.UNKNOWN else handedness.name.lower()


def all_events(clip: ClipRecording) -> list[Event]:
    """Return the events of gestures and actions in order of their stamps."""
    events: list[Event] = [recorded.event for recorded in clip.events]
    events += [recorded.event for recorded in clip.action_events]
    return sorted(events, key=lambda event: event.stamp_ns)


def gesture_spans(clip: ClipRecording) -> list[Span]:
    """Return the gestures of a clip in order of their start; one cut off ends with the clip."""
    return _spans(clip, (recorded.event for recorded in clip.events))


def action_spans(clip: ClipRecording) -> list[Span]:
    """Return the actions of a clip in order of their start; one cut off ends with the clip."""
    return _spans(clip, (recorded.event for recorded in clip.action_events))


class Tracks:
    """Collects when each hand or body was in view, image by image in order of time."""

    def __init__(self, largest_gap_s: float = LARGEST_GAP_S) -> None:
        self._largest_gap_s = largest_gap_s
        self._seen_s: dict[str, list[tuple[float, float]]] = {}
        self._votes: dict[str, Counter[Handedness]] = {}

    def add(
        self, now_s: float, track_id: str, handedness: Handedness = Handedness.UNKNOWN
    ) -> None:
        """Take one sight."""
        seen_s = self._seen_s.setdefault(track_id, [])
        self._votes.setdefault(track_id, Counter())[handedness] += 1
        if seen_s and 0 <= now_s - seen_s[-1][1] <= self._largest_gap_s:
            seen_s[-1] = (seen_s[-1][0], now_s)
        else:
            seen_s.append((now_s, now_s))

    def tracks(self) -> list[Track]:
        """Return the tracks in order of appearance, with the handedness that came most often."""
        return [
            Track(track_id, seen_s, self._votes[track_id].most_common(1)[0][0])
            for track_id, seen_s in self._seen_s.items()
        ]


def active_events(clip: ClipRecording, stamp_ns: int) -> dict[str, GestureEvent]:
    """Return the gestures that last at the image of this stamp, by hand id."""
    return lasting((recorded.event for recorded in clip.events), stamp_ns)


def active_actions(clip: ClipRecording, stamp_ns: int) -> dict[str, ActionEvent]:
    """Return the actions that last at the image of this stamp, by body id."""
    return lasting((recorded.event for recorded in clip.action_events), stamp_ns)


def lasting(events: Iterable[_Event], stamp_ns: float = math.inf) -> dict[str, _Event]:
    """Return the events that last at a stamp, at the end by default, by hand or body id."""
    active: dict[str, _Event] = {}
    for event in events:
        if event.stamp_ns > stamp_ns:
            continue
        if event.phase is Phase.ENDED:
            active.pop(owner_id(event), None)
        else:
            active[owner_id(event)] = event
    return active


def _spans(clip: ClipRecording, events: Iterable[Event]) -> list[Span]:
    running: dict[str, Event] = {}
    spans = []
    for event in events:
        if event.phase is Phase.STARTED:
            running[owner_id(event)] = event
        elif event.phase is Phase.ENDED and owner_id(event) in running:
            del running[owner_id(event)]
            spans.append(_make_span(clip, event, clip.seconds(event.stamp_ns)))
    spans += [_make_span(clip, event, clip.duration_s) for event in running.values()]
    return sorted(spans, key=lambda span: (span.start_s, span.owner_id))


def _make_span(clip: ClipRecording, event: Event, end_s: float) -> Span:
    side = event.handedness if isinstance(event, GestureEvent) else Handedness.UNKNOWN
    return Span(event.label, owner_id(event), clip.seconds(event.start_ns), end_s, side)

"""What the nodes answered to a clip, image by image, and what can be read from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

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

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class RecordedFrame:
    """One published image and its answers.

    Attributes
    ----------
    index : int
        Number of the image in the clip's file, from 0.
    stamp_ns : int
    hands, gestures, bodies, actions : tuple or None
        None where the nodes left this image out, or did not run.
    hands_latency_ms, gestures_latency_ms : float or None
        From the image's stamp to the arrival of the answer at the recorder.
    """

    index: int
    stamp_ns: int
    hands: tuple[Hand, ...] | None = None
    gestures: tuple[Gesture, ...] | None = None
    hands_latency_ms: float | None = None
    gestures_latency_ms: float | None = None
    bodies: tuple[Body, ...] | None = None
    actions: tuple[Action, ...] | None = None

    @property
    def is_processed(self) -> bool:
        """Whether the gestures of this image were answered."""
        return self.gestures is not None


@dataclass(frozen=True)
class RecordedEvent:
    """An event and the time from its image's stamp to its arrival at the recorder."""

    event: GestureEvent
    latency_ms: float


@dataclass(frozen=True)
class RecordedActionEvent:
    """As RecordedEvent."""

    event: ActionEvent
    latency_ms: float


@dataclass(frozen=True)
class StageLatency:
    """A node's own account of where one message's time went, from its diagnostics."""

    node: str
    stage: str
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class ClipRecording:
    """A clip as it was played and answered.

    Attributes
    ----------
    name, shows, source, licence : str
        What it is, what can be seen, the package it comes from, and that package's licence.
    video : Path
        The file that was played.
    width_px, height_px, fps
        Of that file.
    frames : tuple of RecordedFrame
        All images that were published, in order.
    events : tuple of RecordedEvent
        In order of arrival.
    action_events : tuple of RecordedActionEvent
        In order of arrival.
    stages : tuple of StageLatency
    """

    name: str
    shows: str
    source: str
    licence: str
    video: Path
    width_px: int
    height_px: int
    fps: float
    frames: tuple[RecordedFrame, ...]
    events: tuple[RecordedEvent, ...] = ()
    stages: tuple[StageLatency, ...] = ()
    action_events: tuple[RecordedActionEvent, ...] = ()

    @property
    def begin_ns(self) -> int:
        """Stamp of the first image; 0 without any."""
        return self.frames[0].stamp_ns if self.frames else 0

    @property
    def duration_s(self) -> float:
        """From the first image to the end of the last one."""
        if not self.frames:
            return 0.0
        return self.seconds(self.frames[-1].stamp_ns) + 1 / self.fps

    def seconds(self, stamp_ns: int) -> float:
        """Return a stamp as seconds since the first image."""
        return (stamp_ns - self.begin_ns) / _SECOND_NS


@dataclass(frozen=True)
class Recording:
    """All clips of one run.

    Attributes
    ----------
    clips : tuple of ClipRecording
    labels : tuple of str
        The classifier's labels in the order of `Gesture.probabilities`.
    system : dict of str to str
        Machine, date, versions and models, as shown in the report.
    """

    clips: tuple[ClipRecording, ...]
    labels: tuple[str, ...]
    system: dict[str, str] = field(default_factory=dict)


class GestureSpan(NamedTuple):
    """One gesture of one hand from its start to its end, seconds since the first image."""

    label: str
    hand_id: str
    handedness: Handedness
    start_s: float
    end_s: float


class HandTrack(NamedTuple):
    """When a hand was in view: (first, last) pairs in seconds since the first image."""

    hand_id: str
    handedness: Handedness
    seen_s: list[tuple[float, float]]


class Spread(NamedTuple):
    """Percentiles of a set of times; `size` 0 leaves them 0."""

    size: int
    p50_ms: float
    p95_ms: float
    largest_ms: float


def gesture_spans(clip: ClipRecording) -> list[GestureSpan]:
    """Return the gestures of a clip in order of their start; one cut off ends with the clip."""
    running: dict[str, GestureEvent] = {}
    spans = []
    for event in (recorded.event for recorded in clip.events):
        if event.phase is Phase.STARTED:
            running[event.hand_id] = event
        elif event.phase is Phase.ENDED and event.hand_id in running:
            del running[event.hand_id]
            spans.append(_make_span(clip, event, clip.seconds(event.stamp_ns)))
    spans += [_make_span(clip, event, clip.duration_s) for event in running.values()]
    return sorted(spans, key=lambda span: (span.start_s, span.hand_id))


def _make_span(clip: ClipRecording, event: GestureEvent, end_s: float) -> GestureSpan:
    return GestureSpan(
        event.label, event.hand_id, event.handedness, clip.seconds(event.start_ns), end_s
    )


def hand_tracks(clip: ClipRecording, *, largest_gap_s: float = 0.25) -> list[HandTrack]:
    """Return when each hand was in view, in order of appearance, over gaps up to that long."""
    tracks: dict[str, HandTrack] = {}
    votes: dict[str, list[Handedness]] = {}
    for frame in clip.frames:
        now_s = clip.seconds(frame.stamp_ns)
        for hand in frame.hands or ():
            seen_s = tracks.setdefault(
                hand.track_id, HandTrack(hand.track_id, hand.handedness, [])
            ).seen_s
            votes.setdefault(hand.track_id, []).append(hand.handedness)
            if seen_s and now_s - seen_s[-1][1] <= largest_gap_s:
                seen_s[-1] = (seen_s[-1][0], now_s)
            else:
                seen_s.append((now_s, now_s))
    return [
        track._replace(handedness=max(votes[name], key=votes[name].count))
        for name, track in tracks.items()
    ]


def active_events(clip: ClipRecording, stamp_ns: int) -> dict[str, GestureEvent]:
    """Return the events that last at the image of this stamp, by hand id."""
    active: dict[str, GestureEvent] = {}
    for event in (recorded.event for recorded in clip.events):
        if event.stamp_ns > stamp_ns:
            continue
        if event.phase is Phase.ENDED:
            active.pop(event.hand_id, None)
        else:
            active[event.hand_id] = event
    return active


def latencies_ms(clips: Iterable[ClipRecording]) -> list[float]:
    """Return image-to-gestures latencies of all processed images."""
    return [
        frame.gestures_latency_ms
        for clip in clips
        for frame in clip.frames
        if frame.gestures_latency_ms is not None
    ]


def spread(values_ms: Sequence[float]) -> Spread:
    """Return the median, 95th percentile and maximum of times."""
    if not values_ms:
        return Spread(0, 0.0, 0.0, 0.0)
    p50, p95 = np.percentile(values_ms, [50, 95])
    return Spread(len(values_ms), float(p50), float(p95), float(max(values_ms)))

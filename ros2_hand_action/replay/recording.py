"""What the nodes answered to a clip, image by image."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
    hands_latency_ms, gestures_latency_ms, bodies_latency_ms : float or None
        From the image's stamp to the arrival of the answer at the recorder; None where no clock
        ran, as in a deterministic replay.
    body_ids : dict of str to str
        Hand id -> body id, for the hands whose body is known.
    """

    index: int
    stamp_ns: int
    hands: tuple[Hand, ...] | None = None
    gestures: tuple[Gesture, ...] | None = None
    hands_latency_ms: float | None = None
    gestures_latency_ms: float | None = None
    bodies: tuple[Body, ...] | None = None
    actions: tuple[Action, ...] | None = None
    bodies_latency_ms: float | None = None
    body_ids: dict[str, str] = field(default_factory=dict)

    @property
    def is_processed(self) -> bool:
        """Whether the gestures of this image were answered."""
        return self.gestures is not None


@dataclass(frozen=True)
class RecordedEvent:
    """An event and the time from its image's stamp to its arrival at the recorder, if known."""

    event: GestureEvent
    latency_ms: float | None = None


@dataclass(frozen=True)
class RecordedActionEvent:
    """As RecordedEvent."""

    event: ActionEvent
    latency_ms: float | None = None


@dataclass(frozen=True)
class StageLatency:
    """A node's own account of where one message's time went, from its diagnostics."""

    node: str
    stage: str
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Selection:
    """Which part of a bag, video or folder is played.

    Attributes
    ----------
    image_topic, info_topic, depth_topic : str
        Of a bag; '' takes the only one of its type, or the camera_info and registered depth that
        belong to the images.
    start_s, duration_s : float
        Seconds of the bag or video that are left out, and that are played then; inf is all.
    """

    image_topic: str = ''
    info_topic: str = ''
    depth_topic: str = ''
    start_s: float = 0.0
    duration_s: float = math.inf


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
    frames : sequence of RecordedFrame
        All images that were published, in order; of a replay, in a file and read on demand.
    events : tuple of RecordedEvent
        In order of arrival.
    action_events : tuple of RecordedActionEvent
        In order of arrival.
    stages : tuple of StageLatency
    selection : Selection
        Which part and topics of the file were played.
    problems : tuple of str
        What could not be used, and where time jumped.
    damage : str
        Why the file could not be read to its end; '' if it could. All before was played.
    labels, action_labels : tuple of str
        In the order of `Gesture.probabilities` and `Action.probabilities`.
    models : dict of str to str
        Node -> its model and back end.
    """

    name: str
    shows: str
    source: str
    licence: str
    video: Path
    width_px: int
    height_px: int
    fps: float
    frames: Sequence[RecordedFrame]
    events: tuple[RecordedEvent, ...] = ()
    stages: tuple[StageLatency, ...] = ()
    action_events: tuple[RecordedActionEvent, ...] = ()
    selection: Selection = Selection()
    problems: tuple[str, ...] = ()
    damage: str = ''
    labels: tuple[str, ...] = ()
    action_labels: tuple[str, ...] = ()
    models: dict[str, str] = field(default_factory=dict)

    @cached_property
    def begin_ns(self) -> int:
        """Stamp of the first image; 0 without any."""
        return self.frames[0].stamp_ns if self.frames else 0

    @cached_property
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
    action_labels : tuple of str
        In the order of `Action.probabilities`.
    """

    clips: tuple[ClipRecording, ...]
    labels: tuple[str, ...]
    system: dict[str, str] = field(default_factory=dict)
    action_labels: tuple[str, ...] = ()


class Spread(NamedTuple):
    """Percentiles of a set of times; `size` 0 leaves them 0."""

    size: int
    p50_ms: float
    p95_ms: float
    largest_ms: float


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

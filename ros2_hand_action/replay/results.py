"""A recording as JSON: `docs/demo.md` describes every field."""

import math
from typing import Any

import numpy as np

from ros2_hand_action.perception.records import Gesture, GestureEvent, Hand, Phase
from ros2_hand_action.replay.recording import (
    ClipRecording,
    RecordedEvent,
    RecordedFrame,
    Recording,
    latencies_ms,
    spread,
)

FORMAT = 1
"""Raised when a field changes its meaning or goes."""


def make_results(recording: Recording) -> dict[str, Any]:
    """Return the content of results.json: no NaN, unknown is null."""
    return {
        'format': FORMAT,
        'system': dict(recording.system),
        'labels': list(recording.labels),
        'summary': summarise(recording.clips),
        'clips': [_clip(clip, recording.labels) for clip in recording.clips],
    }


def summarise(clips: tuple[ClipRecording, ...]) -> dict[str, Any]:
    """Return counts and latencies over some clips."""
    frames = [frame for clip in clips for frame in clip.frames]
    events = [recorded for clip in clips for recorded in clip.events]
    hands_ms = [f.hands_latency_ms for f in frames if f.hands_latency_ms is not None]
    return {
        'frames': len(frames),
        'processed': sum(frame.is_processed for frame in frames),
        'dropped': sum(not frame.is_processed for frame in frames),
        'events': {
            phase.name: sum(recorded.event.phase is phase for recorded in events)
            for phase in Phase
        },
        'image_to_hands_ms': _spread(hands_ms),
        'image_to_gestures_ms': _spread(latencies_ms(clips)),
        'image_to_event_ms': _spread([recorded.latency_ms for recorded in events]),
    }


def _spread(values_ms: list[float]) -> dict[str, Any] | None:
    if not values_ms:
        return None
    found = spread(values_ms)
    return {
        'p50': round(found.p50_ms, 2),
        'p95': round(found.p95_ms, 2),
        'max': round(found.largest_ms, 2),
    }


def _clip(clip: ClipRecording, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        'name': clip.name,
        'shows': clip.shows,
        'source': clip.source,
        'licence': clip.licence,
        'width_px': clip.width_px,
        'height_px': clip.height_px,
        'fps': round(clip.fps, 3),
        'duration_s': round(clip.duration_s, 3),
        'summary': summarise((clip,)),
        'stages_ms': [
            {
                'node': stage.node,
                'stage': stage.stage,
                'p50': _number(stage.p50_ms, 2),
                'p95': _number(stage.p95_ms, 2),
            }
            for stage in clip.stages
        ],
        'events': [_event(recorded, clip) for recorded in clip.events],
        'frames': [_frame(frame, clip, labels) for frame in clip.frames],
    }


def _event(recorded: RecordedEvent, clip: ClipRecording) -> dict[str, Any]:
    event: GestureEvent = recorded.event
    return {
        'phase': event.phase.name,
        'label': event.label,
        'hand_id': event.hand_id,
        'body_id': event.body_id,
        'handedness': event.handedness.name,
        'score': _number(event.score, 4),
        'start_ns': event.start_ns,
        'stamp_ns': event.stamp_ns,
        'start_s': round(clip.seconds(event.start_ns), 3),
        'time_s': round(clip.seconds(event.stamp_ns), 3),
        'duration_s': round(event.duration_ns / 1e9, 3),
        'latency_ms': _number(recorded.latency_ms, 2),
    }


def _frame(
    frame: RecordedFrame, clip: ClipRecording, labels: tuple[str, ...]
) -> dict[str, Any]:
    gestures = {gesture.hand_id: gesture for gesture in frame.gestures or ()}
    hands = frame.hands
    return {
        'index': frame.index,
        'stamp_ns': frame.stamp_ns,
        'time_s': round(clip.seconds(frame.stamp_ns), 3),
        'processed': frame.is_processed,
        'hands_latency_ms': _number(frame.hands_latency_ms, 2),
        'gestures_latency_ms': _number(frame.gestures_latency_ms, 2),
        'hands': None if hands is None else [
            _hand(hand, gestures.get(hand.track_id), labels) for hand in hands
        ],
    }


def _hand(hand: Hand, gesture: Gesture | None, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        'id': hand.track_id,
        'handedness': hand.handedness.name,
        'handedness_score': _number(hand.handedness_score, 4),
        'score': _number(hand.score, 4),
        'presence': _number(hand.presence, 4),
        'box_px': _numbers(hand.box_px, 1),
        'landmarks_px': [_numbers(point, 1) for point in hand.landmarks_px],
        'gesture': None if gesture is None else {
            'label': gesture.label,
            'score': _number(gesture.score, 4),
            'probabilities': dict(
                zip(labels, _numbers(gesture.probabilities, 4), strict=False)
            ),
        },
    }


def _numbers(values: np.ndarray, digits: int) -> list[float | None]:
    return [_number(value, digits) for value in values.tolist()]


def _number(value: float | None, digits: int) -> float | None:
    """Return a number that JSON has."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)

"""A recording as JSON: `docs/replay.md` describes every field."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.records import Action, Body, Gesture, Hand, Phase
from ros2_hand_action.replay.recording import (
    ClipRecording,
    RecordedActionEvent,
    RecordedEvent,
    RecordedFrame,
    Recording,
    spread,
)

FORMAT = 2
"""Raised when a field changes its meaning or goes."""


def make_results(recording: Recording) -> dict[str, Any]:
    """Return the content of results.json: no NaN, unknown is null."""
    clips = [
        {**_clip(clip), 'frames': list(_frames(clip, recording))} for clip in recording.clips
    ]
    return {**_head(recording), 'clips': clips}


def write_results(recording: Recording, path: Path) -> None:
    """Write results.json, an image in a line, without holding all of it; replaced as a whole.

    Raises
    ------
    MediaError
        If the file cannot be written.
    """
    part = path.with_name(f'.{path.name}.part')
    try:
        with part.open('w', encoding='utf-8') as file:
            _write(recording, file)
        part.replace(path)
    except OSError as error:
        raise MediaError(f'cannot write {str(path)!r}: {error}') from error
    finally:
        part.unlink(missing_ok=True)


def summarise(clips: tuple[ClipRecording, ...]) -> dict[str, Any]:
    """Return counts and latencies over some clips."""
    events = [recorded for clip in clips for recorded in clip.events]
    action_events = [recorded for clip in clips for recorded in clip.action_events]
    total = processed = 0
    latencies: dict[str, list[float]] = {'hands': [], 'gestures': [], 'bodies': []}
    for frame in (frame for clip in clips for frame in clip.frames):
        total += 1
        processed += frame.is_processed
        for kind, known_ms in latencies.items():
            latency_ms = getattr(frame, f'{kind}_latency_ms')
            if latency_ms is not None:
                known_ms.append(latency_ms)
    return {
        'frames': total,
        'processed': processed,
        'dropped': total - processed,
        'events': _count_phases(events),
        'action_events': _count_phases(action_events),
        **{f'image_to_{kind}_ms': _spread(known_ms) for kind, known_ms in latencies.items()},
        'image_to_event_ms': _spread(
            [recorded.latency_ms for recorded in events if recorded.latency_ms is not None]
        ),
    }


def _write(recording: Recording, file: TextIO) -> None:
    file.write(f'{_open_object(_head(recording))}, "clips": [')
    for place, clip in enumerate(recording.clips):
        file.write(f'{"," if place else ""}\n{_open_object(_clip(clip))}, "frames": [')
        for number, frame in enumerate(_frames(clip, recording)):
            file.write(f'{"," if number else ""}\n{json.dumps(frame, allow_nan=False)}')
        file.write('\n]}')
    file.write('\n]}\n')


def _open_object(content: dict[str, Any]) -> str:
    """Return an object in JSON without its closing brace."""
    return json.dumps(content, allow_nan=False)[:-1]


def _head(recording: Recording) -> dict[str, Any]:
    return {
        'format': FORMAT,
        'system': dict(recording.system),
        'labels': list(recording.labels),
        'action_labels': list(recording.action_labels),
        'summary': summarise(recording.clips),
    }


def _count_phases(
    recorded: Iterable[RecordedEvent] | Iterable[RecordedActionEvent]
) -> dict[str, int]:
    phases = [each.event.phase for each in recorded]
    return {phase.name: phases.count(phase) for phase in Phase}


def _spread(values_ms: list[float]) -> dict[str, Any] | None:
    if not values_ms:
        return None
    found = spread(values_ms)
    return {
        'p50': round(found.p50_ms, 2),
        'p95': round(found.p95_ms, 2),
        'max': round(found.largest_ms, 2),
    }


def _clip(clip: ClipRecording) -> dict[str, Any]:
    return {
        'name': clip.name,
        'shows': clip.shows,
        'source': clip.source,
        'licence': clip.licence,
        'image_topic': clip.selection.image_topic,
        'info_topic': clip.selection.info_topic,
        'depth_topic': clip.selection.depth_topic,
        'width_px': clip.width_px,
        'height_px': clip.height_px,
        'fps': round(clip.fps, 3),
        'begin_ns': clip.begin_ns,
        'duration_s': round(clip.duration_s, 3),
        'damage': clip.damage,
        'problems': list(clip.problems),
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
        'action_events': [_action_event(recorded, clip) for recorded in clip.action_events],
    }


def _event(recorded: RecordedEvent, clip: ClipRecording) -> dict[str, Any]:
    event = recorded.event
    return {
        'phase': event.phase.name,
        'label': event.label,
        'hand_id': event.hand_id,
        'body_id': event.body_id,
        'handedness': event.handedness.name,
        **_event_times(recorded, clip),
    }


def _action_event(recorded: RecordedActionEvent, clip: ClipRecording) -> dict[str, Any]:
    event = recorded.event
    return {
        'phase': event.phase.name,
        'label': event.label,
        'body_id': event.body_id,
        **_event_times(recorded, clip),
    }


def _event_times(
    recorded: RecordedEvent | RecordedActionEvent, clip: ClipRecording
) -> dict[str, Any]:
    event = recorded.event
    return {
        'score': _number(event.score, 4),
        'start_ns': event.start_ns,
        'stamp_ns': event.stamp_ns,
        'start_s': round(clip.seconds(event.start_ns), 3),
        'time_s': round(clip.seconds(event.stamp_ns), 3),
        'duration_s': round(event.duration_ns / 1e9, 3),
        'latency_ms': _number(recorded.latency_ms, 2),
    }


def _frames(clip: ClipRecording, recording: Recording) -> Iterator[dict[str, Any]]:
    return (_frame(frame, clip, recording) for frame in clip.frames)


def _frame(frame: RecordedFrame, clip: ClipRecording, recording: Recording) -> dict[str, Any]:
    gestures = {gesture.hand_id: gesture for gesture in frame.gestures or ()}
    hands, bodies, actions = frame.hands, frame.bodies, frame.actions
    return {
        'index': frame.index,
        'stamp_ns': frame.stamp_ns,
        'time_s': round(clip.seconds(frame.stamp_ns), 3),
        'processed': frame.is_processed,
        'hands_latency_ms': _number(frame.hands_latency_ms, 2),
        'gestures_latency_ms': _number(frame.gestures_latency_ms, 2),
        'bodies_latency_ms': _number(frame.bodies_latency_ms, 2),
        'hands': None if hands is None else [
            {
                **_hand(hand, gestures.get(hand.track_id), recording.labels),
                'body_id': frame.body_ids.get(hand.track_id, ''),
            }
            for hand in hands
        ],
        'bodies': None if bodies is None else [_body(body) for body in bodies],
        'actions': None if actions is None else [
            _action(action, recording.action_labels) for action in actions
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
            'probabilities': _probabilities(gesture.probabilities, labels),
        },
    }


def _body(body: Body) -> dict[str, Any]:
    return {
        'id': body.track_id,
        'score': _number(body.score, 4),
        'box_px': _numbers(body.box_px, 1),
        'keypoints_px': [_numbers(point, 1) for point in body.keypoints_px],
        'confidence': _numbers(body.confidence, 3),
        'keypoints_m': [_numbers(point, 3) for point in body.keypoints_m],
    }


def _action(action: Action, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        'body_id': action.body_id,
        'label': action.label,
        'score': _number(action.score, 4),
        'probabilities': _probabilities(action.probabilities, labels),
        'clip_start_ns': action.clip_start_ns,
        'clip_end_ns': action.clip_end_ns,
    }


def _probabilities(values: np.ndarray, labels: tuple[str, ...]) -> dict[str, float | None]:
    return dict(zip(labels, _numbers(values, 4), strict=False))


def _numbers(values: np.ndarray, digits: int) -> list[float | None]:
    return [_number(value, digits) for value in values.tolist()]


def _number(value: float | None, digits: int) -> float | None:
    """Return a number that JSON has."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)

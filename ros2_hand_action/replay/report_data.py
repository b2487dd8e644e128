"""What the script of report.html needs: for each clip its images' answers, as JSON."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ros2_hand_action.perception.body_drawing import limb_side
from ros2_hand_action.perception.labels import NONE, OTHER
from ros2_hand_action.perception.records import Action, Body, Gesture, Hand
from ros2_hand_action.perception.skeleton import INDEX, LIMBS
from ros2_hand_action.replay.digest import Digest
from ros2_hand_action.replay.history import Known, all_events, side
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame

_MARGIN_M = 0.25
_SMALLEST_SPAN_M = 2.0
_DEFAULT_RANGE_M = {'x': (-1.0, 1.0), 'y': (-1.0, 1.0), 'z': (0.0, 4.0)}

def clip_data(
    found: Digest,
    stills: Iterable[tuple[float, str]],
    check_stamps_ns: Iterable[int],
    *,
    start_s: float = 0.0,
) -> dict[str, Any]:
    """Return the data of one clip.

    Parameters
    ----------
    found : Digest
    stills : iterable of (float, str)
        Times in seconds, and JPEGs in base64.
    check_stamps_ns : iterable of int
        Where to halt, besides events.
    start_s : float
        Where the play head stands first.
    """
    clip, samples = found.clip, found.samples
    stops_ns = {event.stamp_ns for event in all_events(clip)} | set(check_stamps_ns)
    return {
        'name': clip.name.replace('_', ' '),
        'duration': round(found.duration_s, 3),
        'start': round(start_s, 3),
        'range': find_range_m([body for _, known in samples for body in known.bodies]),
        'samples': [_sample(clip, frame, known) for frame, known in samples],
        'stops': sorted({time_of(clip, stamp_ns) for stamp_ns in stops_ns}),
        'stills': [{'t': round(time_s, 3), 'jpeg': jpeg} for time_s, jpeg in sorted(stills)],
    }


def time_of(clip: ClipRecording, stamp_ns: int) -> float:
    """Return a stamp in seconds since the clip's first image, as the script compares it."""
    return round(clip.seconds(stamp_ns), 3)


def to_script(clips: Sequence[dict[str, Any]]) -> str:
    """Return the data as JSON that can stand inside a script element."""
    limbs = [(first, second, limb_side(first, second)) for first, second in LIMBS]
    data = {'limbs': limbs, 'clips': clips}
    text = json.dumps(data, allow_nan=False, separators=(',', ':'))
    return text.replace('<', '\\u003c')  # no name may end the element


def find_range_m(bodies: Sequence[Body]) -> dict[str, tuple[float, float]]:
    """Return (lowest, highest) of x, y and z that show the bodies, but for the odd outlier."""
    points = [body.keypoints_m[np.isfinite(body.keypoints_m).all(axis=1)] for body in bodies]
    known = np.concatenate(points) if points else np.empty((0, 3))
    if not len(known):
        return dict(_DEFAULT_RANGE_M)
    low, high = np.percentile(known, (1, 99), axis=0)
    middle = (low + high) / 2
    half = np.maximum((high - low) / 2 + _MARGIN_M, _SMALLEST_SPAN_M / 2)
    limits = np.stack([middle - half, middle + half], axis=1).round(2)
    return {axis: (float(a), float(b)) for axis, (a, b) in zip('xyz', limits, strict=True)}


def _sample(clip: ClipRecording, frame: RecordedFrame, known: Known) -> dict[str, Any]:
    sample: dict[str, Any] = {'t': time_of(clip, frame.stamp_ns)}
    if known.of_hands:
        gestures = {gesture.hand_id: gesture for gesture in known.gestures}
        sample['hands'] = [
            {'id': hand.track_id, 'text': _describe_hand(hand, gestures.get(hand.track_id))}
            for hand in known.hands
        ]
    if known.of_bodies:
        actions = {action.body_id: action for action in known.actions}
        sample['bodies'] = [
            {
                'id': body.track_id,
                'text': _describe_body(body, actions.get(body.track_id)),
                'points': _points_mm(body),
            }
            for body in known.bodies
        ]
    return sample


def _describe_hand(hand: Hand, gesture: Gesture | None) -> str:
    known = gesture is not None and gesture.label != NONE
    shows = f'{gesture.label} {gesture.score:.0%}' if gesture and known else 'no known gesture'
    return f'{side(hand.handedness)} hand: {shows}'.strip()


def _describe_body(body: Body, action: Action | None) -> str:
    distance_m = float(body.keypoints_m[INDEX['pelvis'], 2])
    parts = ['person']
    if np.isfinite(distance_m):
        parts.append(f'{distance_m:.1f} m away')
    if action is not None and action.label != OTHER:
        parts.append(f'{action.label} {action.score:.0%}')
    return ', '.join(parts)


def _points_mm(body: Body) -> list[list[int] | None]:
    known = np.isfinite(body.keypoints_m).all(axis=1)
    points_mm = np.where(known[:, None], body.keypoints_m * 1000, 0).round().astype(int)
    return [
        point if is_known else None
        for point, is_known in zip(points_mm.tolist(), known.tolist(), strict=True)
    ]

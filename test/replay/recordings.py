"""Recordings made by code: what is in view when is written as text."""

from pathlib import Path

import numpy as np

from ros2_hand_action.perception.labels import GESTURES
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
from ros2_hand_action.replay.recording import (
    ClipRecording,
    RecordedActionEvent,
    RecordedEvent,
    RecordedFrame,
)

BEGIN_NS = 1_700_000_000 * 1_000_000_000
ACTIONS = ('walk', 'stand', 'fall_floor', 'other')


def stamp_ns(time_s):
    return BEGIN_NS + round(time_s * 1e9)


def make_hand(name, side=Handedness.RIGHT, *, shift_px=0.0):
    points = np.full((21, 3), 50 + shift_px, np.float32)
    return Hand(
        name, side, 0.9, np.array([40, 40, 60, 60], np.float32) + np.float32(shift_px), 0.8, 0.9,
        points, np.zeros((21, 3), np.float32),
    )


def make_body(name):
    return Body(
        name, 0.9, np.array([0, 0, 50, 90], np.float32), np.full((34, 2), 20, np.float32),
        np.ones(34, np.float32), np.full((34, 3), np.nan, np.float32),
    )


def make_gesture(name, label, side=Handedness.RIGHT):
    return Gesture(name, side, label, 0.9, np.full(len(GESTURES), 1 / 6, np.float32))


def make_frame(index, time_s, *, hands=None, bodies=None, actions=None, shift_px=0.0):
    """`hands` maps an id to its gesture, `actions` a body's id to its action."""
    return RecordedFrame(
        index, stamp_ns(time_s),
        hands=None if hands is None else tuple(
            make_hand(name, shift_px=shift_px) for name in hands),
        gestures=None if hands is None else tuple(
            make_gesture(name, label) for name, label in hands.items()),
        bodies=None if bodies is None else tuple(make_body(name) for name in bodies),
        actions=None if actions is None else tuple(
            Action(name, label, 0.9, np.full(4, 0.25, np.float32), 0, 0)
            for name, label in actions.items()),
    )  # fmt: skip


def gesture_event(time_s, phase='STARTED', label='stop', side='RIGHT', hand_id='h1', body_id=''):
    event = GestureEvent(
        Phase[phase], label, hand_id, body_id, Handedness[side], 0.9, stamp_ns(time_s),
        stamp_ns(time_s),
    )
    return RecordedEvent(event)


def action_event(time_s, phase='STARTED', label='fall_floor', body_id='p1'):
    event = ActionEvent(
        Phase[phase], label, body_id, 0.9, stamp_ns(time_s), stamp_ns(time_s))
    return RecordedActionEvent(event)


def make_clip(frames, events=(), action_events=(), *, name='wave', action_labels=ACTIONS):
    return ClipRecording(
        name=name, shows='', source='wave.mcap', licence='', video=Path('wave.mcap'),
        width_px=640, height_px=480, fps=10.0, frames=tuple(frames), events=tuple(events),
        action_events=tuple(action_events), labels=GESTURES, action_labels=action_labels,
    )

"""A small recording made by code."""

import cv2
import numpy as np
import pytest

from ros2_hand_action.perception.labels import ACTIONS, GESTURES
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
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS
from ros2_hand_action.replay.recording import (
    ClipRecording,
    RecordedActionEvent,
    RecordedEvent,
    RecordedFrame,
    Recording,
    StageLatency,
)
from ros2_hand_action.replay.video import VideoWriter

MS = 1_000_000
BEGIN_NS = 1_700_000_000 * 1_000_000_000
WIDTH_PX, HEIGHT_PX, FPS, COUNT = 160, 120, 10.0, 20


def make_hand(track_id, x):
    steps = np.linspace(0, 40, 21)
    landmarks = np.stack([x + steps, 40 + steps, 0 * steps], axis=1).astype(np.float32)
    return Hand(
        track_id=track_id, handedness=Handedness.LEFT, handedness_score=0.9,
        box_px=np.array([x, 40, x + 40, 80], np.float32), score=0.8, presence=0.9,
        landmarks_px=landmarks, landmarks_m=np.full((21, 3), np.nan, np.float32),
    )


def make_gesture(track_id, label):
    probabilities = np.full(len(GESTURES), 0.02, np.float32)
    probabilities[GESTURES.index(label)] = 0.9
    return Gesture(track_id, Handedness.LEFT, label, 0.9, probabilities)


def make_event(phase, stamp_ms, *, label='stop', hand_id='h1', start_ms=300):
    return RecordedEvent(
        GestureEvent(
            phase=phase, label=label, hand_id=hand_id, body_id='', handedness=Handedness.LEFT,
            score=0.9, start_ns=BEGIN_NS + start_ms * MS, stamp_ns=BEGIN_NS + stamp_ms * MS,
        ),
        latency_ms=20.0,
    )


def write_clip(path):
    """A grey level per image, so that images can be told apart."""
    with VideoWriter(path, width_px=WIDTH_PX, height_px=HEIGHT_PX, fps=FPS) as writer:
        for index in range(COUNT):
            writer.write(np.full((HEIGHT_PX, WIDTH_PX, 3), 10 * index, np.uint8))
    return path


def make_frames():
    # h1 is in view from 0.2 s to 1.5 s, every fifth image is left out, h2 flashes up at 1.7 s.
    frames = []
    for index in range(COUNT):
        stamp_ns = BEGIN_NS + index * 100 * MS
        if index % 5 == 4:
            frames.append(RecordedFrame(index, stamp_ns))
            continue
        names = ['h1'] if 2 <= index <= 15 else ['h2'] if index == 17 else []
        hands = tuple(make_hand(name, 30) for name in names)
        gestures = tuple(make_gesture(name, 'stop') for name in names)
        frames.append(RecordedFrame(index, stamp_ns, hands, gestures, 10.0 + index, 12.0 + index))
    return tuple(frames)


@pytest.fixture
def clip(tmp_path):
    return ClipRecording(
        name='a_clip', shows='a hand', source='pypi somewhere 1.0', licence='MIT',
        video=write_clip(tmp_path / 'source.mp4'), width_px=WIDTH_PX, height_px=HEIGHT_PX,
        fps=FPS, frames=make_frames(),
        events=(
            make_event(Phase.STARTED, 500), make_event(Phase.HELD, 1000),
            make_event(Phase.ENDED, 1600),
        ),
        stages=(StageLatency('hand_detector', 'inferring', 5.0, 9.0),),
    )


def make_body(track_id, x_m, z_m=4.0):
    """A stick figure 1.7 m tall: the centre line, shoulders and hips, the rest unknown."""
    places = {
        'nose': (0, -0.7), 'neck': (0, -0.5), 'torso': (0, -0.25), 'pelvis': (0, 0),
        'left_shoulder': (0.2, -0.5), 'right_shoulder': (-0.2, -0.5), 'left_hip': (0.1, 0),
        'right_hip': (-0.1, 0), 'left_knee': (0.1, 0.5), 'right_knee': (-0.1, 0.5),
        'left_ankle': (0.1, 0.9), 'right_ankle': (-0.1, 0.9), 'left_elbow': (0.3, -0.3),
        'right_elbow': (-0.3, -0.3), 'left_wrist': (0.3, 0), 'right_wrist': (-0.3, 0),
    }
    points_m = np.full((len(KEYPOINTS), 3), np.nan, np.float32)
    for name, (x, y) in places.items():
        points_m[INDEX[name]] = (x_m + x, y, z_m)
    points_px = points_m[:, :2] / z_m * 100 + (WIDTH_PX / 2, HEIGHT_PX / 2)
    box_px = np.array([*np.nanmin(points_px, axis=0), *np.nanmax(points_px, axis=0)], np.float32)
    confidence = np.where(np.isnan(points_m[:, 0]), 0, 0.9).astype(np.float32)
    return Body(track_id, 0.9, box_px, points_px.astype(np.float32), confidence, points_m)


def make_action(body_id, label, stamp_ns):
    probabilities = np.full(len(ACTIONS), 0.02, np.float32)
    probabilities[ACTIONS.index(label)] = 0.9
    return Action(body_id, label, 0.9, probabilities, stamp_ns - 1000 * MS, stamp_ns)


def make_people_frames():
    # p1 walks to the right from 0.3 s on; images 10 and 11 are left out.
    frames = []
    for index in range(COUNT):
        stamp_ns = BEGIN_NS + index * 100 * MS
        if index in (10, 11):
            frames.append(RecordedFrame(index, stamp_ns))
            continue
        bodies = (make_body('p1', 0.05 * index),) if index >= 3 else ()
        label = 'walk' if index >= 8 else 'other'
        frames.append(RecordedFrame(
            index, stamp_ns, (), (), 10.0, 12.0, bodies,
            tuple(make_action(body.track_id, label, stamp_ns) for body in bodies), 20.0 + index,
        ))
    return tuple(frames)


@pytest.fixture
def body_at():
    return make_body


@pytest.fixture
def people_clip(tmp_path):
    """A person who walks."""
    events = (
        ActionEvent(phase, 'walk', 'p1', 0.9, BEGIN_NS + 800 * MS, BEGIN_NS + stamp_ms * MS)
        for phase, stamp_ms in ((Phase.STARTED, 900), (Phase.ENDED, 1900))
    )
    return ClipRecording(
        name='people', shows='a person', source='pypi somewhere 1.0', licence='MIT',
        video=write_clip(tmp_path / 'people.mp4'), width_px=WIDTH_PX, height_px=HEIGHT_PX,
        fps=FPS, frames=make_people_frames(), action_labels=ACTIONS,
        action_events=tuple(RecordedActionEvent(event, 30.0) for event in events),
    )


@pytest.fixture
def silent_clip(tmp_path):
    """A clip in which nothing was answered."""
    frames = tuple(
        RecordedFrame(index, BEGIN_NS + index * 100 * MS) for index in range(COUNT)
    )
    return ClipRecording(
        name='silent', shows='nothing', source='pypi somewhere 1.0', licence='MIT',
        video=write_clip(tmp_path / 'silent.mp4'), width_px=WIDTH_PX, height_px=HEIGHT_PX,
        fps=FPS, frames=frames,
    )


@pytest.fixture
def recording(clip):
    return Recording((clip,), GESTURES, {'date': '2020-01-01', 'machine': 'a <machine> & more'})


@pytest.fixture
def read_video():
    """Return a function from a video's path to its images."""

    def read(path):
        capture = cv2.VideoCapture(str(path))
        images = []
        while True:
            found, image = capture.read()
            if not found:
                return images
            images.append(image)

    return read

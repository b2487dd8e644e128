"""Actions in a replay: time, events, and what a recogniser is given."""

import numpy as np
import pytest
from recordings import make_body

from ros2_hand_action.perception.action_recognition import make_action
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.action_stage import ActionStage

PERIOD_NS = 50_000_000
LABELS = ('walk', 'fall_floor', 'other')


class WalkingRecognizer:
    """Says that everybody walks."""

    labels = LABELS
    description = 'stand-in'

    def __init__(self):
        self.resets = 0
        self.closed = False

    def process(self, bodies, *, stamp_ns, frame=None):
        probabilities = np.array([0.9, 0.0, 0.1], np.float32)
        return tuple(
            make_action(
                body.track_id, probabilities, LABELS, clip_start_ns=0, clip_end_ns=stamp_ns
            )
            for body in bodies
        )

    def reset(self):
        self.resets += 1

    def close(self):
        self.closed = True


@pytest.fixture
def recognizer(monkeypatch):
    made = WalkingRecognizer()
    monkeypatch.setattr(
        'ros2_hand_action.replay.action_stage.create_action_recognizer', lambda *_: made
    )
    return made


def play(stage, count, *, begin_ns=PERIOD_NS):
    bodies = (make_body('p1'),)
    pixels = np.zeros((8, 8), np.uint8)
    return [
        stage.process(Frame(pixels, PixelOrder.MONO, begin_ns + index * PERIOD_NS), bodies)
        for index in range(count)
    ]


def changes(results):
    return [
        event.phase for result in results for event in result.events
        if event.phase is not Phase.HELD
    ]


def test_an_action_starts_and_ends_with_the_stream(recognizer):
    stage = ActionStage({})
    results = play(stage, 20)
    assert [result.actions[0].label for result in results] == ['walk'] * 20
    assert changes(results) == [Phase.STARTED]
    (ended,) = stage.reset()
    assert (ended.phase, ended.label, ended.stamp_ns) == (Phase.ENDED, 'walk', 20 * PERIOD_NS)
    assert recognizer.resets == 1
    stage.close()
    assert recognizer.closed


def test_a_camera_that_freezes_ends_actions(recognizer):
    stage = ActionStage({'actions_timeout_s': 0.3})
    play(stage, 10)
    (first, *_) = play(stage, 5, begin_ns=10 * PERIOD_NS + 400_000_000)
    assert first.events[0].phase is Phase.ENDED


def test_parameters_of_events(recognizer):
    assert changes(play(ActionStage({'start_threshold': 0.95}), 20)) == []

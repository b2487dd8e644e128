import numpy as np
import pytest

from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.perception.records import Action, Body, Gesture, Hand, Handedness
from ros2_hand_action.replay.agreement import find_agreement
from ros2_hand_action.replay.recording import RecordedFrame

NOTHING = np.zeros(0, np.float32)


def hand(x):
    box = np.array([x, 0, x + 10, 10], np.float32)
    return Hand('h1', Handedness.LEFT, 1.0, box, 0.9, 0.9, NOTHING, NOTHING)


def gesture(label):
    return Gesture('h1', Handedness.LEFT, label, 0.9, NOTHING)


def frame(**answers):
    return RecordedFrame(0, 0, **answers)


def test_gestures_agree_where_the_winning_label_is_the_same():
    before = [frame(gestures=(gesture('ok'), gesture('stop'))), frame(gestures=(gesture('ok'),))]
    after = [frame(gestures=(gesture('ok'), gesture('two'))), frame(gestures=(gesture('ok'),))]
    found = find_agreement(load_models()['gesture_head'], before, after)
    assert (found.same, found.of) == (2, 3)
    assert 'gestures' in found.what


@pytest.mark.parametrize('name', ['palm_detection_full', 'hand_landmark_full'])
def test_hands_agree_where_boxes_overlap(name):
    """Of 4 hands 1 is found by both, 1 by the first only, 2 by the other only."""
    before = [frame(hands=(hand(0), hand(100))), frame(hands=())]
    after = [frame(hands=(hand(2), hand(110))), frame(hands=(hand(50),))]
    found = find_agreement(load_models()[name], before, after)
    assert (found.same, found.of) == (1, 4)
    assert 'hands' in found.what


def test_bodies_and_actions():
    body = Body('p1', 0.9, np.array([0, 0, 9, 9], np.float32), NOTHING, NOTHING, NOTHING)
    pose = load_models()['pose_detection']
    assert find_agreement(pose, [frame(bodies=(body,))], [frame(bodies=(body,))]).same == 1
    actions = [
        [frame(actions=None), frame(actions=(Action('p1', label, 0.5, NOTHING, 0, 0),))]
        for label in ('walk', 'run')
    ]
    found = find_agreement(load_models()['action_pose'], *actions)
    assert (found.same, found.of) == (0, 1)
    assert 'actions' in found.what


def test_nothing_found_by_either_is_no_agreement():
    found = find_agreement(load_models()['palm_detection_full'], [frame(hands=())], [frame()])
    assert (found.same, found.of) == (0, 0)
    assert found.format() == 'no hands were found, in fp32 or int8'

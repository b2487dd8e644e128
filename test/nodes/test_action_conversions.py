import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.msg import ActionArray
from ros2_hand_action.msg import ActionEvent as ActionEventMessage
from ros2_hand_action.nodes.action_conversions import (
    action_event_from_message,
    action_event_to_message,
    actions_from_message,
    actions_to_message,
)
from ros2_hand_action.nodes.conversions import stamp_from_ns
from ros2_hand_action.perception.records import Action, ActionEvent, Phase

STAMP_NS = 1_700_000_000_123_456_789


def sent(message):
    return deserialize_message(serialize_message(message), type(message))


def test_actions_come_back_as_they_were():
    action = Action(
        body_id='p3', label='walk', score=0.75,
        probabilities=np.array([0.75, 0.25], np.float32),
        clip_start_ns=STAMP_NS - 1_200_000_000, clip_end_ns=STAMP_NS,
    )
    header = Header(stamp=stamp_from_ns(STAMP_NS), frame_id='camera')
    message = sent(actions_to_message([action], header, ('walk', 'other')))
    assert message.header == header
    assert message.labels == ['walk', 'other']
    (found,) = actions_from_message(message)
    np.testing.assert_array_equal(found.probabilities, action.probabilities)
    for name in ('body_id', 'label', 'score', 'clip_start_ns', 'clip_end_ns'):
        assert getattr(found, name) == getattr(action, name), name


def test_nobody_is_an_empty_message():
    message = actions_to_message([], Header(), ('walk',))
    assert message == ActionArray(labels=['walk'])
    assert actions_from_message(message) == ()


@pytest.mark.parametrize('phase', Phase)
def test_events_come_back_as_they_were(phase):
    event = ActionEvent(
        phase=phase, label='fall_floor', body_id='', score=0.5,
        start_ns=STAMP_NS - 2_345_678_901, stamp_ns=STAMP_NS,
    )
    message = sent(action_event_to_message(event, 'camera'))
    assert message.header.frame_id == 'camera'
    assert (message.duration.sec, message.duration.nanosec) == (2, 345_678_901)
    assert action_event_from_message(message) == event


def test_unknown_phase_is_refused():
    with pytest.raises(HandActionError, match='phase 7'):
        action_event_from_message(ActionEventMessage(phase=7))

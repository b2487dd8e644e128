"""The messages of a results bag are those that the nodes publish."""

from dataclasses import replace

import numpy as np
import pytest
from people import make_body
from rclpy.serialization import deserialize_message
from std_msgs.msg import Header

from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.body_conversions import bodies_to_message
from ros2_hand_action.nodes.conversions import event_to_message, stamp_from_ns
from ros2_hand_action.nodes.transforms import body_transforms
from ros2_hand_action.nodes.wire import write_gestures, write_hands
from ros2_hand_action.perception.frames import body_frames
from ros2_hand_action.perception.records import Gesture, GestureEvent, Handedness, Phase
from ros2_hand_action.replay.results_bag import TOPICS
from ros2_hand_action.replay.results_messages import MessageHeader, MessageWriter

STAMP_NS = 1_700_000_000_123_456_789
HEADER = Header(stamp=stamp_from_ns(STAMP_NS), frame_id='optical')
OURS = MessageHeader(STAMP_NS, 'optical')


@pytest.fixture(scope='module')
def writer():
    return MessageWriter()


def assert_holds(made, message):
    """As text: NaN differs from itself, and rclpy leaves the bytes between values as they are."""
    assert str(deserialize_message(made, type(message))) == str(message)


def test_hands(writer, hand):
    hands, ids = (hand, replace(hand, track_id='h22')), {'h1': 'p1'}
    made = writer.hands(hands, OURS, image_size=(640, 480), body_ids=ids)
    assert made == write_hands(hands, HEADER, width_px=640, height_px=480, body_ids=ids)


def test_gestures(writer):
    probabilities = np.array([0.1, 0.7, 0.2], np.float32)
    gestures = (Gesture('h1', Handedness.LEFT, 'stop', 0.7, probabilities),)
    labels, ids = ('fist', 'stop', 'none'), {'h1': 'p1'}
    made = writer.gestures(gestures, OURS, labels=labels, body_ids=ids)
    assert made == write_gestures(gestures, HEADER, labels=labels, body_ids=ids)


def test_bodies_and_their_frames(writer):
    bodies = (make_body(),)
    made = writer.bodies(bodies, OURS, image_size=(640, 480))
    message = bodies_to_message(bodies, HEADER, width_px=640, height_px=480)
    assert_holds(made, message)
    assert_holds(writer.frames(body_frames(bodies), OURS), body_transforms(bodies, HEADER))


def test_events(writer):
    event = GestureEvent(
        Phase.ENDED, 'stop', 'h1', 'p1', Handedness.RIGHT, 0.75, STAMP_NS - 10**9, STAMP_NS
    )
    made = writer.gesture_event(event, 'optical')
    assert_holds(made, event_to_message(event, 'optical'))


def test_topics_are_those_of_the_nodes():
    profiles = {
        'hands': (topics.HANDS, topics.RESULTS_QOS),
        'gestures': (topics.GESTURES, topics.RESULTS_QOS),
        'gesture_events': (topics.GESTURE_EVENTS, topics.EVENTS_QOS),
        'bodies': (topics.BODIES, topics.RESULTS_QOS),
        'actions': (topics.ACTIONS, topics.RESULTS_QOS),
        'action_events': (topics.ACTION_EVENTS, topics.EVENTS_QOS),
        'tf': (topics.TF, topics.TF_QOS),
    }
    for kind, topic in TOPICS.items():
        name, qos = profiles[kind]
        assert (topic.name.lstrip('/'), topic.depth) == (name.lstrip('/'), qos.depth)

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message
from std_msgs.msg import Header

from ros2_hand_action.msg import GestureArray, GestureEvent, HandArray
from ros2_hand_action.nodes.conversions import stamp_from_ns, stamp_to_ns
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.wire import write_hands
from ros2_hand_action.perception.records import Gesture

MS = 1_000_000
NAME = '/gesture_classifier'
STARTED, HELD, ENDED = GestureEvent.STARTED, GestureEvent.HELD, GestureEvent.ENDED


class StandInClassifier:
    """Sees a fist in every hand."""

    labels = ('fist', 'none')
    description = 'stand-in'
    takes_image = False

    def classify(self, hands, frame):
        certain = np.array([1.0, 0.0], np.float32)
        return tuple(Gesture(h.track_id, h.handedness, 'fist', 1.0, certain) for h in hands)

    def close(self):
        pass


@pytest.fixture
def start(start_nodes, probe, monkeypatch):
    """Start the node with a stand-in; returns it, the sender of hands, and what comes back."""
    monkeypatch.setattr(
        'ros2_hand_action.nodes.gesture_classifier.create_gesture_classifier',
        lambda *_: StandInClassifier(),
    )

    def start(**parameters):
        node = start_nodes(GestureClassifierNode, **parameters)
        gestures = probe.listen(GestureArray, 'gestures')
        events = probe.listen(GestureEvent, 'gesture_events')
        publisher = probe.publisher(HandArray, 'hands')
        probe.connect(node)
        return node, publisher, gestures, events

    return start


@pytest.fixture
def make_hands(hand):
    def make(stamp_ms: int, *, present: bool = True, body_id: str = '') -> HandArray:
        header = Header(stamp=stamp_from_ns(stamp_ms * MS), frame_id='camera')
        hands = (hand,) if present else ()
        written = write_hands(hands, header, width_px=640, height_px=480)
        message = deserialize_message(written, HandArray)
        for each in message.hands:
            each.body_id = body_id
        return message

    return make


def send(probe, publisher, gestures, messages) -> None:
    """Send one after the other, each when the last one is answered: nothing is dropped."""
    for message in messages:
        before = len(gestures)
        publisher.publish(message)
        probe.wait(lambda before=before: len(gestures) > before, 'an answer')


def test_every_hands_message_is_answered_also_an_empty_one(start, probe, make_hands):
    _, publisher, gestures, _ = start()
    send(probe, publisher, gestures, [
        make_hands(1000, body_id='b4'), make_hands(1100, present=False),
    ])
    assert [stamp_to_ns(message.header.stamp) for message in gestures] == [1000 * MS, 1100 * MS]
    assert gestures[0].header.frame_id == 'camera'
    assert gestures[0].labels == gestures[1].labels == ['fist', 'none']
    (gesture,) = gestures[0].gestures
    assert (gesture.hand_id, gesture.body_id, gesture.label) == ('h1', 'b4', 'fist')
    assert gestures[1].gestures == []


def test_events_begin_go_on_and_end_by_the_stamps(start, probe, make_hands):
    _, publisher, gestures, events = start(held_interval_s=0.2, hands_timeout_s=60.0)
    send(probe, publisher, gestures, [make_hands(ms) for ms in range(1000, 1500, 50)])
    send(probe, publisher, gestures, [
        make_hands(ms, present=False) for ms in range(1500, 1800, 50)
    ])
    probe.wait(lambda: events and events[-1].phase == ENDED, 'the end')
    assert [event.phase for event in events] == [STARTED, HELD, ENDED]
    assert {stamp_to_ns(event.start) for event in events} == {1000 * MS}
    assert [event.label for event in events] == ['fist'] * 3
    for event in events:
        assert event.duration.nanosec == stamp_to_ns(event.header.stamp) - 1000 * MS
        assert event.header.frame_id == 'camera'


def started(probe, publisher, gestures, events, make_hands) -> None:
    send(probe, publisher, gestures, [make_hands(ms) for ms in range(1000, 1300, 50)])
    probe.wait(lambda: [event.phase for event in events] == [STARTED], 'the start')


def test_gestures_end_when_hands_stop_coming(start, probe, make_hands):
    _, publisher, gestures, events = start(hands_timeout_s=2.0)
    started(probe, publisher, gestures, events, make_hands)
    probe.wait(lambda: len(events) == 2, 'the end')  # nothing is sent: the camera froze
    assert events[1].phase == ENDED
    assert stamp_to_ns(events[1].header.stamp) == 1250 * MS


def test_gestures_end_when_time_goes_back(start, probe, make_hands):
    _, publisher, gestures, events = start(hands_timeout_s=60.0)
    started(probe, publisher, gestures, events, make_hands)
    send(probe, publisher, gestures, [make_hands(500)])
    probe.wait(lambda: len(events) == 2, 'the end')
    assert events[1].phase == ENDED
    assert stamp_to_ns(events[1].header.stamp) == 1250 * MS


@pytest.mark.parametrize('transition', ['deactivate', 'shutdown'])
def test_gestures_end_when_the_node_does(start, probe, make_hands, transition):
    node, publisher, gestures, events = start(hands_timeout_s=60.0)
    started(probe, publisher, gestures, events, make_hands)
    node.executor.create_task(getattr(node, f'trigger_{transition}'))
    probe.wait(lambda: len(events) == 2, 'the end')
    assert events[1].phase == ENDED


def test_thresholds_change_while_running_and_end_what_lasts(start, probe, make_hands):
    node, publisher, gestures, events = start(hands_timeout_s=60.0)
    started(probe, publisher, gestures, events, make_hands)
    task = node.executor.create_task(
        node.set_parameters, [Parameter('minimum_hold_s', value=10.0)]
    )
    probe.wait(task.done, 'the change')
    assert task.result()[0].successful
    probe.wait(lambda: len(events) == 2, 'the end')
    send(probe, publisher, gestures, [make_hands(ms) for ms in range(1300, 1700, 50)])
    assert len(events) == 2  # not held for ten seconds


def test_thresholds_that_contradict_each_other_are_refused(start, probe):
    node, *_ = start()
    result = node.set_parameters([Parameter('end_threshold', value=0.9)])[0]
    assert not result.successful
    assert 'end_threshold 0.9 and start_threshold 0.6' in result.reason
    assert node.value('end_threshold') == 0.4


def test_thresholds_that_contradict_each_other_at_the_start_are_reported(start_nodes, probe):
    start_nodes(GestureClassifierNode, start_threshold=0.3)
    status = probe.wait(lambda: probe.status(NAME), 'diagnostics')
    assert status.level == DiagnosticStatus.ERROR
    assert 'end_threshold 0.4 and start_threshold 0.3' in status.message


def test_hands_without_id_are_refused_and_the_next_answered(start, probe, make_hands):
    _, publisher, gestures, _ = start()
    bad = make_hands(1000)
    bad.hands[0].id = ''
    publisher.publish(bad)
    probe.wait_for_value(NAME, 'rejected', '1')
    send(probe, publisher, gestures, [make_hands(1100)])
    assert 'hand id' in probe.values(NAME)['last error']


def test_without_hands_it_says_which_node_sends_them(start_nodes, probe, monkeypatch, capfd):
    monkeypatch.setattr(
        'ros2_hand_action.nodes.gesture_classifier.create_gesture_classifier',
        lambda *_: StandInClassifier(),
    )
    start_nodes(GestureClassifierNode, input_timeout_s=0.3)
    logged = ''

    def told() -> bool:
        nonlocal logged
        logged += capfd.readouterr().err
        return 'nobody publishes' in logged

    probe.wait(told, 'an error in the log')
    assert 'No topic carries ros2_hand_action/msg/HandArray: start hand_detector' in logged

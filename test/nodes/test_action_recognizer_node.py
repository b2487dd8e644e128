"""action_recognizer: stand-in recognisers, real messages."""

import threading

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from people import make_body
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import model_path
from ros2_hand_action.msg import ActionArray, ActionEvent, BodyPoseArray
from ros2_hand_action.nodes.action_conversions import actions_from_message
from ros2_hand_action.nodes.action_recognizer import ActionRecognizerNode
from ros2_hand_action.nodes.body_conversions import bodies_to_message
from ros2_hand_action.nodes.conversions import stamp_from_ns, stamp_to_ns
from ros2_hand_action.perception.action_recognition import make_action
from ros2_hand_action.perception.class_groups import load_class_groups
from ros2_hand_action.perception.image_clips import ImageClipRecognizer

MS = 1_000_000
NAME = '/action_recognizer'
STARTED, HELD, ENDED = ActionEvent.STARTED, ActionEvent.HELD, ActionEvent.ENDED
LABELS = ('walk', 'fall_floor', 'other')
CREATE = 'ros2_hand_action.nodes.action_recognizer.create_action_recognizer'


class StandInRecognizer:
    """Says of everybody what `label` says."""

    labels = LABELS
    needs_frame = False
    description = 'stand-in'

    def __init__(self) -> None:
        self.label = 'walk'
        self.resets = 0

    def process(self, bodies, *, stamp_ns, frame=None):
        row = np.array([label == self.label for label in LABELS], np.float32)
        return tuple(
            make_action(body.track_id, row, LABELS, clip_start_ns=stamp_ns - 1000 * MS,
                        clip_end_ns=stamp_ns)
            for body in bodies
        )

    def reset(self):
        self.resets += 1

    def close(self):
        pass


@pytest.fixture
def recognizer(monkeypatch):
    recognizer = StandInRecognizer()
    monkeypatch.setattr(CREATE, lambda *_: recognizer)
    return recognizer


@pytest.fixture
def start(start_nodes, probe):
    """Start the node; returns it, and lists of the actions and events that come back."""
    def start(**parameters):
        node = start_nodes(
            ActionRecognizerNode, **{'actions_timeout_s': 60.0, **parameters}
        )
        actions = probe.listen(ActionArray, 'actions')
        events = probe.listen(ActionEvent, 'action_events')
        return node, actions, events

    return start


def make_lying(track_id):
    up = make_body(track_id)
    return make_body(
        track_id, keypoints_px=up.keypoints_px[:, ::-1], keypoints_m=up.keypoints_m[:, [1, 0, 2]]
    )


def bodies_message(stamp_ms, *ids, lie=False) -> BodyPoseArray:
    header = Header(stamp=stamp_from_ns(stamp_ms * MS), frame_id='camera')
    bodies = tuple(make_lying(track_id) if lie else make_body(track_id) for track_id in ids)
    return bodies_to_message(bodies, header, width_px=64, height_px=48)


class Scene:
    """Publishes bodies one message after the other, each when the last one is answered."""

    def __init__(self, probe, node, actions) -> None:
        self._probe, self._actions = probe, actions
        self._publisher = probe.publisher(BodyPoseArray, 'bodies')
        probe.connect(node)

    def show(self, stamps_ms, *ids, lie=False) -> ActionArray:
        for stamp_ms in stamps_ms:
            before = len(self._actions)
            self._publisher.publish(bodies_message(stamp_ms, *ids, lie=lie))
            self._probe.wait(lambda before=before: len(self._actions) > before, 'an answer')
        return self._actions[-1]


def test_every_message_of_bodies_is_answered_also_an_empty_one(recognizer, start, probe):
    node, actions, _ = start()
    scene = Scene(probe, node, actions)
    message = scene.show([1000], 'p1', 'p2')
    assert stamp_to_ns(message.header.stamp) == 1000 * MS
    assert message.header.frame_id == 'camera'
    assert message.labels == list(LABELS)
    found = actions_from_message(message)
    assert [(action.body_id, action.label) for action in found] == [('p1', 'walk'), ('p2', 'walk')]
    assert found[0].clip_end_ns - found[0].clip_start_ns == 1000 * MS
    assert scene.show([1100]).actions == []


def test_events_begin_go_on_and_end(recognizer, start, probe):
    node, actions, events = start(held_interval_s=0.3)
    scene = Scene(probe, node, actions)
    scene.show(range(1000, 1700, 50), 'p1')
    recognizer.label = 'other'
    scene.show(range(1700, 2800, 50), 'p1')
    probe.wait(lambda: events and events[-1].phase == ENDED, 'the end')
    assert events[0].phase == STARTED
    assert {event.phase for event in events[1:-1]} == {HELD}
    assert {(event.label, event.body_id) for event in events} == {('walk', 'p1')}
    assert {stamp_to_ns(event.start) for event in events} == {1000 * MS}


def fall(recognizer, scene, probe, events):
    recognizer.label = 'fall_floor'
    scene.show(range(800, 1000, 50), 'p1')
    scene.show(range(1000, 1500, 50), 'p1', lie=True)
    probe.wait(lambda: [event.phase for event in events] == [STARTED], 'the fall')


def test_somebody_who_stays_up_has_not_fallen(recognizer, start, probe):
    node, actions, events = start()
    scene = Scene(probe, node, actions)
    recognizer.label = 'fall_floor'
    scene.show(range(800, 2000, 50), 'p1')
    recognizer.label = 'walk'
    scene.show(range(2000, 2500, 50), 'p1')
    probe.wait(lambda: events, 'the walk')
    assert {event.label for event in events} == {'walk'}


def test_fall_stays_when_the_person_is_lost_and_the_camera_freezes(recognizer, start, probe):
    node, actions, events = start(actions_timeout_s=0.2)
    scene = Scene(probe, node, actions)
    fall(recognizer, scene, probe, events)
    scene.show(range(1500, 3000, 100))
    probe.wait_for_value(NAME, 'actions that last', 'p1 fall_floor')
    assert ENDED not in {event.phase for event in events}


def call(probe, node):
    client = probe.node.create_client(Trigger, 'acknowledge_fall')
    probe.wait(client.service_is_ready, 'the service')
    future = client.call_async(Trigger.Request())
    probe.wait(future.done, 'an answer of the service')
    return future.result()


def test_fall_ends_when_somebody_acknowledges_it(recognizer, start, probe):
    node, actions, events = start()
    scene = Scene(probe, node, actions)
    fall(recognizer, scene, probe, events)
    answer = call(probe, node)
    assert (answer.success, answer.message) == (True, 'acknowledged: p1')
    probe.wait(lambda: events[-1].phase == ENDED, 'the end')
    again = call(probe, node)
    assert (again.success, again.message) == (False, 'there is no fall')


def test_other_actions_end_when_bodies_stop_coming(recognizer, start, probe, capfd):
    node, actions, events = start(actions_timeout_s=1.0)
    Scene(probe, node, actions).show(range(1000, 1500, 50), 'p1')
    probe.wait(lambda: [event.phase for event in events][-1:] == [ENDED], 'the end')
    assert 'ended walk' in capfd.readouterr().err


@pytest.mark.parametrize('transition', ['deactivate', 'shutdown'])
def test_actions_and_falls_end_when_the_node_does(recognizer, start, probe, transition):
    node, actions, events = start()
    fall(recognizer, Scene(probe, node, actions), probe, events)
    node.executor.create_task(getattr(node, f'trigger_{transition}'))
    probe.wait(lambda: events[-1].phase == ENDED, 'the end')


def test_time_that_goes_back_begins_anew(recognizer, start, probe):
    node, actions, events = start()
    scene = Scene(probe, node, actions)
    scene.show(range(1000, 1500, 50), 'p1')
    scene.show([500], 'p1')
    probe.wait(lambda: [event.phase for event in events] == [STARTED, ENDED], 'the end')
    assert recognizer.resets == 1


def test_thresholds_change_while_running(recognizer, start, probe):
    node, actions, events = start()
    scene = Scene(probe, node, actions)
    task = node.executor.create_task(
        node.set_parameters, [Parameter('minimum_hold_s', value=10.0)]
    )
    probe.wait(task.done, 'the change')
    assert task.result()[0].successful
    scene.show(range(1000, 1500, 50), 'p1')
    assert events == []
    result = node.set_parameters([Parameter('end_threshold', value=0.9)])[0]
    assert not result.successful
    assert 'end_threshold 0.9' in result.reason


def test_bodies_without_id_are_left_out(recognizer, start, probe):
    node, actions, _ = start()
    scene = Scene(probe, node, actions)
    bad = bodies_message(1000, 'p1')
    bad.bodies[0].id = ''
    scene._publisher.publish(bad)
    probe.wait_for_value(NAME, 'rejected', '1')
    assert scene.show([1100], 'p1').actions


@pytest.mark.parametrize(('parameters', 'message'), [
    ({'recognizer': 'i3d', 'i3d_images': 20}, 'images is 20'),
    ({'recognizer': 'action_recognition_net', 'labels': 'a,a'}, "labels is 'a,a'"),
    ({'recognizer': 'action_recognition_net', 'model': '/no/net.onnx'}, '/no/net.onnx'),
    ({'recognizer': 'pose', 'model': 'no_such_model'}, 'no_such_model'),
])
def test_bad_parameters_are_told(start_nodes, probe, parameters, message):
    start_nodes(ActionRecognizerNode, **parameters)
    status = probe.wait(lambda: probe.status(NAME), 'diagnostics')
    assert status.level == DiagnosticStatus.ERROR
    assert message in status.message


class StandInNetwork:
    """Says 'walk' of bright clips, 'other' of dark ones; waits while `gate` is closed."""

    labels = LABELS
    images = 3
    step_ns = 100 * MS
    description = 'stand-in'

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.sizes: list[tuple[int, ...]] = []

    def classify(self, clips):
        if not self.gate.wait(120):
            raise ModelError('the test has forgotten to open the gate')
        self.sizes = [clip[0].shape for clip in clips]
        bright = np.array([np.mean(clip) / 255 for clip in clips], np.float32)
        return np.stack([bright, 0 * bright, 1 - bright], axis=1)

    def close(self):
        pass


@pytest.fixture
def network(monkeypatch):
    network = StandInNetwork()
    monkeypatch.setattr(CREATE, lambda options, _: ImageClipRecognizer(network, options.clips))
    return network


class Camera:
    """Publishes images; each is taken before the next one is sent."""

    def __init__(self, probe, node, make_image) -> None:
        self._probe, self._node, self._make_image = probe, node, make_image
        self._images = probe.publisher(Image, 'image')
        probe.connect(node)

    def show(self, stamps_ms, value=255) -> None:
        for stamp_ms in stamps_ms:
            before = self._node.stream.statistics.answered.count
            self._images.publish(self._make_image(stamp_ms * MS, value=value))
            self._probe.wait(
                lambda before=before: self._node.stream.statistics.answered.count > before,
                f'image {stamp_ms} taken',
            )


def test_whole_image_where_nobody_publishes_bodies(network, start, probe, make_image):
    node, actions, events = start(recognizer='i3d', rate_hz=60.0)
    camera = Camera(probe, node, make_image)
    probe.wait(lambda: node._recognizer._is_whole, 'the whole image')
    for stamp_ms in range(1000, 2000, 100):
        before = len(actions)
        camera.show([stamp_ms])
        probe.wait(lambda before=before: len(actions) > before, 'an answer')
    assert actions[0].actions == []  # the clip is not full enough
    (action,) = actions[-1].actions
    assert (action.body_id, action.label) == ('', 'walk')
    assert stamp_to_ns(actions[-1].header.stamp) == stamp_to_ns(action.clip_end) == 1900 * MS
    assert stamp_to_ns(action.clip_start) == 1700 * MS
    probe.wait(lambda: events, 'the event')
    assert (events[0].body_id, events[0].label) == ('', 'walk')
    key = 'clips inferring p50 (ms)'
    probe.wait(lambda: probe.values(NAME).get(key) not in (None, 'unknown'), key)


def test_people_are_cut_out_where_there_are_bodies(network, start, probe, make_image):
    node, actions, _ = start(recognizer='i3d', rate_hz=60.0, view='person')
    bodies = probe.publisher(BodyPoseArray, 'bodies')
    camera = Camera(probe, node, make_image)
    probe.connect(node)
    for stamp_ms in range(1000, 1600, 100):
        bodies.publish(bodies_message(stamp_ms, 'p7'))
        probe.wait(lambda ns=stamp_ms * MS: node._bodies._stamp_ns == ns, 'bodies taken')
        camera.show([stamp_ms])
    found = probe.wait(
        lambda: [action for message in actions for action in message.actions], 'an action', 60
    )
    assert found[0].body_id == 'p7'
    assert network.sizes[0] != (48, 64, 3)


def test_slow_network_keeps_no_image_waiting(network, start, probe, make_image):
    node, actions, _ = start(recognizer='i3d', rate_hz=60.0, view='image')
    camera = Camera(probe, node, make_image)
    network.gate.clear()
    camera.show(range(1000, 2000, 100))  # all taken, while the network is at its first clip
    waited = len([message for message in actions if message.actions])
    network.gate.set()
    probe.wait(
        lambda: actions and stamp_to_ns(actions[-1].header.stamp) == 1900 * MS, 'the newest clip'
    )
    assert waited == 0
    assert len([message for message in actions if message.actions]) <= 2  # first and newest


def test_clips_are_recognised_no_more_often_than_stated(network, start, probe, make_image):
    node, actions, _ = start(recognizer='i3d', rate_hz=2.0, view='image')
    camera = Camera(probe, node, make_image)
    for stamp_ms in range(1000, 3500, 100):
        camera.show([stamp_ms])
        if stamp_ms % 500 == 0:
            probe.wait(
                lambda ns=stamp_ms * MS: actions
                and stamp_to_ns(actions[-1].header.stamp) == ns, f'the clip of {stamp_ms}',
            )
    assert [stamp_to_ns(message.header.stamp) // MS for message in actions] == [
        1000, 1500, 2000, 2500, 3000,
    ]


def test_clip_from_before_a_jump_in_time_is_dropped(network, start, probe, make_image):
    node, actions, _ = start(recognizer='i3d', rate_hz=60.0, view='image')
    camera = Camera(probe, node, make_image)
    camera.show(range(5000, 5300, 100))
    network.gate.clear()
    camera.show([5300])
    probe.wait(lambda: node._worker._job is None, 'the clip being worked on')
    camera.show([1000])
    network.gate.set()
    probe.wait(lambda: actions and stamp_to_ns(actions[-1].header.stamp) == 1000 * MS, 'the new')
    assert 5300 * MS not in {stamp_to_ns(message.header.stamp) for message in actions}


def test_node_ends_while_the_network_works(network, start, probe, make_image):
    node, _, _ = start(recognizer='i3d', rate_hz=60.0, view='image')
    camera = Camera(probe, node, make_image)
    network.gate.clear()
    camera.show(range(1000, 1500, 100))
    task = node.executor.create_task(node.trigger_deactivate)
    network.gate.set()
    probe.wait(task.done, 'the end')
    assert not node.is_active


def test_failing_network_is_told_and_the_next_clip_answered(network, start, probe, make_image):
    node, actions, _ = start(recognizer='i3d', rate_hz=60.0, view='image')
    camera = Camera(probe, node, make_image)
    classify = network.classify

    def fail(clips):
        network.classify = classify
        raise ModelError('made to fail')

    network.classify = fail
    camera.show(range(1000, 1300, 100))
    probe.wait(lambda: network.classify == classify, 'the failure')
    camera.show(range(1300, 1500, 100))
    probe.wait(lambda: actions and actions[-1].actions, 'an answer')
    assert 'made to fail' in node._worker.statistics.last_error


def test_real_i3d_names_what_the_camera_sees(start, probe, make_image):
    try:
        model_path('i3d_kinetics_400')
    except ModelError as error:
        pytest.skip(str(error))
    node, actions, _ = start(recognizer='i3d', rate_hz=2.0, view='image')
    camera = Camera(probe, node, make_image)
    camera.show(range(1000, 2600, 100))
    message = probe.wait(
        lambda: next((each for each in actions if each.actions), None), 'an action', 60
    )
    (action,) = message.actions
    assert sum(action.probabilities) == pytest.approx(1, abs=1e-4)
    assert message.labels == list(load_class_groups().labels)
    assert action.label in message.labels

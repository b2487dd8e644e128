import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image

from ros2_hand_action.errors import ModelError
from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode


class Manager:
    """Drives a node in its own thread.

    Not through its services: a request that is sent before both sides have discovered each other
    is lost (ros2/rmw_fastrtps#392).
    """

    def __init__(self, probe, node) -> None:
        self._probe = probe
        self._node = node

    def _do(self, method: str):
        task = self._node.executor.create_task(getattr(self._node, method))
        self._probe.wait(task.done, f'the end of {method}')
        return task.result()

    def change(self, transition: str) -> bool:
        return self._do(f'trigger_{transition}') is TransitionCallbackReturn.SUCCESS

    def state(self) -> int:
        return self._node._state_machine.current_state[0]


def test_waits_to_be_asked_without_autostart(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode, autostart=False)
    manager = Manager(probe, node)
    assert manager.state() == State.PRIMARY_STATE_UNCONFIGURED
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')

    assert manager.change('configure')
    assert manager.state() == State.PRIMARY_STATE_INACTIVE
    assert publisher.get_subscription_count() == 0  # costs nothing while inactive

    assert manager.change('activate')
    probe.connect(node)
    publisher.publish(make_image(1))
    probe.wait(lambda: hands, 'hands')

    assert manager.change('deactivate')
    probe.wait(lambda: publisher.get_subscription_count() == 0, 'no subscription')
    assert not tracker.closed
    assert manager.change('cleanup')
    assert tracker.closed
    assert manager.state() == State.PRIMARY_STATE_UNCONFIGURED


def test_can_be_started_again_after_cleanup(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode)
    manager = Manager(probe, node)
    probe.wait(lambda: node.is_active, 'an active detector')
    for transition in (
        'deactivate', 'cleanup',
        'configure', 'activate',
    ):
        assert manager.change(transition)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    assert probe.node.count_publishers('hands') == 1
    publisher.publish(make_image(1))
    probe.wait(lambda: hands, 'hands')


def test_shutdown_frees_the_model(start_nodes, probe, tracker):
    node = start_nodes(HandDetectorNode)
    manager = Manager(probe, node)
    probe.wait(lambda: node.is_active, 'an active detector')
    assert manager.change('shutdown')
    assert tracker.closed
    assert manager.state() == State.PRIMARY_STATE_FINALIZED


def test_missing_model_is_reported_and_can_be_put_right(
    start_nodes, probe, tracker, monkeypatch, capfd
):
    def fail(*_):
        raise ModelError("no model: fetch it with 'hand-action models fetch'")

    with monkeypatch.context() as patch:
        patch.setattr('ros2_hand_action.nodes.hand_detector.create_hand_tracker', fail)
        manager = Manager(probe, start_nodes(HandDetectorNode))
        status = probe.wait(
            lambda: (s := probe.status('/hand_detector')) and s.level != b'\0' and s,
            'an error in /diagnostics',
        )
        assert status.level == DiagnosticStatus.ERROR
        assert 'hand-action models fetch' in status.message
        assert manager.state() == State.PRIMARY_STATE_UNCONFIGURED
        assert not manager.change('configure')
    logged = capfd.readouterr().err
    assert logged.count('cannot configure: no model') == 2  # once for each attempt
    assert 'once that is put right: start it again' in logged
    assert 'Traceback' not in logged

    assert manager.change('configure')
    assert manager.change('activate')
    probe.wait(
        lambda: probe.status('/hand_detector').level == DiagnosticStatus.OK, 'an end of the error'
    )


@pytest.mark.parametrize(('node_class', 'create'), [
    (HandDetectorNode, 'hand_detector.create_hand_tracker'),
    (BodyPoseEstimatorNode, 'body_pose_estimator.create_body_pose_tracker'),
])
def test_ids_are_never_used_again_though_networks_are_loaded_anew(
    start_nodes, probe, monkeypatch, node_class, create
):
    given = []

    def take(_options, _session_options, numbers):
        given.append(next(numbers))
        raise ModelError('no networks here')

    monkeypatch.setattr(f'ros2_hand_action.nodes.{create}', take)
    node = start_nodes(node_class)
    manager = Manager(probe, node)
    probe.wait(lambda: given, 'the first attempt')
    assert not manager.change('configure')
    assert given == [1, 2]


def test_unforeseen_failure_is_reported_with_its_trace(start_nodes, probe, monkeypatch, capfd):
    def fail(*_):
        raise RuntimeError('boom')

    monkeypatch.setattr('ros2_hand_action.nodes.hand_detector.create_hand_tracker', fail)
    manager = Manager(probe, start_nodes(HandDetectorNode))
    probe.wait(
        lambda: (s := probe.status('/hand_detector')) and 'boom' in s.message, 'the error'
    )
    assert manager.state() == State.PRIMARY_STATE_UNCONFIGURED
    assert 'Traceback' in capfd.readouterr().err


def test_state_is_told_by_the_usual_service(start_nodes, probe, tracker):
    start_nodes(HandDetectorNode)
    client = probe.node.create_client(GetState, '/hand_detector/get_state')
    futures = []

    def answered() -> bool:  # asks anew, since an early request may be lost
        if client.service_is_ready() and len(futures) < 1000:
            futures.append(client.call_async(GetState.Request()))
        return any(
            future.done() and future.result().current_state.id == State.PRIMARY_STATE_ACTIVE
            for future in futures
        )

    probe.wait(answered, 'the state active')


def test_a_transition_that_the_state_does_not_allow_is_refused(start_nodes, probe, tracker, capfd):
    node = start_nodes(HandDetectorNode)
    probe.wait(lambda: node.is_active, 'an active detector')
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CLEANUP))
    answer = node._answer_change_state(request, ChangeState.Response())
    assert not answer.success
    assert node.is_active
    assert f'no transition {request.transition.id} while active' in capfd.readouterr().err

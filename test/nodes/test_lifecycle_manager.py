from types import SimpleNamespace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import State
from rclpy.parameter import Parameter

from ros2_hand_action.errors import ModelError
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.lifecycle_manager import LifecycleManagerNode
from ros2_hand_action.nodes.managed_node import ManagedNode
from ros2_hand_action.nodes.overlay import OverlayNode

MANAGED = 'hand_detector,overlay'
NAME = '/lifecycle_manager'


def wait_for_report(probe, level, text):
    return probe.wait(
        lambda: (s := probe.status(NAME)) and s.level == level and text in s.message and s,
        f'{text!r} in the report of the manager',
    )


def test_nodes_are_brought_up_in_order_and_down_again(start_nodes, probe, tracker, capfd):
    overlay = start_nodes(OverlayNode, autostart=False)
    detector = start_nodes(HandDetectorNode, autostart=False)
    manager = start_nodes(LifecycleManagerNode, nodes=MANAGED)
    order = []

    def note() -> bool:
        for node in (detector, overlay):
            if node.is_active and node.get_name() not in order:
                order.append(node.get_name())
        return len(order) == 2

    probe.wait(note, 'two active nodes')
    assert order == ['hand_detector', 'overlay']
    wait_for_report(probe, DiagnosticStatus.OK, 'all active')

    assert manager.set_parameters([Parameter('target', value='unconfigured')])[0].successful
    probe.wait(lambda: tracker.closed and not overlay.is_active, 'nodes that are down')
    wait_for_report(probe, DiagnosticStatus.OK, 'all unconfigured')


def test_a_change_is_told_at_once(start_nodes, probe, monkeypatch):
    """The next report was up to a second away: so much longer nobody knew that all are back."""
    monkeypatch.setattr('ros2_hand_action.nodes.base._DIAGNOSTICS_PERIOD_S', 3600.0)
    start_nodes(OverlayNode, autostart=False)
    manager = start_nodes(LifecycleManagerNode, nodes='overlay')
    wait_for_report(probe, DiagnosticStatus.OK, 'all active')
    assert manager.set_parameters([Parameter('target', value='inactive')])[0].successful
    wait_for_report(probe, DiagnosticStatus.OK, 'all inactive')


def test_a_node_that_comes_anew_is_brought_up_again(start_nodes, probe, tracker):
    manager = start_nodes(LifecycleManagerNode, nodes='hand_detector', answer_timeout_s=1.0)
    wait_for_report(probe, DiagnosticStatus.ERROR, 'no answer of hand_detector')
    first = start_nodes(HandDetectorNode, autostart=False)
    probe.wait(lambda: first.is_active, 'an active detector')
    first.executor.create_task(lambda: (first.trigger_deactivate(), first.trigger_cleanup()))
    probe.wait(lambda: tracker.closed, 'a detector as after its start')
    probe.wait(lambda: first.is_active, 'an active detector again')
    probe.wait_for_value(NAME, 'hand_detector brought up', '2')
    assert manager.is_active


def test_a_node_that_fails_is_tried_again_and_holds_up_no_other(
    start_nodes, probe, tracker, monkeypatch
):
    def fail(*_):
        raise ModelError('no model')

    with monkeypatch.context() as patch:
        patch.setattr('ros2_hand_action.nodes.hand_detector.create_hand_tracker', fail)
        detector = start_nodes(HandDetectorNode, autostart=False)
        overlay = start_nodes(OverlayNode, autostart=False)
        start_nodes(LifecycleManagerNode, nodes=MANAGED, retry_s=0.1)
        wait_for_report(probe, DiagnosticStatus.ERROR, 'hand_detector: cannot configure')
        probe.wait(lambda: overlay.is_active, 'an active overlay')
        assert not detector.is_active
    probe.wait(lambda: detector.is_active, 'an active detector')
    wait_for_report(probe, DiagnosticStatus.OK, 'all active')


def make_managed(answer, *, is_ready=True):
    """Return a managed node whose services answer so, at once or never."""
    client = SimpleNamespace(
        service_is_ready=lambda: is_ready, call_async=answer,
        remove_pending_request=lambda _: None,
    )
    return client, ManagedNode(SimpleNamespace(create_client=lambda *_: client), 'hand_detector')


def tell(state):
    found = SimpleNamespace(current_state=SimpleNamespace(id=state))
    return SimpleNamespace(done=lambda: True, result=lambda: found)


def test_a_node_is_asked_though_its_services_are_said_to_be_missing():
    """A dead namesake, half forgotten, once made the middleware say so for good."""
    _, managed = make_managed(lambda _: tell(State.PRIMARY_STATE_ACTIVE), is_ready=False)
    managed.look(0.0)
    managed.look(1.0)
    assert managed.state == State.PRIMARY_STATE_ACTIVE


class Silent:
    """Requests of which those that are `answered` get an answer, however late."""

    def __init__(self) -> None:
        self.asked, self.answered, self.forgotten = [], set(), []

    def __call__(self, _request):
        number = len(self.asked)
        future = SimpleNamespace(
            done=lambda: number in self.answered,
            result=tell(State.PRIMARY_STATE_ACTIVE).result,
        )
        self.asked.append(future)
        return future


def test_questions_go_on_and_a_late_answer_counts():
    """With longer and longer waits, a node that died came back only 10 s after it was there."""
    silent = Silent()
    client, managed = make_managed(silent)
    client.remove_pending_request = silent.forgotten.append
    for tenths in range(100):
        managed.look(tenths / 10)
    assert 25 <= len(silent.asked) <= 34
    assert silent.forgotten == silent.asked[:-10]
    asked = list(silent.asked)
    silent.answered = {len(asked) - 5}
    managed.look(10.0)
    assert managed.state == State.PRIMARY_STATE_ACTIVE and managed.silent_s(10.0) == 0.0
    assert silent.forgotten == asked[:-5]


@pytest.mark.parametrize(('state', 'is_told'), [
    (State.TRANSITION_STATE_CONFIGURING, True), (State.PRIMARY_STATE_UNCONFIGURED, True),
    (State.PRIMARY_STATE_INACTIVE, False),
])
def test_a_failure_is_told_until_the_node_has_come_on(state, is_told):
    """A look in the midst of the next try once hid the failure from every report."""
    client, managed = make_managed(lambda _: tell(State.PRIMARY_STATE_UNCONFIGURED))
    managed.look(0.0)
    managed.look(1.0)
    managed.failure = 'cannot configure'
    client.call_async = lambda _: tell(state)
    managed.look(2.0)
    managed.look(3.0)
    assert bool(managed.failure) is is_told


def test_a_refusal_of_what_has_been_done_meanwhile_is_no_failure():
    """A request that was taken for lost came twice; the refusal of the second cost `retry_s`."""
    client, managed = make_managed(lambda _: tell(State.PRIMARY_STATE_UNCONFIGURED))
    managed.look(0.0)
    managed.look(0.1)
    refusal = SimpleNamespace(done=lambda: False, result=lambda: SimpleNamespace(success=False))
    client.call_async = lambda _: refusal
    managed.step_towards(State.PRIMARY_STATE_ACTIVE, 0.2, retry_s=5.0)
    client.call_async = lambda _: tell(State.PRIMARY_STATE_INACTIVE)
    managed.look(0.4)
    managed.look(0.41)
    assert managed.state == State.PRIMARY_STATE_INACTIVE
    refusal.done = lambda: True
    managed.look(0.42)
    assert managed.failure == ''


def test_names_that_make_no_sense_are_refused(start_nodes, probe):
    start_nodes(LifecycleManagerNode, nodes='overlay,overlay')
    wait_for_report(probe, DiagnosticStatus.ERROR, "nodes is 'overlay,overlay': name other nodes")

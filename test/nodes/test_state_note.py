import json

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState

from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.state_note import StateNote

NAME = '/hand_detector'


@pytest.fixture
def clock(monkeypatch):
    """Return the one number that is the time."""
    now_s = [1000.0]
    monkeypatch.setattr('ros2_hand_action.nodes.state_note.time.monotonic', lambda: now_s[0])
    return now_s


def start_and_keep(path, state='active'):
    note = StateNote(str(path))
    note.keep(state)
    return note


def test_the_next_process_knows_what_the_last_one_was(tmp_path):
    first = start_and_keep(tmp_path / 'a', 'inactive')
    assert (first.restarts, first.wait_s) == (0, 0.0)
    second = StateNote(str(tmp_path / 'a'))
    assert (second.state, second.restarts) == ('inactive', 1)


def test_nothing_is_kept_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start_and_keep('')
    assert StateNote('').state == '' and not list(tmp_path.iterdir())


@pytest.mark.parametrize('content', [
    '', '{', '3', '[]', '{"state": "active"}', '\udcff',
    '{"state": "active", "restarts": "x", "starts_s": []}',
    '{"state": "active", "restarts": 1, "starts_s": 5}',
])
def test_a_file_that_was_cut_off_is_none(tmp_path, content):
    path = tmp_path / 'a'
    path.write_text(content, errors='surrogateescape')
    note = StateNote(str(path))
    assert (note.state, note.restarts, note.wait_s) == ('', 0, 0.0)


def test_a_state_that_nobody_goes_on_from_is_none(tmp_path):
    start_and_keep(tmp_path / 'a', 'finalized')
    assert StateNote(str(tmp_path / 'a')).state == ''


def test_who_dies_again_and_again_waits_longer_and_longer(tmp_path, clock):
    waits_s = []
    for _ in range(10):
        waits_s.append(start_and_keep(tmp_path / 'a').wait_s)
        clock[0] += 1.0
    assert waits_s == [0, 0, 0, 0, 2, 4, 8, 16, 30, 30]
    clock[0] += 60.0
    assert StateNote(str(tmp_path / 'a')).wait_s == 0


def test_starts_before_the_machine_did_do_not_count(tmp_path, clock):
    for _ in range(5):
        start_and_keep(tmp_path / 'a')
    clock[0] = 1.0
    assert StateNote(str(tmp_path / 'a')).wait_s == 0


def change(node, transition):
    """Ask as the service does."""
    request = ChangeState.Request(transition=Transition(id=transition))
    task = node.executor.create_task(node._answer_change_state, request, ChangeState.Response())
    return task


def test_a_node_goes_on_as_it_was_though_nobody_asks(start_nodes, probe, tracker, tmp_path):
    path = tmp_path / 'hand_detector.json'
    start_and_keep(path)
    node = start_nodes(HandDetectorNode, autostart=False, state_file=str(path))
    probe.wait(lambda: node.is_active, 'an active node')
    probe.wait_for_value(NAME, 'restarts', '1')


def test_a_node_that_was_started_again_gives_no_id_twice(start_nodes, probe, tracker, tmp_path):
    path = tmp_path / 'hand_detector.json'
    first = start_nodes(HandDetectorNode, state_file=str(path))
    assert next(first.track_numbers) == 1 and next(first.track_numbers) == 2
    second = start_nodes(HandDetectorNode, state_file=str(path))
    assert next(second.track_numbers) == 1_000_001


@pytest.mark.parametrize('state', ['inactive', 'unconfigured'])
def test_a_node_that_was_at_rest_stays_so_though_it_starts_by_itself(
    start_nodes, probe, tracker, tmp_path, state
):
    """A camera that was put to rest must not be opened because a process died."""
    path = tmp_path / 'hand_detector.json'
    start_and_keep(path, state)
    node = start_nodes(HandDetectorNode, state_file=str(path))
    probe.wait(lambda: (s := probe.status(NAME)) and s.message == state, f'the state {state}')
    assert not node.is_active


@pytest.mark.parametrize('autostart', [True, False])
def test_what_is_asked_for_is_kept(start_nodes, probe, tracker, tmp_path, autostart):
    path = tmp_path / 'hand_detector.json'
    node = start_nodes(HandDetectorNode, autostart=autostart, state_file=str(path))

    def kept() -> str:
        return str(json.loads(path.read_text())['state'])

    if not autostart:
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            probe.wait(change(node, transition).done, 'a transition')
    probe.wait(lambda: node.is_active and kept() == 'active', 'an active node')
    probe.wait(change(node, Transition.TRANSITION_DEACTIVATE).done, 'a transition')
    assert kept() == 'inactive'
    refused = change(node, Transition.TRANSITION_DEACTIVATE)
    probe.wait(refused.done, 'a refusal')
    assert not refused.result().success and kept() == 'inactive'


def test_a_node_that_dies_again_and_again_waits_and_says_so(
    start_nodes, probe, tracker, tmp_path, capfd
):
    path = tmp_path / 'hand_detector.json'
    for _ in range(8):
        start_and_keep(path)
    node = start_nodes(HandDetectorNode, state_file=str(path))
    status = probe.wait(
        lambda: (s := probe.status(NAME)) and s.level == DiagnosticStatus.ERROR and s, 'an error'
    )
    assert 'died again and again: waits 30 s' in status.message
    task = change(node, Transition.TRANSITION_CONFIGURE)
    probe.wait(task.done, 'a refusal')
    assert not task.result().success
    assert node._state_machine.current_state[0] == State.PRIMARY_STATE_UNCONFIGURED
    assert 'died again and again' in capfd.readouterr().err
    probe.wait_for_value(NAME, 'restarts', '8')


def test_a_file_that_cannot_be_written_is_told_and_keeps_nobody(
    start_nodes, probe, tmp_path, capfd
):
    node = start_nodes(OverlayNode, state_file=str(tmp_path / 'missing' / 'overlay.json'))
    probe.wait(lambda: node.is_active, 'an active node')
    assert 'the state is not kept' in capfd.readouterr().err

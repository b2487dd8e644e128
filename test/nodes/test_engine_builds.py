"""A node whose engine must be built first: it answers, tells how far that is, and then works."""

import sys

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.srv import GetState

from ros2_hand_action.errors import NotBuiltError
from ros2_hand_action.inference import onnxruntime_backend
from ros2_hand_action.nodes import engine_builds
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.lifecycle_manager import LifecycleManagerNode

NODE = '/gesture_classifier'
BUILDER = """
import sys, time
from pathlib import Path
go, engine = map(Path, sys.argv[1:])
print('[TRT] words of a library', flush=True)
print('40 Building', flush=True)
end_s = time.monotonic() + 60
while not go.exists():
    assert time.monotonic() < end_s
    time.sleep(0.02)
if go.read_text():
    sys.exit(go.read_text())
engine.touch()
"""


@pytest.fixture
def go(tmp_path, monkeypatch):
    """Return the file that lets the builder end: with success if empty, else with these words."""
    go, engine = tmp_path / 'go', tmp_path / 'engine'
    really_open = onnxruntime_backend.open_session

    def open_session(path, options):
        if not engine.exists():
            assert not options.build
            raise NotBuiltError(path, options.precision)
        return really_open(path, options)

    def build_command(missing):
        assert missing.network.name == 'gesture_head.onnx'
        return [sys.executable, '-c', BUILDER, str(go), str(engine)]

    monkeypatch.setattr(onnxruntime_backend, 'open_session', open_session)
    monkeypatch.setattr(engine_builds, 'build_command', build_command)
    return go


def wait_for_status(probe, level, text):
    return probe.wait(
        lambda: (status := probe.status(NODE)) and status.level == level
        and text in status.message and status, f'{text!r} on /diagnostics',
    )


def test_the_node_answers_meanwhile_and_works_afterwards(start_nodes, probe, go):
    node = start_nodes(GestureClassifierNode, backend='onnxruntime')
    wait_for_status(
        probe, DiagnosticStatus.WARN,
        'unconfigured: building the TensorRT engine of gesture_head: 40 % (Building)',
    )
    client = probe.node.create_client(GetState, f'{NODE}/get_state')
    assert client.wait_for_service(20.0)
    answer = client.call_async(GetState.Request())
    probe.wait(answer.done, 'the answer to get_state')
    assert answer.result().current_state.label == 'unconfigured'
    task = node.executor.create_task(node.trigger_configure)
    probe.wait(task.done, 'the refusal to configure')
    assert task.result().name == 'FAILURE'
    assert not node.is_active
    go.touch()
    probe.wait(lambda: node.is_active, 'an active node')
    assert not node._builds.current


def test_a_node_that_waits_to_be_asked_is_configured_by_who_asks(start_nodes, probe, go):
    node = start_nodes(GestureClassifierNode, backend='onnxruntime', autostart=False)
    asked = node.executor.create_task(node.trigger_configure)
    probe.wait(asked.done, 'the refusal')
    assert node._builds.current
    go.touch()
    probe.wait(lambda: not node._builds.current, 'the engine')
    assert not node._is_configured
    asked = node.executor.create_task(node.trigger_configure)
    probe.wait(asked.done, 'the answer')
    assert asked.result().name == 'SUCCESS'


def test_the_lifecycle_manager_brings_it_up_once_it_is_built(start_nodes, probe, go):
    node = start_nodes(GestureClassifierNode, backend='onnxruntime', autostart=False)
    start_nodes(LifecycleManagerNode, nodes='gesture_classifier', retry_s=0.1)
    wait_for_status(probe, DiagnosticStatus.WARN, 'unconfigured: building')
    go.touch()
    probe.wait(lambda: node.is_active, 'an active node')


def test_a_build_that_fails_is_told(start_nodes, probe, go):
    node = start_nodes(GestureClassifierNode, backend='onnxruntime')
    words = go.with_name('words')
    words.write_text('no memory for an engine')
    words.rename(go)  # whole at once
    wait_for_status(probe, DiagnosticStatus.ERROR, 'no memory for an engine (status 1)')
    assert 'gesture_head' in node.failure


def test_nothing_is_built_for_a_node_that_ended(start_nodes, probe, go):
    node = start_nodes(GestureClassifierNode, backend='onnxruntime')
    build = probe.wait(lambda: node._builds._build, 'a build')
    ended = node.executor.create_task(node.trigger_shutdown)
    probe.wait(ended.done, 'the end')
    assert build.is_done
    assert not node._builds.current


def test_the_command_builds_that_network(tmp_path):
    command = engine_builds.build_command(NotBuiltError(tmp_path / 'a.onnx', 'fp16'))
    assert command[0] == sys.executable
    assert command[2:] == [
        'ros2_hand_action.inference.tensorrt.build', str(tmp_path / 'a.onnx'), 'fp16'
    ]

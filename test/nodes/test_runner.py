import pytest
from rclpy.context import Context

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes import runner
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.runner import NodeGroup, run_node


def test_nobody_sees_nodes_of_a_group_that_is_closed(probe):
    """Their participant once lived on, with services that never answer."""
    def is_seen() -> bool:
        return 'overlay' in probe.node.get_node_names()

    with NodeGroup([OverlayNode], context=Context()):
        probe.wait(is_seen, 'the node')
    probe.wait(lambda: not is_seen(), 'the end of the node')


@pytest.mark.parametrize('is_respawned', [True, False])
def test_what_a_launch_starts_again_does_not_end_at_once(monkeypatch, is_respawned):
    """Or a wrong parameter starts a process every half second."""
    paused_s = []
    monkeypatch.setattr(runner.time, 'sleep', paused_s.append)
    monkeypatch.setattr(runner, 'run_nodes', _fail)
    if is_respawned:
        monkeypatch.setenv(runner.RESPAWN_VARIABLE, '1')
    else:
        monkeypatch.delenv(runner.RESPAWN_VARIABLE, raising=False)
    assert run_node(OverlayNode) == 1
    assert paused_s == ([5.0] if is_respawned else [])


def _fail(*_, **__):
    raise ConfigError('jpeg_quality out of range')


@pytest.mark.parametrize(('arguments', 'told'), [
    (['-p', 'jpeg_quality:=500'], 'overlay cannot start: .*jpeg_quality'),
    (['-p', 'jpeg_quality:=high'], 'overlay cannot start: .*jpeg_quality'),
    (['-r', 'a:=b c'], 'nodes cannot start: .*b c'),
])
def test_a_node_that_cannot_start_is_named(arguments, told):
    with pytest.raises(ConfigError, match=told):
        NodeGroup([OverlayNode], ros_arguments=['--ros-args', *arguments], context=Context())

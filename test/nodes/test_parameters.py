import pytest
from rclpy.parameter import Parameter

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.base import COMMON_PARAMETERS
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.gesture_commander import GestureCommanderNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.video_source import VideoSourceNode

NODES = (VideoSourceNode, HandDetectorNode, GestureClassifierNode, OverlayNode)


def set_one(node, name, value):
    return node.set_parameters([Parameter(name, value=value)])[0]


@pytest.mark.parametrize('node_class', NODES)
def test_every_parameter_is_described(node_class, start_nodes):
    node = start_nodes(node_class, autostart=False)
    for parameter in (*COMMON_PARAMETERS, *node_class.PARAMETERS):
        descriptor = node.describe_parameter(parameter.name)
        assert descriptor.description, parameter.name
        assert descriptor.additional_constraints, parameter.name
        number = not isinstance(parameter.default, (bool, str))
        ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
        assert len(ranges) == number, parameter.name
        if number:
            assert parameter.low <= parameter.default <= parameter.high


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('max_hands', 0, 'max_hands out of range. Min: 1, Max: 8, value: 0'),
        ('max_hands', 2.0, 'Wrong parameter type'),
        ('palm_threshold', 1.5, 'palm_threshold out of range'),
        ('palm_threshold', float('nan'), 'palm_threshold out of range'),
        ('model', 'huge', "model is 'huge': choose one of full, lite"),
        ('image_transport', 'h264', "image_transport is 'h264': choose one of auto, raw"),
        ('input_reliability', '', "input_reliability is ''"),
    ],
)
def test_bad_values_are_refused_with_a_reason(start_nodes, name, value, reason):
    node = start_nodes(HandDetectorNode, autostart=False)
    before = node.value(name)
    result = set_one(node, name, value)
    assert not result.successful
    assert reason in result.reason
    assert node.value(name) == before


@pytest.mark.parametrize(
    ('name', 'value'), [('max_hands', 9), ('model', 'huge'), ('palm_threshold', 'high')]
)
def test_bad_values_at_the_start_end_it_with_a_reason(start_nodes, name, value):
    with pytest.raises(ConfigError, match=f"{name}.*{value}|{value}.*{name}|'{name}'"):
        start_nodes(HandDetectorNode, **{name: value})


def test_unknown_parameters_are_told(start_nodes, capfd):
    start_nodes(HandDetectorNode, autostart=False, max_hand=3, brightness=1, use_sim_time=False)
    logged = capfd.readouterr().err
    assert "hand_detector has no parameter 'max_hand' (did you mean max_hands?), 'bright" in logged


def test_a_commander_refuses_what_it_does_not_know(start_nodes):
    with pytest.raises(ConfigError, match=r"'dryrun' \(did you mean dry_run\?\)"):
        start_nodes(GestureCommanderNode, dryrun=True)


def test_what_is_loaded_cannot_be_changed_while_configured(start_nodes, probe, tracker):
    node = start_nodes(HandDetectorNode)
    probe.wait(lambda: node.is_active, 'an active detector')
    result = set_one(node, 'model', 'lite')
    assert not result.successful
    assert 'ros2 lifecycle set NODE deactivate, then cleanup' in result.reason
    assert set_one(node, 'slow_ms', 50.0).successful
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert set_one(node, 'model', 'lite').successful

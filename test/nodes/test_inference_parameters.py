"""Nodes that run networks say on what, and why; how the network runs is a parameter."""

import pytest
from rcl_interfaces.msg import Log

from ros2_hand_action.inference import choose_backend
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.nodes.action_parameters import ACTION_PARAMETERS
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode

NODE = '/gesture_classifier'


@pytest.mark.parametrize('parameters', [
    HandDetectorNode.PARAMETERS, GestureClassifierNode.PARAMETERS,
    BodyPoseEstimatorNode.PARAMETERS, ACTION_PARAMETERS,
])
def test_every_node_with_networks_can_be_told_how_to_run_them(parameters):
    names = [parameter.name for parameter in parameters]
    assert {'backend', 'threads', 'precision'} <= set(names)
    chosen = {p.name: p.choices for p in parameters if p.name in ('backend', 'precision')}
    assert chosen['backend'][0] == SessionOptions().backend
    assert chosen['precision'][0] == SessionOptions().precision


def test_the_back_end_and_why_it_was_taken_are_told_once(start_nodes, probe):
    log = probe.listen(Log, '/rosout')
    node = start_nodes(GestureClassifierNode, autostart=False)
    probe.wait(lambda: probe.node.count_publishers('/rosout') >= 2, 'the log of the node')
    probe.wait(lambda: node.trigger_configure().value, 'a configured node')
    node.trigger_activate()
    reason = choose_backend('auto').reason
    values = probe.wait(lambda: probe.values(NODE), 'diagnostics of the active node')
    assert values['back end chosen'] == reason
    assert values['precision'] == 'fp32'
    told = probe.wait(
        lambda: [each.msg for each in log if each.msg.startswith('back end: ')], 'the line'
    )
    assert told == [f'back end: {reason}']


def test_precision_is_that_of_the_networks(start_nodes, probe):
    node = start_nodes(GestureClassifierNode, precision='int8')
    probe.wait(lambda: node.failure, 'a refusal')
    assert 'hand-action models quantize gesture_head' in node.failure

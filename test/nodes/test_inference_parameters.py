"""Nodes that run networks say on what, and why; how the network runs is a parameter."""

import pytest
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile

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
    late = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)  # as it is sent
    log = probe.listen(Log, '/rosout', late)
    start_nodes(GestureClassifierNode)
    reason = choose_backend('auto').reason
    probe.wait_for_value(NODE, 'back end chosen', reason)
    assert probe.values(NODE)['precision'] == 'auto'
    assert probe.values(NODE)['back end'] == 'onnxruntime CPUExecutionProvider fp32'
    told = probe.wait(
        lambda: [each.msg for each in log if each.msg.startswith('back end: ')], 'the line'
    )
    assert told == [f'back end: {reason}']


def test_precision_is_that_of_the_networks(start_nodes, probe):
    node = start_nodes(GestureClassifierNode, precision='int8')
    probe.wait(lambda: node.failure, 'a refusal')
    assert 'hand-action models quantize gesture_head' in node.failure

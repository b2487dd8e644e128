"""The nodes of this package by name, and what they can be set to."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ros2_hand_action.nodes.base import HandActionNode
    from ros2_hand_action.nodes.parameters import NodeParameter

NODES = {
    'video_source': 'VideoSourceNode',
    'hand_detector': 'HandDetectorNode',
    'gesture_classifier': 'GestureClassifierNode',
    'body_pose_estimator': 'BodyPoseEstimatorNode',
    'action_recognizer': 'ActionRecognizerNode',
    'overlay': 'OverlayNode',
    'gesture_commander': 'GestureCommanderNode',
    'lifecycle_manager': 'LifecycleManagerNode',
}
"""Node -> its class in the module of `nodes` of the same name, sources first."""


def load_node_class(name: str) -> 'type[HandActionNode]':
    """Return the class of a node of NODES; raises ImportError without ROS."""
    module = import_module(f'ros2_hand_action.nodes.{name}')
    node_class: type[HandActionNode] = getattr(module, NODES[name])
    return node_class


def load_parameters(name: str) -> 'tuple[NodeParameter, ...]':
    """Return all parameters of a node of NODES; raises ImportError without ROS."""
    from ros2_hand_action.nodes.base import COMMON_PARAMETERS
    from ros2_hand_action.nodes.parameters import USE_SIM_TIME

    return (USE_SIM_TIME, *COMMON_PARAMETERS, *load_node_class(name).PARAMETERS)

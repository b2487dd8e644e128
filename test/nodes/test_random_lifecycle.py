"""Random transitions and parameters: whatever is asked of a node, it goes on.

HAND_ACTION_SEQUENCES=2000 runs as many sequences as benchmarks/soak.py does.
"""

import os
import random
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.parameter import Parameter, parameter_value_to_python

from ros2_hand_action.nodes.action_recognizer import ActionRecognizerNode
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.lifecycle_manager import LifecycleManagerNode
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.parameters import NodeParameter
from ros2_hand_action.nodes.video_source import VideoSourceNode

NODES = (
    HandDetectorNode, GestureClassifierNode, BodyPoseEstimatorNode, ActionRecognizerNode,
    OverlayNode, VideoSourceNode, LifecycleManagerNode,
)
SEQUENCES = int(os.environ.get('HAND_ACTION_SEQUENCES', '24')) // len(NODES)
STEPS = 8

UNCONFIGURED, INACTIVE, ACTIVE = (
    State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE, State.PRIMARY_STATE_ACTIVE,
)
LEGAL = {
    Transition.TRANSITION_CONFIGURE: (UNCONFIGURED, INACTIVE),
    Transition.TRANSITION_ACTIVATE: (INACTIVE, ACTIVE),
    Transition.TRANSITION_DEACTIVATE: (ACTIVE, INACTIVE),
    Transition.TRANSITION_CLEANUP: (INACTIVE, UNCONFIGURED),
}
"""Transition -> the state in which it may be asked for, and the one it leads to."""


class Client:
    """Talks to one node as any manager does, through its services."""

    def __init__(self, probe: Any, name: str) -> None:
        self._probe = probe
        self._clients = {
            kind: probe.node.create_client(kind, f'{name}/{service}')
            for kind, service in (
                (ChangeState, 'change_state'), (GetState, 'get_state'),
                (SetParameters, 'set_parameters'), (GetParameters, 'get_parameters'),
            )
        }
        probe.wait(self._is_connected, f'the services of {name}')

    def _is_connected(self) -> bool:
        """Ask each until it answers: early requests may be lost (rmw_fastrtps#392)."""
        return all(client.service_is_ready() for client in self._clients.values()) and all(
            self._try(kind, client) for kind, client in self._clients.items()
            if kind is not ChangeState
        )

    def _try(self, kind: Any, client: Any) -> bool:
        future = client.call_async(kind.Request())
        try:
            self._probe.wait(future.done, 'an answer', 0.5)
        except pytest.fail.Exception:
            return False
        return True

    def call(self, kind: Any, request: Any) -> Any:
        future = self._clients[kind].call_async(request)
        return self._probe.wait(lambda: future.done() and future.result(), f'answer of {kind}')

    def state(self) -> int:
        return self.call(GetState, GetState.Request()).current_state.id

    def change(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return self.call(ChangeState, request).success

    def value(self, name: str) -> Any:
        [value] = self.call(GetParameters, GetParameters.Request(names=[name])).values
        return parameter_value_to_python(value)

    def set(self, values: dict[str, Any]) -> list[Any]:
        pairs = values.items()
        messages = [Parameter(name, value=value).to_parameter_msg() for name, value in pairs]
        return self.call(SetParameters, SetParameters.Request(parameters=messages)).results


def draw_value(chance: random.Random, parameter: NodeParameter) -> Any:
    """Return a value that may fit, lie outside, or be of another type."""
    default = parameter.default
    if chance.random() < 0.1:
        return chance.choice(['nonsense', -1, 1e9, True])
    if parameter.choices:
        return chance.choice([*parameter.choices, 'none of them'])
    if isinstance(default, bool):
        return chance.choice([True, False])
    if isinstance(default, str):
        return chance.choice([default, default, 'nowhere'])
    low, high = parameter.low, min(parameter.high, 8 * abs(default) + 1)
    value = chance.choice([low, default, low + (high - low) * chance.random(), parameter.high + 1])
    return type(default)(value)


def step(chance: random.Random, node_class: type[HandActionNode], client: Client) -> str:
    """Do one random thing; check that it was done, or refused with everything as before."""
    before = client.state()
    assert before in (UNCONFIGURED, INACTIVE, ACTIVE)
    if chance.random() < 0.5:
        transition = chance.choice([*LEGAL])
        asked_in, leads_to = LEGAL[transition]
        done = client.change(transition)
        assert not done or before == asked_in
        assert client.state() == (leads_to if done else before)
        return f'transition {transition}: {done}'
    parameter = chance.choice(node_class.PARAMETERS)
    old, new = client.value(parameter.name), draw_value(chance, parameter)
    [result] = client.set({parameter.name: new})
    assert client.value(parameter.name) == (new if result.successful else old)
    assert result.successful or result.reason
    return f'{parameter.name} = {new!r}: {result.reason or "set"}'


def bring_up(client: Client, node_class: type, good: dict[str, Any]) -> None:
    """Set what is good again and activate, from whatever state it is in."""
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        if client.state() == LEGAL[transition][0]:
            assert client.change(transition)
    values = {parameter.name: parameter.default for parameter in node_class.PARAMETERS}
    assert all(result.successful for result in client.set({**values, **good}))
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        assert client.change(transition)


@pytest.mark.parametrize('node_class', NODES, ids=lambda each: each.__name__)
def test_no_sequence_wedges_a_node(
    start_nodes: Callable[..., Any], probe: Any, tracker: Any, body_tracker: Any, tmp_path: Any,
    node_class: type[HandActionNode],
) -> None:
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((24, 32, 3), np.uint8))
    good = {'source': str(tmp_path)} if node_class is VideoSourceNode else {}
    if node_class is LifecycleManagerNode:
        good = {'nodes': 'nobody'}
    node = start_nodes(node_class, autostart=False, **good)
    client = Client(probe, node.get_fully_qualified_name())
    for seed in range(SEQUENCES):
        chance = random.Random(seed)
        done: list[str] = []
        try:
            for _ in range(STEPS):
                done.append(step(chance, node_class, client))
            bring_up(client, node_class, good)
        except BaseException:
            print(f'seed {seed}: ' + '; '.join(done))
            raise
        assert node.is_active and not node.failure

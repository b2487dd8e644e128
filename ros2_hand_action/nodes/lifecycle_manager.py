"""Node: brings other lifecycle nodes up in order, keeps them so, and reports on them."""

import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import State
from rclpy.timer import Timer

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.managed_node import STATES, TARGETS, ManagedNode
from ros2_hand_action.nodes.parameters import Change, NodeParameter, Value
from ros2_hand_action.nodes.runner import run_node

_PERIOD_S = 0.1
_WAIT_S = 5.0
"""A node that does not come holds up those after it for no longer."""


class LifecycleManagerNode(HandActionNode):
    """Asks each node for its state, and for the next step towards the one that is wanted.

    A node that died and was started again goes on by itself from its `state_file`; one without
    comes back unconfigured, and is brought up anew. A node that fails to configure is tried again
    every few seconds, as its model may come later.
    """

    PARAMETERS = (
        NodeParameter(
            'nodes', 'hand_detector,gesture_classifier',
            'Nodes to manage, in the order in which they are brought up',
        ),
        NodeParameter(
            'target', 'active', 'State that the nodes are brought into, and kept in',
            choices=tuple(TARGETS), change=Change.ANY_TIME,
        ),
        NodeParameter(
            'retry_s', 5.0, 'A transition that failed is tried again after so long (seconds)',
            low=0.1, high=3600.0, change=Change.ANY_TIME,
        ),
        NodeParameter(
            'answer_timeout_s', 10.0,
            'Report an error when a node has not answered for so long, as when it died (seconds)',
            low=1.0, high=3600.0, change=Change.ANY_TIME,
        ),
    )

    _timer: Timer

    def __init__(self, name: str = 'lifecycle_manager', **arguments: Any) -> None:
        self._managed: list[ManagedNode] = []
        self._begun_s = 0.0
        self._told: list[int] = []
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Make the clients of the nodes' services."""
        names = [name.strip() for name in self.value('nodes').split(',') if name.strip()]
        if not names or len(set(names)) < len(names) or self.get_name() in names:
            raise ConfigError(
                f'nodes is {self.value("nodes")!r}: name other nodes, each once, '
                'as in hand_detector,gesture_classifier'
            )
        self._managed = [ManagedNode(self, name) for name in names]
        for managed in self._managed:
            self.when_unloaded(managed.close)

    def start(self) -> None:
        """Begin to ask."""
        self._begun_s = time.monotonic()
        self._timer = self.create_steady_timer(_PERIOD_S, self._look)
        self.when_stopped(lambda: self.destroy_timer(self._timer))

    def apply_change(self, changes: dict[str, Value]) -> None:
        """Bring the nodes into another state from now on."""
        if 'target' in changes:
            self._begun_s = time.monotonic()

    def diagnose(self) -> DiagnosticStatus:
        """Report the state of every node, and the worst of them as the level."""
        goal, now_s = TARGETS[self.value('target')], time.monotonic()
        timeout_s = self.value('answer_timeout_s')
        silent = [n.name for n in self._managed if n.silent_s(now_s) > timeout_s]
        failed = [f'{n.name}: {n.failure}' for n in self._managed if n.failure]
        other = [n.name for n in self._managed if n.state != goal]
        level, text = DiagnosticStatus.OK, f'all {self.value("target")}'
        if other:
            level, text = DiagnosticStatus.WARN, f'not {self.value("target")}: {", ".join(other)}'
        if failed:
            level, text = DiagnosticStatus.ERROR, '; '.join(failed)
        if silent:
            level, text = DiagnosticStatus.ERROR, f'no answer of {", ".join(silent)}'
        values: dict[str, object] = {n.name: STATES.get(n.state, 'changes') for n in self._managed}
        values.update({f'{n.name} brought up': n.activations for n in self._managed})
        return self.make_status(level, text, values)

    def _look(self) -> None:
        """Ask every node for its state, and the next one in order for a step."""
        goal, now_s = TARGETS[self.value('target')], time.monotonic()
        # users before their sources on the way down
        is_up = goal == State.PRIMARY_STATE_ACTIVE
        for managed in self._managed:
            managed.look(now_s)
        self._tell_changes()
        for managed in self._managed if is_up else reversed(self._managed):
            if managed.state == goal:
                continue
            managed.step_towards(goal, now_s, retry_s=self.value('retry_s'))
            is_given_up = managed.failure or now_s - self._begun_s > _WAIT_S
            if not is_given_up:
                return

    def _tell_changes(self) -> None:
        """Report at once where a node has come into another state."""
        states = [managed.state for managed in self._managed]
        if states != self._told:
            self._told = states
            self.report()


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(LifecycleManagerNode)


if __name__ == '__main__':
    sys.exit(main())

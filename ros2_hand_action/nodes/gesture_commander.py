"""Node: gestures and actions in, commands for a robot out; docs/commander.md."""

import re
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from std_msgs.msg import String
from std_srvs.srv import Trigger

from ros2_hand_action.commanding.command_map import CommandMap
from ros2_hand_action.commanding.commander import Commander
from ros2_hand_action.commanding.decisions import Decision, Firing, State
from ros2_hand_action.commanding.map_file import load_command_map
from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.command_outputs import CommandOutputs, VelocityOutput
from ros2_hand_action.nodes.commander_inputs import CommanderInputs, read_clocks
from ros2_hand_action.nodes.parameters import Change, NodeParameter, Value
from ros2_hand_action.nodes.runner import run_node
from ros2_hand_action.nodes.steady_loop import SteadyLoop
from ros2_hand_action.nodes.stream_input import STREAM_PARAMETERS

_LEVELS = {
    State.EMERGENCY: DiagnosticStatus.WARN,
    State.FAULT: DiagnosticStatus.ERROR,
    State.STOPPED: DiagnosticStatus.WARN,
}
"""States in which zeros go on, and their levels in /diagnostics."""

_NUMBERS = re.compile(r'[0-9.]+ s')
_IDLE_S = 0.1
"""Time between decisions while nothing moves; news are decided on at once."""


class GestureCommanderNode(HandActionNode):
    """Commands a robot as a map says, and stops it whenever anything is in doubt.

    A thread of its own decides and publishes: it waits for no callback of the node.

    Attributes
    ----------
    inputs : CommanderInputs
        Only while active.
    """

    REFUSES_UNKNOWN = True  # a misspelt dry_run must not command
    PARAMETERS = (
        NodeParameter('commands', '', 'Map from gestures to commands: a YAML file'),
        NodeParameter('dry_run', False, 'Only log what would be commanded'),
        NodeParameter(
            'person_id', '', 'Who is in control where the map says policy: id; BodyPose.id, or '
            'Hand.id where bodies are not known', change=Change.ANY_TIME,
        ),
        NodeParameter(
            'rate_hz', 50.0, 'Velocities published per second while the robot moves (Hz)',
            low=10.0, high=200.0,
        ),
        *STREAM_PARAMETERS,
    )

    _map: CommandMap
    _commander: Commander
    _velocity: VelocityOutput
    _outputs: CommandOutputs
    _person: Publisher
    _loop: SteadyLoop
    _decision: Decision
    inputs: CommanderInputs

    def __init__(self, name: str = 'gesture_commander', **arguments: Any) -> None:
        self._core_lock = threading.Lock()  # never held while anything else is waited for
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Read the map and advertise what it commands."""
        path, is_dry = self.value('commands'), self.value('dry_run')
        if not path:
            raise ConfigError(
                "the parameter commands is '': set it to a command map, such as a copy of "
                'config/commands.yaml'
            )
        self._map = load_command_map(Path(path).expanduser())
        self._period_s = 1.0 / self.value('rate_hz')
        self._outputs = CommandOutputs(self, self._map, is_dry=is_dry)
        self._velocity = VelocityOutput(
            self, self._map.velocity, is_dry=is_dry or not self._map.moves
        )
        self._person = self.advertise(String, topics.PERSON_IN_CONTROL, topics.LATCHED_QOS)
        self.get_logger().info(
            f'{len(self._map.commands)} commands of {path!r}'
            f'{", dry run: nothing is commanded" if is_dry else ""}'
        )

    def start(self) -> None:
        """Subscribe, begin with a standstill, and decide from now on."""
        self._commander = Commander(self._map, self.value('person_id'))
        self._decision = self._commander.tick(read_clocks(self))
        self._person.publish(String())
        self._loop = SteadyLoop(f'{self.get_name()} control', self._step, self._fail_step)
        self.when_stopped(self._loop.close)
        self.inputs = CommanderInputs(
            self, self._commander, self._core_lock, self._react, actions=bool(self._map.actions)
        )
        self.when_stopped(self.inputs.close)
        service = self.create_service(Trigger, '~/reset_emergency_stop', self._reset_emergency)
        self.when_stopped(lambda: self.destroy_service(service))
        self.when_stopped(self._stand_still)  # the first thing that is done

    def watch(self) -> None:
        """Look after the subscriptions."""
        self.inputs.watch()
        lacking = self._find_lacking()
        if lacking:
            self.problems.warning('labels', lacking, repeat_s=30.0)

    def diagnose(self) -> DiagnosticStatus:
        """Report what is commanded, and the stream of gestures."""
        decision = self._decision
        status = self.inputs.stream.diagnose({
            'commands': self.value('commands'),
            'dry run': self.value('dry_run'),
            'state': decision.state.value,
            'reason': decision.reason,
            'person in control': decision.person,
        })
        told, level = self._find_lacking() or self._find_absent(), DiagnosticStatus.WARN
        if decision.state is State.BLIND and decision.reason and not told:
            told = self._explain_blindness(decision)
        if decision.state in _LEVELS:
            told, level = f'{decision.state.value}: {decision.reason}', _LEVELS[decision.state]
        if told:
            status.level = max(status.level, level)
            status.message = f'{told}; {status.message}'
        return status

    def apply_change(self, changes: dict[str, Value]) -> None:
        """Put another person in control."""
        if 'person_id' in changes and self.is_active:
            with self._core_lock:
                self._commander.halt('another person_id was set')
                self._commander.control.release()
                self._commander.control.person_id = str(changes['person_id'])

    def _find_lacking(self) -> str:
        """Return what the map names and nobody can see; '' if nothing."""
        told = [
            self._find_unknown('classifier', self.inputs.labels, self._map.gestures),
            self._find_unknown('action recogniser', self.inputs.actions, self._map.actions),
        ]
        if self._map.actions and not self.count_publishers(topics.ACTION_EVENTS):
            told.append(
                f'{self.value("commands")!r} names actions, and nobody publishes '
                f'{topics.ACTION_EVENTS!r}: start {topics.SENDERS[topics.ACTION_EVENTS]}'
            )
        return '; '.join(filter(None, told))

    def _find_absent(self) -> str:
        """Return what nobody publishes beside the gestures; '' if nothing."""
        return '; '.join(
            f'nothing moves: nobody publishes {topic!r}, start {topics.SENDERS[topic]}'
            for topic in (topics.HANDS, topics.GESTURE_EVENTS)
            if not self.count_publishers(topic)
        )

    def _explain_blindness(self, decision: Decision) -> str:
        timeout_s = self._map.safety.timeout_ns / 1e9
        return (
            f'{decision.state.value}: {decision.reason}. Images that become gestures more than '
            f'{timeout_s:g} s after their stamp move nothing: take a faster model or camera, or '
            'raise safety.timeout_s in the map'
        )

    def _find_unknown(
        self, what: str, known: Sequence[str], named: frozenset[str]
    ) -> str:
        unknown = sorted(named.difference(known)) if known else []
        if not unknown:
            return ''
        return (
            f'the {what} knows no {", ".join(unknown)}, which {self.value("commands")!r} '
            f'names; it knows {", ".join(known)}'
        )

    def _react(self, firings: Iterable[Firing]) -> None:
        """Let the loop decide anew, then carry out what is due once."""
        self._loop.wake()
        for firing in firings:
            self._outputs.carry_out(firing)

    def _reset_emergency(
        self, _request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        try:
            with self._core_lock:
                self._commander.reset_emergency(read_clocks(self))
            response.success = True
        except HandActionError as error:
            response.message = str(error)
        return response

    # The loop.

    def _step(self) -> float:
        """Decide and publish; returns the seconds until the next step."""
        with self._core_lock:
            now = read_clocks(self)
            decision = self._commander.tick(now)
        is_published = self._velocity.publish(
            decision.velocity, steady_ns=now.steady_ns, insist=decision.state in _LEVELS
        )
        self._tell(decision)
        return min(
            self._period_s if is_published else _IDLE_S, max(decision.valid_ns, 0) / 1e9
        )

    def _fail_step(self, error: Exception) -> float:
        self._stop_now(f'unforeseen {type(error).__name__}: {error}')
        self.problems.exception('cannot decide', error)
        return self._period_s

    def _stand_still(self) -> None:
        self._commander.fault = 'not active'
        self._stop_now('not active')

    def _stop_now(self, reason: str) -> None:
        with self._core_lock:
            self._commander.distrust(reason)
        self._velocity.stop()

    def _tell(self, decision: Decision) -> None:
        """Log and publish what has changed."""
        before, self._decision = self._decision, decision
        if decision.person != before.person:
            self._person.publish(String(data=decision.person))
        if _kind(decision) == _kind(before):
            return
        dry = 'dry run: ' if self.value('dry_run') else ''
        parts = (decision.state.value, decision.reason, decision.person)
        self.get_logger().info(dry + ', '.join(part for part in parts if part))


def _kind(decision: Decision) -> tuple[State, str, str]:
    """Return what makes a decision worth telling: not how old the images are."""
    return decision.state, _NUMBERS.sub('', decision.reason), decision.person


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(GestureCommanderNode)


if __name__ == '__main__':
    sys.exit(main())

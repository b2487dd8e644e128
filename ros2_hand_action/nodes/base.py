"""What all nodes share: life cycle, parameters, reports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from itertools import count
from threading import RLock
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle import Publisher as LifecyclePublisher
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.timer import Timer

from ros2_hand_action.errors import (
    ConfigError,
    HandActionError,
    NotBuiltError,
    did_you_mean,
)
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.engine_builds import EngineBuilds
from ros2_hand_action.nodes.next_steps import advise_start
from ros2_hand_action.nodes.parameters import (
    QOS_OVERRIDES,
    NodeParameter,
    Value,
    check_change,
    declare,
)
from ros2_hand_action.nodes.reporting import ProblemLog, make_status
from ros2_hand_action.nodes.state_note import StateNote

COMMON_PARAMETERS = (
    NodeParameter('autostart', True, 'Configure and activate without being asked'),
    NodeParameter(
        'state_file', '',
        'File that keeps the state, which the next process goes on from when this one dies',
    ),
)

_DIAGNOSTICS_PERIOD_S = 1.0
_WATCH_PERIOD_S = 0.25
_TRACKS_OF_A_PROCESS = 1_000_000

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class HandActionNode(LifecycleNode):
    """A lifecycle node that starts by itself and never dies of bad input.

    A subclass lists its PARAMETERS and overrides `load`, `start`, `watch`, `diagnose` and
    `apply_change` as it needs. What `load` and `start` make, they register to be undone with
    `when_unloaded` and `when_stopped`. Whatever they raise is reported, not passed on.

    Parameters
    ----------
    name : str
        Name of the node unless it is remapped.
    context : rclpy.context.Context, optional
        The default one if not given.
    parameter_overrides : sequence of rclpy.parameter.Parameter
        Values that win over the parameter file's.
    """

    PARAMETERS: tuple[NodeParameter, ...] = ()
    INPUT_LOOP = ''
    """Nodes of one name here, in one process and namespace, answer in one thread; '' is alone."""
    peers: Sequence['HandActionNode'] = ()
    """All nodes that the same command started, this one too; empty until they run."""
    REFUSES_UNKNOWN = False
    """Whether a parameter that it does not have keeps it from starting; else that is a warning."""

    def __init__(
        self,
        name: str,
        *,
        context: Context | None = None,
        parameter_overrides: Sequence[Parameter] = (),
    ) -> None:
        super().__init__(name, context=context, parameter_overrides=list(parameter_overrides))
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._answer_change_state
        self.problems = ProblemLog(self)
        self._is_configured = self._is_active = False
        self._failure = ''
        self._builds = EngineBuilds(self._end_build)
        self._loaded, self._started = ExitStack(), ExitStack()
        self.lock = RLock()  # timers and transitions against the inputs' thread
        self.add_on_set_parameters_callback(self._on_set_parameters)
        declare(self, (*COMMON_PARAMETERS, *self.PARAMETERS))
        self._check_overrides()
        self._note = StateNote(self.value('state_file'))
        self._steady_clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnostics = self.create_publisher(
            DiagnosticArray, topics.DIAGNOSTICS, topics.DIAGNOSTICS_QOS
        )
        self.create_steady_timer(_DIAGNOSTICS_PERIOD_S, self.report)
        self._watch_timer = self.create_steady_timer(_WATCH_PERIOD_S, self.watch)
        self._watch_timer.cancel()
        self._build_timer = self.create_steady_timer(_WATCH_PERIOD_S, self._builds.follow)
        self._build_timer.cancel()
        self._resumed = self._note.state
        goal = self._resumed or ('active' if self.value('autostart') else 'unconfigured')
        self._is_coming = goal == 'active'
        self._keep_state(self._resumed)
        self._failure = self._wait_text = self._announce_wait()
        self._autostart_timer = self.create_steady_timer(self._note.wait_s, self._go_on)

    # What a subclass does.

    def load(self) -> None:
        """Make models and publishers; what it raises keeps the node unconfigured."""

    def start(self) -> None:
        """Begin to work: make subscriptions and timers."""

    def watch(self) -> None:
        """Look after the inputs, four times a second while active."""

    def diagnose(self) -> DiagnosticStatus:
        """Return the node's entry in /diagnostics while it is active."""
        return self.make_status(DiagnosticStatus.OK, 'active', {})

    def apply_change(self, changes: dict[str, Value]) -> None:
        """Use parameters that were changed while configured; raises HandActionError to refuse."""

    # What a subclass uses.

    @cached_property
    def track_numbers(self) -> Iterator[int]:
        """Numbers for ids: none twice, be the networks loaded anew or the process a new one."""
        return count(1 + self._note.restarts * _TRACKS_OF_A_PROCESS)

    @property
    def is_finished(self) -> bool:
        """Whether all work is done for good, as at the end of a file."""
        return False

    @property
    def failure(self) -> str:
        """Why the node cannot do its work; '' if it can."""
        return self._failure

    @property
    def input_loop(self) -> str:
        """Name of the thread that answers the node's inputs."""
        return f'{self.get_namespace().rstrip("/")}/{self.INPUT_LOOP or self.get_name()}'

    @property
    def is_active(self) -> bool:
        """Whether the node works."""
        return self._is_active

    @property
    def is_coming(self) -> bool:
        """Whether the node is about to work, without being asked and for the first time."""
        return self._is_coming and not self._failure

    @property
    def is_restarted(self) -> bool:
        """Whether the node goes on for a process that died."""
        return self._note.restarts > 0

    def value(self, name: str) -> Any:
        """Return the value of a parameter, of the type of its default."""
        return self.get_parameter(name).value

    def when_unloaded(self, release: Callable[[], object]) -> None:
        """Call `release` when what `load` made is freed, the last one first."""
        self._loaded.callback(release)

    def when_stopped(self, cease: Callable[[], object]) -> None:
        """Call `cease` when the node ceases to work, the last one first."""
        self._started.callback(cease)

    def advertise(self, message_type: type, topic: str, qos: QoSProfile) -> LifecyclePublisher:
        """Return a publisher that lives until `load` is undone, and is silent while inactive."""
        publisher = self.create_lifecycle_publisher(message_type, topic, qos)
        self.when_unloaded(lambda: self.destroy_lifecycle_publisher(publisher))
        return publisher

    def create_steady_timer(self, period_s: float, callback: Callable[[], None]) -> Timer:
        """Return a timer that runs on whatever simulated time does; errors are reported."""

        def guarded() -> None:
            try:
                with self.lock:
                    callback()
            except Exception as error:  # a timer that raises would end the node
                self.problems.exception(callback.__name__, error)

        return self.create_timer(period_s, guarded, clock=self._steady_clock)

    def make_status(
        self, level: bytes, message: str, values: Mapping[str, object], *, hardware_id: str = ''
    ) -> DiagnosticStatus:
        """Return an entry of /diagnostics under this node's name."""
        return make_status(
            name=self.get_fully_qualified_name(),
            hardware_id=hardware_id,
            level=level,
            message=message,
            values=values,
        )

    def report(self) -> None:
        """Publish the entry in /diagnostics, as is done once a second besides."""
        status = self._diagnose_now()
        if self.value('state_file'):
            restarts = KeyValue(key='restarts', value=str(self._note.restarts))
            status.values = [*status.values, restarts]
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def close(self) -> None:
        """Shut down and destroy the node; its executor must have ended."""
        self._halt()
        self._release()
        self.destroy_node()

    # The life cycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load; on failure the node stays unconfigured and says why.

        Where an engine must be built first, that is begun, and when it is done an autostarting
        node configures and activates itself.
        """
        self._failure = self._wait_text
        if self._wait_text:
            return _FAILURE
        if self._builds.current:
            self.problems.warning('building', f'not configured yet: {self._builds.current}')
            return _FAILURE
        result = self._attempt('configure', self.load)
        if result is not _SUCCESS:
            self._attempt('clean up', self._loaded.close)
            return result
        self._is_configured = True
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start; on failure the node stays inactive and says why."""
        self._failure = ''
        super().on_activate(state)  # enables the publishers
        result = self._attempt('activate', self.start)
        if result is not _SUCCESS:
            self._attempt('stop', self._started.close)
            super().on_deactivate(state)
            return result
        self._is_active = True
        self._watch_timer.reset()
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop; the models stay loaded."""
        self._halt()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the models."""
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything."""
        self._halt()
        self._release()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured after something unforeseen."""
        self._halt()
        self._release()
        return super().on_error(state)

    def _check_overrides(self) -> None:
        """Tell of parameters that were given and do not exist, which ROS passes over."""
        known = [each.name for each in (*COMMON_PARAMETERS, *self.PARAMETERS)]
        unknown = [
            f'{name!r}{did_you_mean(name, known)}'
            for name in self._parameter_overrides
            if not self.has_parameter(name) and not name.startswith(QOS_OVERRIDES)
        ]
        if not unknown:
            return
        text = f'{self.get_name()} has no parameter {", ".join(unknown)}'
        if self.REFUSES_UNKNOWN:
            raise ConfigError(text)
        self.problems.warning('unknown parameters', text)

    def _answer_change_state(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        """Refuse what the state does not allow; rclpy (to 7.1.6) would end the executor."""
        try:
            self._change_state(request, response)
            if response.success:
                self._keep_state(self._state_label())
            return response
        except rclpy_implementation.RCLError as error:
            name, state = request.transition.label or request.transition.id, self._state_label()
            self.problems.warning('transition', f'no transition {name!r} while {state}: {error}')
            response.success = False
            return response

    def _state_label(self) -> str:
        return str(self._state_machine.current_state[1])

    def _go_on(self) -> None:
        """Go on from where the process before ended, or start by itself."""
        self._autostart_timer.cancel()
        self._wait_text = self._failure = ''
        goal = self._resumed or ('active' if self.value('autostart') else 'unconfigured')
        self._resumed = ''
        if goal == 'unconfigured':
            return
        if self.trigger_configure() is _SUCCESS:
            if goal == 'inactive' or self.trigger_activate() is _SUCCESS:
                self._keep_state(goal)
            self._is_coming = False
        elif not self._builds.current:
            self._is_coming = False
            name = self.get_fully_qualified_name()
            self.get_logger().error(
                f'not started; once that is put right: {advise_start(name)}'
            )

    def _announce_wait(self) -> str:
        """Return why a node that dies again and again does nothing yet; '' where it does not."""
        if not self._note.wait_s:
            return ''
        text = f'died again and again: waits {self._note.wait_s:.0f} s before it goes on'
        self.problems.error('restarts', text)
        return text

    def _keep_state(self, state: str) -> None:
        try:
            self._note.keep(state)
        except OSError as error:
            self.problems.warning('state_file', f'the state is not kept: {error}')

    def _attempt(self, what: str, step: Callable[[], None]) -> TransitionCallbackReturn:
        """Do one step of a transition; report what it raises, and keep it for /diagnostics."""
        try:
            with self.lock:
                step()
        except NotBuiltError as missing:
            self._attempt('build', partial(self._begin_build, missing))
            return _FAILURE
        except Exception as error:
            self._failure = self.problems.exception(f'cannot {what}', error, repeat_s=0.0)
            return _FAILURE
        return _SUCCESS

    def _halt(self) -> None:
        self._is_active = False
        self._watch_timer.cancel()
        self._attempt('stop', self._started.close)

    def _begin_build(self, missing: NotBuiltError) -> None:
        self._builds.begin(missing)
        self._build_timer.reset()
        self.get_logger().info(f'{missing}. {self._builds.current}')

    def _end_build(self, problem: str) -> None:
        self._build_timer.cancel()
        if problem:
            self._failure, self._is_coming = problem, False
            self.problems.error('building', problem)
        else:
            self.get_logger().info('the engine is built: the node can be configured')
            self._go_on()

    def _release(self) -> None:
        self._build_timer.cancel()
        self._builds.close()
        self._is_configured = False
        self._attempt('clean up', self._loaded.close)

    # Parameters and reports.

    def _on_set_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        result = check_change(
            (*COMMON_PARAMETERS, *self.PARAMETERS), changes, configured=self._is_configured
        )
        if result.successful and self._is_configured:
            try:
                with self.lock:
                    self.apply_change({change.name: change.value for change in changes})
            except HandActionError as error:
                return SetParametersResult(successful=False, reason=str(error))
        return result

    def _diagnose_now(self) -> DiagnosticStatus:
        if self._is_active:
            status = self.diagnose()
            self.problems.add_recent(status)
            return status
        state = 'inactive' if self._is_configured else 'unconfigured'
        if self._builds.current:
            return self.make_status(DiagnosticStatus.WARN, f'{state}: {self._builds.current}', {})
        if self._failure:
            return self.make_status(DiagnosticStatus.ERROR, f'{state}: {self._failure}', {})
        return self.make_status(DiagnosticStatus.OK, state, {})

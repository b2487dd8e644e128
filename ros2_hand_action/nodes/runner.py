"""Nodes in one process: each with an executor and a thread of its own, ended cleanly."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

import rclpy
from rclpy.context import Context
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterException,
)
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context

from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.resources import config_path

NodeFactory = Callable[..., HandActionNode]

_PROFILE_VARIABLES = (
    'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTDDS_BUILTIN_TRANSPORTS'
)
RESPAWN_VARIABLE = 'ROS2_HAND_ACTION_RESPAWN'
"""Set where a launch starts this process again when it ends."""
_RESPAWN_PAUSE_S = 5.0

_POLL_S = 0.1
_DRAIN_S = 1.0
"""Time that the other nodes get for the last images of a source that has ended."""

_ROS_ERRORS = (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterException,
    rclpy_implementation.RCLError,
    rclpy_implementation.UnknownROSArgsError,
    rclpy_implementation.RCLInvalidROSArgsError,
)


class NodeGroup:
    """Nodes that run in threads of this process until the group is left.

    A thread and an executor for each, so that a slow node keeps no other one waiting.

    Parameters
    ----------
    factories : sequence of callable
        Node classes, or functions that take `context` and return a node.
    ros_arguments : sequence of str
        As on a command line: '--ros-args', '-p', ...
    context : rclpy.context.Context, optional
        The default one if not given.
    domain_id : int, optional
        That of the environment if not given.

    Raises
    ------
    ConfigError
        If an argument or parameter cannot be used; nothing runs then.
    """

    def __init__(
        self,
        factories: Sequence[NodeFactory],
        *,
        ros_arguments: Sequence[str] = (),
        context: Context | None = None,
        domain_id: int | None = None,
    ) -> None:
        self._context = context or get_default_context()
        self.nodes: list[HandActionNode] = []
        self._executors: list[SingleThreadedExecutor] = []
        self._threads: list[threading.Thread] = []
        what = 'nodes'
        try:
            # no handlers: nodes must still publish, as that gestures end, after an interrupt
            rclpy.init(
                args=list(ros_arguments),
                context=self._context,
                domain_id=domain_id,
                signal_handler_options=SignalHandlerOptions.NO,
            )
            for factory in factories:
                what = factory.__module__.rpartition('.')[2]
                self.nodes.append(factory(context=self._context))
            for node in self.nodes:
                node.peers = self.nodes
        except _ROS_ERRORS as error:
            self.close()
            raise ConfigError(f'{what} cannot start: {error}') from error
        except BaseException:
            self.close()
            raise

    def check_finished(self) -> bool:
        """Return whether a node has done all its work, as a source at the end of its file.

        Raises
        ------
        HandActionError
            If a node cannot do its work.
        """
        failures = [f'{node.get_name()}: {node.failure}' for node in self.nodes if node.failure]
        if failures:
            raise HandActionError('; '.join(failures))
        return any(node.is_finished for node in self.nodes)

    def start(self) -> None:
        """Let the nodes run."""
        for node in self.nodes:
            executor = SingleThreadedExecutor(context=self._context)
            executor.add_node(node)
            thread = threading.Thread(
                target=_spin, args=(executor,), name=node.get_name(), daemon=True
            )
            self._executors.append(executor)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """End all nodes in order, sources first; may be called again."""
        self._end()
        gc.collect()  # rclpy's nodes hold themselves, and would be seen by others until then
        if self._context.ok():
            rclpy.shutdown(context=self._context)

    def _end(self) -> None:
        for executor in self._executors:
            executor.shutdown(timeout_sec=0)
        for thread in self._threads:
            thread.join()
        for node in self.nodes:
            node.close()
        self._executors, self._threads, self.nodes = [], [], []

    def __enter__(self) -> 'NodeGroup':
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def run_nodes(
    factories: Sequence[NodeFactory],
    *,
    ros_arguments: Sequence[str] = (),
    exit_at_end: bool = False,
) -> None:
    """Run nodes until SIGINT or SIGTERM.

    Where `exit_at_end`, until one of them has finished, or cannot do its work, too.

    Raises
    ------
    ConfigError
        If an argument or parameter cannot be used.
    HandActionError
        If a node could not do its work, where `exit_at_end`.
    """
    choose_transport()
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with NodeGroup(factories, ros_arguments=ros_arguments) as group:
            while not stop.wait(_POLL_S):
                if exit_at_end and group.check_finished():
                    stop.wait(_DRAIN_S)
                    break
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_node(factory: NodeFactory) -> int:
    """Run one node with the arguments of the command line; returns the exit status."""
    try:
        run_nodes([factory], ros_arguments=sys.argv[1:])
    except HandActionError as error:
        print(f'error: {error}', file=sys.stderr)
        pause_before_respawn()
        return 1
    return 0


def pause_before_respawn() -> None:
    """Hold up the end of a process that cannot start: a launch would start it again at once."""
    if os.environ.get(RESPAWN_VARIABLE):
        print(f'ends in {_RESPAWN_PAUSE_S:g} s, to be started again', file=sys.stderr, flush=True)
        with suppress(KeyboardInterrupt):
            time.sleep(_RESPAWN_PAUSE_S)


def choose_transport() -> None:
    """Give Fast DDS shared memory that images fit into, unless the user has chosen otherwise."""
    if not any(os.environ.get(variable) for variable in _PROFILE_VARIABLES):
        os.environ[_PROFILE_VARIABLES[0]] = str(config_path('fastdds_shm.xml'))


def _spin(executor: SingleThreadedExecutor) -> None:
    with suppress(ExternalShutdownException):
        executor.spin()

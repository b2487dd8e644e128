"""Where commands go: velocities, messages of any type and services."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped, Vector3
from rclpy.client import Client
from rclpy.duration import Duration
from rclpy.lifecycle import Publisher
from std_srvs.srv import SetBool, Trigger

from ros2_hand_action.commanding.command_map import (
    Binding,
    Call,
    CommandMap,
    Publish,
    Reaction,
    ServiceKind,
    VelocityOptions,
)
from ros2_hand_action.commanding.decisions import Firing
from ros2_hand_action.commanding.velocity import STANDSTILL, Velocity
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.conversions import stamp_from_ns
from ros2_hand_action.nodes.message_values import import_message_type, make_message

_ANSWER_S = 5.0
"""A service that has not answered for so long is asked again."""
_SENT_S = 0.1
"""Time that the last zero gets to arrive."""
_SERVICES: dict[ServiceKind, type] = {ServiceKind.TRIGGER: Trigger, ServiceKind.SET_BOOL: SetBool}


class VelocityOutput:
    """Publishes velocities; keeps a standstill for a while, then leaves the topic to others.

    Parameters
    ----------
    node : HandActionNode
    options : VelocityOptions
    is_dry : bool
        Nothing is published, nor advertised.
    """

    def __init__(self, node: HandActionNode, options: VelocityOptions, *, is_dry: bool) -> None:
        self._node, self._options = node, options
        self._publisher: Publisher | None = None
        self._moved_ns: int | None = None
        if not is_dry:
            message_type = TwistStamped if options.is_stamped else Twist
            self._publisher = node.advertise(message_type, options.topic, topics.COMMANDS_QOS)

    def publish(self, velocity: Velocity, *, steady_ns: int, insist: bool) -> bool:
        """Publish a velocity, a standstill only for a while, unless `insist`; returns whether."""
        if not velocity.is_zero or self._moved_ns is None or self._is_unheard():
            self._moved_ns = steady_ns  # whoever drove before this began stands still, too
        still_ns = steady_ns - self._moved_ns
        is_due = insist or self._options.keeps_zero or still_ns <= self._options.zero_ns
        if is_due:
            self._send(velocity)
        return is_due

    def stop(self) -> None:
        """Publish zero now, and wait a moment until it has arrived."""
        self._moved_ns = None
        self._send(STANDSTILL)
        if self._publisher is not None:
            self._publisher.wait_for_all_acked(Duration(seconds=_SENT_S))

    def _is_unheard(self) -> bool:
        """Return whether nobody listens, as before others have found a node that starts."""
        return self._publisher is not None and not self._publisher.get_subscription_count()

    def _send(self, velocity: Velocity) -> None:
        if self._publisher is None:
            return
        twist = Twist(linear=_vector(*velocity[:3]), angular=_vector(*velocity[3:]))
        if not self._options.is_stamped:
            self._publisher.publish(twist)
            return
        message = TwistStamped(twist=twist)
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._options.frame_id
        self._publisher.publish(message)


class CommandOutputs:
    """Carries out the one-time commands of a map: messages and services.

    Parameters
    ----------
    node : HandActionNode
    command_map : CommandMap
    is_dry : bool
        Commands are logged only.

    Raises
    ------
    ConfigError
        If a type cannot be imported or a value does not fit; says file and line.
    """

    def __init__(self, node: HandActionNode, command_map: CommandMap, *, is_dry: bool) -> None:
        self._node, self._is_dry = node, is_dry
        self._velocity_topic = node.resolve_topic_name(command_map.velocity.topic)
        self._publishers: dict[str, Publisher] = {}
        self._clients: dict[tuple[str, ServiceKind], Client] = {}
        self._asked_s: dict[Client, float] = {}
        self._actions: dict[str, Callable[[Firing], None]] = {}
        for binding in command_map.commands:
            if isinstance(binding.command, Publish):
                self._add_message(binding, binding.command)
            elif isinstance(binding.command, Call):
                self._add_service(binding.name, binding.command)

    def carry_out(self, firing: Firing) -> None:
        """Do, or in a dry run tell, what a gesture fires."""
        binding = firing.binding
        intent = 'dry run: would do' if self._is_dry else 'did'
        done = f'{intent} {binding.name!r}, {binding.command}'
        if not self._is_dry:
            self._actions[binding.name](firing)
        self._node.get_logger().info(f'{firing.cause}: {done}')

    def _add_message(self, binding: Binding | Reaction, command: Publish) -> None:
        try:
            message_type = import_message_type(command.type_name)
            make_message(message_type, command.value, dict.fromkeys(binding.FIELDS, ''))
        except ConfigError as error:
            raise ConfigError(f'{binding.where}: {error}') from error
        if self._node.resolve_topic_name(command.topic) == self._velocity_topic:
            raise ConfigError(
                f'{binding.where}: topic {command.topic!r} is that of the velocities, which have '
                "limits: publish on another, or use 'velocity'"
            )
        if self._is_dry:
            return
        publisher = self._publishers.get(command.topic)
        if publisher is None:
            publisher = self._node.advertise(message_type, command.topic, topics.COMMANDS_QOS)
            self._publishers[command.topic] = publisher
        elif publisher.msg_type is not message_type:
            raise ConfigError(f'{binding.where}: topic {command.topic!r} has another type, too')

        def act(firing: Firing) -> None:
            message = make_message(message_type, command.value, firing.fields)
            _stamp(message, command.value, firing.stamp_ns)
            publisher.publish(message)

        self._actions[binding.name] = act

    def _add_service(self, name: str, command: Call) -> None:
        if self._is_dry:
            return
        key = command.service, command.kind
        if key not in self._clients:
            client = self._node.create_client(_SERVICES[command.kind], command.service)
            self._node.when_unloaded(lambda: self._node.destroy_client(client))
            self._clients[key] = client
        self._actions[name] = lambda _: self._call(self._clients[key], command)

    def _call(self, client: Client, command: Call) -> None:
        """Call a service that is there and not busy; a late command is worse than none."""
        service = client.srv_name
        if not client.service_is_ready():
            self._node.problems.error('service', f'no service {service!r}: start its server')
            return
        if monotonic() - self._asked_s.get(client, -_ANSWER_S) < _ANSWER_S:
            self._node.problems.warning('busy service', f'{service!r} has not answered yet')
            return
        request: Any = Trigger.Request()
        if command.kind is ServiceKind.SET_BOOL:
            request = SetBool.Request(data=command.data)
        self._asked_s[client] = monotonic()
        client.call_async(request).add_done_callback(
            lambda future: self._report(client, future)
        )

    def _report(self, client: Client, future: Any) -> None:
        self._asked_s.pop(client, None)
        try:
            answer = future.result()
        except Exception as error:
            self._node.problems.exception(f'service {client.srv_name!r}', error)
            return
        if answer is not None and not answer.success:
            self._node.problems.error(
                'service', f'{client.srv_name!r} refused: {answer.message!r}'
            )


def _vector(x: float, y: float, z: float) -> Vector3:
    return Vector3(x=x, y=y, z=z)


def _stamp(message: Any, given: Mapping[str, Any], stamp_ns: int) -> None:
    """Give a header the stamp of the image, unless the map sets one."""
    header = getattr(message, 'header', None)
    if hasattr(header, 'stamp') and 'stamp' not in given.get('header', {}):
        message.header.stamp = stamp_from_ns(stamp_ns)

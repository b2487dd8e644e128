"""Parameters of the nodes: declared from one table, refused with a reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

Value = bool | int | float | str


class Change(Enum):
    """When a parameter can be changed."""

    ANY_TIME = 'any time'
    UNCONFIGURED = 'before configure'


@dataclass(frozen=True)
class NodeParameter:
    """One parameter of a node.

    Attributes
    ----------
    name, description : str
        The description ends with the unit in parentheses where there is one.
    default : bool, int, float or str
        Sets the type as well.
    low, high : int or float, optional
        Range of a number, both ends included.
    choices : tuple of str
        The values of a closed set; empty for any.
    change : Change
    """

    name: str
    default: Value
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    change: Change = Change.UNCONFIGURED

    def describe(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows, and rclpy checks ranges by."""
        descriptor = ParameterDescriptor(name=self.name, description=self.description)
        constraints = [f'one of {", ".join(self.choices)}'] if self.choices else []
        constraints.append(f'can be changed {self.change.value}')
        descriptor.additional_constraints = '; '.join(constraints)
        if self.low is None or self.high is None:
            return descriptor
        if isinstance(self.default, int):
            span = IntegerRange(from_value=int(self.low), to_value=int(self.high), step=0)
            descriptor.integer_range = [span]
        else:
            span = FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
            descriptor.floating_point_range = [span]
        return descriptor

    def find_fault(self, value: object) -> str:
        """Return why the node would not start with `value`; '' if it would."""
        wanted = type(self.default)
        if not isinstance(value, (bool, int, float, str)) or type(value) is not wanted:
            advice = f': write {float(value)}' if type(value) is int and wanted is float else ''
            return f'{self.name} is {value!r}, must be of type {wanted.__name__}{advice}'
        low, high = self.low, self.high
        if low is not None and high is not None and not low <= float(value) <= high:  # nor is NaN
            return f'{self.name} is {value!r}, must be from {low:g} to {high:g}'
        return self.refuse(value, configured=False)

    def refuse(self, value: Value, *, configured: bool) -> str:
        """Return why `value` cannot be set now; '' if it can. rclpy checks type and range."""
        if self.choices and value not in self.choices:
            return f'{self.name} is {value!r}: choose one of {", ".join(self.choices)}'
        if configured and self.change is Change.UNCONFIGURED:
            return (
                f'{self.name} is used while the node is configured: deactivate and clean up the '
                'node (ros2 lifecycle set NODE deactivate, then cleanup), set it, configure again'
            )
        return ''


QOS_OVERRIDES = 'qos_overrides.'
"""Begins the names of parameters that ROS itself declares, for topics whose QoS may be set."""

USE_SIM_TIME = NodeParameter('use_sim_time', False, 'Take the time of /clock')
"""What ROS declares for every node."""


def declare(node: Node, parameters: Iterable[NodeParameter]) -> None:
    """Declare all; raises an rclpy exception that names the value where one does not fit."""
    for parameter in parameters:
        node.declare_parameter(parameter.name, parameter.default, parameter.describe())


def check_change(
    parameters: Sequence[NodeParameter], changes: Sequence[Parameter], *, configured: bool
) -> SetParametersResult:
    """Refuse the changes with a reason, or let them pass; others' parameters always pass."""
    by_name = {parameter.name: parameter for parameter in parameters}
    for change in changes:
        known = by_name.get(change.name)
        reason = known.refuse(change.value, configured=configured) if known else ''
        if reason:
            return SetParametersResult(successful=False, reason=reason)
    return SetParametersResult(successful=True)

"""Options of the command line as arguments and parameter files of ROS."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ros2_hand_action.errors import ConfigError, did_you_mean
from ros2_hand_action.ros_names import is_relative_name

if TYPE_CHECKING:
    from ros2_hand_action.nodes.parameters import NodeParameter

_ASSIGN = ':='


def make_ros_arguments(
    *, params: Sequence[Path], remaps: Sequence[str], namespace: str | None
) -> list[str]:
    """Return the options as arguments of ROS; later parameter files win.

    Raises
    ------
    ConfigError
        If a parameter file is missing, or a namespace or remapping malformed.
    """
    arguments = ['--ros-args']
    for path in params:
        if not path.is_file():
            raise ConfigError(f'no such parameter file: {str(path)!r}')
        arguments += ['--params-file', str(path)]
    if namespace:
        arguments += ['-r', f'__ns:=/{_check_namespace(namespace)}']
    for remap in remaps:
        if _ASSIGN not in remap:
            raise ConfigError(f'--remap {remap!r} is not of the form FROM:=TO')
        arguments += ['-r', remap]
    return arguments


def read_overrides(
    assignments: Sequence[str], tables: 'Mapping[str, Sequence[NodeParameter]]'
) -> dict[str, Any]:
    """Return assignments as the content of a parameter file, for nodes in any namespace.

    ROS's own -p knows no namespaces, takes 0 for a text as a number, and ignores wrong names.

    Parameters
    ----------
    assignments : sequence of str
        NODE.NAME:=VALUE, or NAME:=VALUE for a parameter that all nodes have.
    tables : mapping of str to sequence of NodeParameter
        Node that runs -> all its parameters.

    Raises
    ------
    ConfigError
        If one is malformed, names no node that runs or no parameter of it, or has a value that
        the node does not take.
    """
    content: dict[str, Any] = {'/**': {'ros__parameters': {}}}
    for text in assignments:
        name, assign, value = text.partition(_ASSIGN)
        node, dot, parameter = name.rpartition('.')
        if not assign or not name:
            raise ConfigError(f'-p {text!r} is not of the form NODE.NAME:=VALUE')
        if dot and node not in tables:
            hint = did_you_mean(node, tables)
            raise ConfigError(f'-p {text!r} names no node that runs{hint}: {", ".join(tables)}')
        known = _find_parameter(text, node, parameter, tables)
        entry = content.setdefault(f'/**/{node}' if dot else '/**', {'ros__parameters': {}})
        entry['ros__parameters'][parameter] = _read_value(text, value, known)
    return content


def _find_parameter(
    assignment: str, node: str, name: str, tables: 'Mapping[str, Sequence[NodeParameter]]'
) -> 'NodeParameter':
    """Return a parameter of a node, or of all where `node` is ''."""
    having = [key for key, table in tables.items() if name in {each.name for each in table}]
    wanted = [node] if node else list(tables)
    if set(wanted) <= set(having):
        return next(each for each in tables[wanted[0]] if each.name == name)
    if not node and having:
        raise ConfigError(
            f'-p {assignment!r} names no node, and not all have a parameter {name}: write '
            + ' or '.join(f'{key}.{assignment}' for key in having)
        )
    names = dict.fromkeys(each.name for key in wanted for each in tables[key])
    hint = did_you_mean(name, names)
    if not hint and node:
        hint = f'; there are {", ".join(names)}'
    raise ConfigError(f'-p {assignment!r} names no parameter{hint}')


def _check_namespace(text: str) -> str:
    """Return a namespace without the slashes around it; raises ConfigError."""
    name = text.strip('/')
    if not is_relative_name(name):
        raise ConfigError(
            f'--namespace is {text!r}, no name in ROS: letters, digits and _, no digit first, '
            'joined by /'
        )
    return name


def _read_value(assignment: str, text: str, parameter: 'NodeParameter') -> Any:
    """Return a value of the type of the default.

    ROS would keep the value of an earlier file where a later one has another type.
    """
    value: Any = text
    if not isinstance(parameter.default, str):
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(
                f'-p {assignment!r} has a value that is no YAML: {error}'
            ) from error
    if isinstance(parameter.default, float) and type(value) is int:
        value = float(value)
    fault = parameter.find_fault(value)
    if fault:
        raise ConfigError(f'-p {assignment!r}: {fault}')
    return value

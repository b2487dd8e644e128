"""A parameter file of the nodes, read without ROS."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml

from ros2_hand_action.errors import ConfigError, ParameterFileError

FIXED = frozenset({
    'lost_search_interval_ns', 'lost_memory_ns', 'largest_step_ns', 'maximum_gap_ns', 'pause_ns',
})
"""Fields of options dataclasses that no node has a parameter for; `pause_ns` is one of actions
only."""

EVERY_NODE = ('*', '**')
"""Names that stand for all nodes."""

_PARAMETERS = 'ros__parameters'
_EXPONENT = re.compile(r'[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+')
"""Numbers to ROS, texts to YAML 1.1 where they lack the point or the sign."""

_Options = TypeVar('_Options')


class FileParameter(NamedTuple):
    """One value in a parameter file; `node` is without its namespace."""

    node: str
    name: str
    value: Any
    line: int


class NodeEntry(NamedTuple):
    """What a parameter file sets for one name of a node, or for one of EVERY_NODE."""

    node: str
    line: int
    parameters: tuple[FileParameter, ...]


def read_parameter_file(path: Path) -> list[NodeEntry]:
    """Return what a parameter file sets, in its order.

    Raises
    ------
    ParameterFileError
        If the file cannot be read, or is no parameter file; names the line.
    """
    try:
        root = yaml.compose(path.read_text(encoding='utf-8'), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterFileError(
            f'parameter file {str(path)!r} cannot be read: {error}'
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        advice = ': indent by spaces, not by tabs' if "'\\t'" in str(error.problem) else ''
        raise ParameterFileError(f'{path}:{line}: no YAML: {error.problem}{advice}') from error
    except yaml.YAMLError as error:
        raise ParameterFileError(f'{path}: no YAML: {error}') from error
    return [] if root is None else list(_entries(path, root, root.start_mark.line))


def read_node_parameters(path: Path, node: str) -> dict[str, Any]:
    """Return what a parameter file sets for a node, in whatever namespace.

    Later entries win, as in ROS: '/**', '/**/NODE', '/NAMESPACE/NODE' and 'NODE' fit.

    Raises
    ------
    ParameterFileError
        If the file cannot be read, or is no parameter file.
    """
    return {
        parameter.name: parameter.value
        for entry in read_parameter_file(path)
        if entry.node in (*EVERY_NODE, node)
        for parameter in entry.parameters
    }


def check_parameter_file(path: Path | None) -> None:
    """Refuse a file that sets what no node has: a replay with it would test something else.

    None is the package's own. Names and values are checked where ROS is there, since the nodes
    know them.

    Raises
    ------
    ParameterFileError
        If it is no parameter file, or sets an unknown parameter, a node whose name is nearly one
        of ours, or a value that the node does not take.
    """
    if path is None:
        return
    try:
        from ros2_hand_action.nodes.node_classes import NODES, load_parameters
        from ros2_hand_action.nodes.parameter_check import find_faults

        tables = {name: load_parameters(name) for name in NODES}
    except ImportError as error:
        read_parameter_file(path)
        print(f'warning: names in {str(path)!r} are not checked: {error}', file=sys.stderr)
        return
    faults = [fault for found in find_faults(path, tables, NODES) for fault in found]
    if faults:
        raise ParameterFileError('\n'.join(faults))


def make_options(kind: type[_Options], values: Mapping[str, Any]) -> _Options:
    """Return an options dataclass with the parameters that are set, as the nodes make it.

    A field `NAME_ns` takes the parameter `NAME_s`; others' parameters are left alone.

    Raises
    ------
    ConfigError
        If a value is of another type, or out of its range.
    """
    chosen: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        name = f'{field.name[:-3]}_s' if field.name.endswith('_ns') else field.name
        if field.name in FIXED or name not in values:
            continue
        value = _check_type(name, values[name], field.default)
        chosen[field.name] = round(value * 1e9) if name != field.name else value
    return kind(**chosen)


def _check_type(name: str, value: Any, default: Any) -> Any:
    is_number = type(value) in (int, float) and type(default) in (int, float)
    if type(value) is type(default) or is_number:
        return value
    raise ConfigError(
        f'parameter {name} is {value!r}, must be of type {type(default).__name__}'
    )


def _entries(path: Path, mapping: yaml.Node, line: int) -> Iterator[NodeEntry]:
    """Yield the entries of a mapping of namespaces and nodes."""
    if not isinstance(mapping, yaml.MappingNode):
        raise _shape_error(path, line, f'{_shown(mapping)} stands where a node is expected')
    for key, content in mapping.value:
        name, line = str(key.value), key.start_mark.line
        if name == _PARAMETERS:
            raise _shape_error(path, line, f'{_PARAMETERS} stands under no node')
        below = dict(_pairs(content))
        if _PARAMETERS not in below:
            if not isinstance(content, yaml.MappingNode):
                raise _shape_error(path, line, f'{name!r} holds no {_PARAMETERS}')
            yield from _entries(path, content, line)
            continue
        values = below[_PARAMETERS]
        if not isinstance(values, yaml.MappingNode):
            raise _shape_error(path, line, f'{_PARAMETERS} of {name!r} are {_shown(values)}')
        node = name.rsplit('/', 1)[-1]
        yield NodeEntry(node, line + 1, tuple(_parameters(path, node, values)))


def _parameters(
    path: Path, node: str, mapping: yaml.MappingNode, prefix: str = ''
) -> Iterator[FileParameter]:
    for key, content in mapping.value:
        name = f'{prefix}{key.value}'
        if isinstance(content, yaml.MappingNode):
            yield from _parameters(path, node, content, f'{name}.')
        else:
            yield FileParameter(node, name, _value(path, content), key.start_mark.line + 1)


def _value(path: Path, node: yaml.Node) -> Any:
    try:
        value = yaml.SafeLoader('').construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise ParameterFileError(
            f'{path}:{node.start_mark.line + 1}: {node.value!r} cannot be read: {error}'
        ) from error
    is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
    if is_plain and isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    return value


def _pairs(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        yield str(key.value), value


def _shape_error(path: Path, line: int, problem: str) -> ParameterFileError:
    return ParameterFileError(
        f'{path}:{line + 1}: {problem}; a parameter file of ROS 2 has NODE, in it '
        f'{_PARAMETERS}, and in these NAME: VALUE'
    )


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.value else 'nothing'
    return 'a list'

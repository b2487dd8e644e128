"""A parameter file of the nodes, read without ROS."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ros2_hand_action.errors import ConfigError

FIXED = frozenset({
    'lost_search_interval_ns', 'lost_memory_ns', 'largest_step_ns', 'maximum_gap_ns', 'pause_ns',
})
"""Fields of options dataclasses that no node has a parameter for; `pause_ns` is one of actions
only."""

_Options = TypeVar('_Options')


def read_node_parameters(path: Path, node: str) -> dict[str, Any]:
    """Return what a parameter file sets for a node, in whatever namespace.

    Later entries win, as in ROS: '/**', '/**/NODE', '/NAMESPACE/NODE' and 'NODE' fit.

    Raises
    ------
    ConfigError
        If the file cannot be read, or is no parameter file.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8')) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'parameter file {str(path)!r} cannot be read: {error}') from error
    found: dict[str, Any] = {}
    try:
        for pattern, entry in content.items():
            if str(pattern).rsplit('/', 1)[-1] in ('**', node):
                found.update(entry['ros__parameters'])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f'{str(path)!r} is no parameter file of ROS 2: each entry must be NODE, '
            f'ros__parameters, NAME: VALUE ({error!r})'
        ) from error
    return found


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

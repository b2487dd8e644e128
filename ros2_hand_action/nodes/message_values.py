"""Messages of any type out of plain values, such as those of a YAML file."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ros2_hand_action.errors import ConfigError

_ELEMENT = re.compile(r'sequence<(?P<sequence>[^,>]+)(?:, *\d+)?>|(?P<array>[^\[]+)\[\d+\]')
_FLOATS = ('float', 'double')


def import_message_type(name: str) -> type:
    """Return the message type of a name such as 'std_msgs/msg/String'.

    Raises
    ------
    ConfigError
        If it cannot be imported.
    """
    package, _, message = name.partition('/msg/')
    try:
        found: type = getattr(import_module(f'{package}.msg'), message)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f'message type {name!r} cannot be imported ({error}): source the workspace that has '
            'it, or mind the spelling'
        ) from error
    return found


def make_message(message_type: type, values: Mapping[str, Any], fields: Mapping[str, str]) -> Any:
    """Return a message with these values; texts in them are formatted with `fields`.

    Raises
    ------
    ConfigError
        If a value does not fit its field, or there is no such field.
    """
    message = _make_checked(message_type)
    types = message.get_fields_and_field_types()
    for name, value in values.items():
        if name not in types:
            raise ConfigError(
                f'{message_type.__name__} has no field {name!r}: it has {", ".join(types)}'
            )
        try:
            setattr(message, name, _convert(value, types[name], fields))
        except (AssertionError, TypeError, ValueError, OverflowError) as error:
            raise ConfigError(
                f'{value!r} does not fit the field {name!r} of {message_type.__name__}, a '
                f'{types[name]}: {error}'
            ) from error
    return message


def _make_checked(message_type: type) -> Any:
    """Return an empty message that refuses what does not fit."""
    try:
        return message_type(check_fields=True)
    except AssertionError:  # Humble, where every message does
        return message_type()


def _convert(value: Any, type_name: str, fields: Mapping[str, str]) -> Any:
    """Return a value as the field of that type wants it."""
    element = _ELEMENT.fullmatch(type_name)
    if element is not None:
        if not isinstance(value, (list, tuple)):
            raise TypeError('a list is needed')
        inner = element['sequence'] or element['array']
        return [_convert(each, inner, fields) for each in value]
    if '/' in type_name:
        if not isinstance(value, Mapping):
            raise TypeError('a mapping is needed')
        return make_message(import_message_type(type_name.replace('/', '/msg/', 1)), value, fields)
    if type_name in _FLOATS and type(value) is int:
        return float(value)
    return value.format(**fields) if isinstance(value, str) else value

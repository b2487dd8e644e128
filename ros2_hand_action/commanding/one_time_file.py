"""Reads from YAML what is commanded once: messages and services."""

import string
from collections.abc import Iterable, Sequence

from ros2_hand_action.commanding.command_map import Call, Publish, ServiceKind
from ros2_hand_action.commanding.yaml_sections import Section

_VELOCITIES = ('geometry_msgs/msg/Twist', 'geometry_msgs/msg/TwistStamped')


def read_one_time(section: Section, fields: Sequence[str]) -> Publish | Call:
    """Return the message or service of a command; texts may name `fields` in braces.

    Raises
    ------
    ConfigError
        If anything does not fit; says file, line and reason.
    """
    if 'publish' in section:
        return _read_publish(section.section('publish'), fields)
    return _read_call(section.section('call'))


def _read_publish(section: Section, fields: Sequence[str]) -> Publish:
    publish = Publish(
        section.ros_name('topic'), section.text('type'), section.mapping('value')
    )
    parts = publish.type_name.split('/')
    if len(parts) != 3 or parts[1] != 'msg':
        raise section.error(
            f'type is {publish.type_name!r}, not of the form PACKAGE/msg/NAME', 'type'
        )
    if publish.type_name in _VELOCITIES:
        raise section.error(
            f'type is {publish.type_name!r}: no velocity by publish, as nothing limits or ends '
            "it; use 'velocity' of a gesture", 'type',
        )
    for text in _texts_in(publish.value):
        _check_fields(section, text, fields)
    section.finish()
    return publish


def _check_fields(section: Section, text: str, fields: Sequence[str]) -> None:
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        text.format(**dict.fromkeys(fields, ''))
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise section.error(
            f'text {text!r} has braces that name none of {", ".join(fields)} ({error}); '
            'write {{ and }} for braces', 'value',
        ) from error
    if not named <= {*fields}:
        raise section.error(f'text {text!r} may name only {", ".join(fields)}', 'value')


def _texts_in(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each)


def _read_call(section: Section) -> Call:
    kinds = {kind.value: kind for kind in ServiceKind}
    kind = kinds[section.choice('type', kinds)]
    if kind is ServiceKind.TRIGGER and 'data' in section:
        raise section.error(f'{kind.value} takes no data', 'data')
    data = section.flag('data') if kind is ServiceKind.SET_BOOL else False
    call = Call(section.ros_name('service'), kind, data)
    section.finish()
    return call

"""Definitions of message types for bags: the common ones are known, others are looked up."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ros2_hand_action.errors import ConfigError, MediaError
from ros2_hand_action.resources import PACKAGE_NAME, message_path


class MessageTypes:
    """Message types by name, looked up where ROS packages are installed when first asked for."""

    def __init__(self) -> None:
        self.store: Typestore = get_typestore(Stores.ROS2_HUMBLE)

    def learn(self, name: str) -> None:
        """Make a type known, such as 'nav_msgs/msg/Odometry', and those that it consists of.

        Raises
        ------
        MediaError
            If its definition is not found or cannot be read.
        """
        found: dict[str, Any] = {}
        self._collect(name, found)
        if found:
            self.store.register(found)

    def _collect(self, name: str, found: dict[str, Any]) -> None:
        if name in self.store.types or name in found:
            return
        try:
            types = get_types_from_msg(_read_definition(name), name)
        except (TypesysError, UnicodeDecodeError, OSError) as error:
            raise MediaError(f'the definition of {name!r} cannot be read: {error}') from error
        found.update(types)
        for _, fields in types.values():
            for _, kind in fields:
                for inner in _names(kind):
                    self._collect(inner, found)


def _names(kind: Any) -> Iterator[str]:
    """Yield the names of types in the description of a field."""
    if isinstance(kind, str) and kind.count('/') == 2:
        yield kind
    elif isinstance(kind, tuple):
        for part in kind:
            yield from _names(part)


def _read_definition(name: str) -> str:
    package, _, message = name.split('/')
    if package == PACKAGE_NAME:
        try:
            return message_path(f'{message}.msg').read_text(encoding='utf-8')
        except ConfigError as error:
            raise MediaError(str(error)) from error
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    for prefix in filter(None, prefixes):
        path = Path(prefix) / 'share' / package / 'msg' / f'{message}.msg'
        if path.is_file():
            return path.read_text(encoding='utf-8')
    raise MediaError(
        f'no definition of {name!r}: source the workspace that has the package {package!r}'
    )

"""A YAML file whose every mistake is told with file, line and reason."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from ros2_hand_action.errors import ConfigError, did_you_mean
from ros2_hand_action.ros_names import is_name

_REQUIRED: Any = object()


class Section:
    """A mapping in a YAML file; keys are taken one by one, and what is left over is refused.

    Every method raises ConfigError, with file and line, where the value does not fit. Call
    `finish` when all keys are taken.

    Parameters
    ----------
    path : Path
    node : yaml.Node
        As `yaml.compose` returns it.
    what : str
        What the mapping describes, for messages.
    """

    def __init__(self, path: Path, node: yaml.Node, what: str) -> None:
        self._path, self._node, self._what = path, node, what
        self._nodes: dict[str, yaml.Node] = {}
        self._known: list[str] = []
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f'{what} must be a mapping, not {_shown(node)}')
        for key, value in node.value:
            name = str(key.value)
            if name in self._nodes:
                raise self._error(key, f'{what} has {name!r} twice')
            self._nodes[name] = value

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    @property
    def where(self) -> str:
        """File and line at which it begins."""
        return f'{self._path}:{self._node.start_mark.line + 1}'

    def error(self, reason: str, key: str = '') -> ConfigError:
        """Return an error at the line of a key's value, or of the whole."""
        return self._error(self._nodes.get(key, self._node), reason)

    def text(self, key: str, default: str = _REQUIRED) -> str:
        """Return a text that is not empty."""
        value = self._plain(key, default)
        if value is not default and not (isinstance(value, str) and value):
            raise self.error(f'{key} must be a text, not {value!r}: put it into quotes', key)
        return str(value)

    def ros_name(self, key: str, default: str = _REQUIRED) -> str:
        """Return the name of a topic or service."""
        value = self.text(key, default)
        if not is_name(value):
            raise self.error(
                f'{key} is {value!r}, no name in ROS: letters, digits and _, joined by /', key
            )
        return value

    def flag(self, key: str, default: bool = _REQUIRED) -> bool:
        """Return true or false."""
        value = self._plain(key, default)
        if not isinstance(value, bool):
            raise self.error(f'{key} must be true or false, not {value!r}', key)
        return value

    def number(self, key: str, low: float, high: float, default: float = _REQUIRED) -> float:
        """Return a finite number from `low` to `high`."""
        value = self._plain(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(f'{key} must be a number, not {value!r}', key)
        if not low <= value <= high:  # nor is NaN
            raise self.error(f'{key} is {value!r}, must be from {low:g} to {high:g}', key)
        return float(value)

    def choice(self, key: str, choices: Iterable[str], default: str = _REQUIRED) -> str:
        """Return one of a closed set of texts."""
        value, known = self._plain(key, default), list(choices)
        if value not in known:
            raise self.error(f'{key} is {value!r}: choose one of {", ".join(known)}', key)
        return str(value)

    def texts(self, key: str, default: Sequence[str] = _REQUIRED) -> tuple[str, ...]:
        """Return a list of texts that is not empty."""
        value = self._plain(key, default)
        is_list = isinstance(value, list) and value
        if value is not default and not (
            is_list and all(isinstance(each, str) and each for each in value)
        ):
            raise self.error(f'{key} must be a list of texts, not {value!r}', key)
        return tuple(value)

    def mapping(self, key: str) -> dict[str, Any]:
        """Return a mapping as plain values; empty where it is absent."""
        value = self._plain(key, {})
        if not isinstance(value, dict):
            raise self.error(f'{key} must be a mapping, not {value!r}', key)
        return value

    def section(self, key: str) -> 'Section':
        """Return a mapping below a key; an empty one where it is absent."""
        self._known.append(key)
        node = self._nodes.get(key) or yaml.MappingNode(
            'tag:yaml.org,2002:map', [], self._node.start_mark, self._node.end_mark
        )
        return Section(self._path, node, key)

    def required_section(self, key: str) -> 'Section':
        """Return a mapping below a key that must be there."""
        if key not in self._nodes:
            raise self._lacks(key)
        return self.section(key)

    def sections(self, key: str, what: str) -> list['Section']:
        """Return a list of mappings that is not empty."""
        self._known.append(key)
        node = self._nodes.get(key)
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self.error(f'{self._what} needs {key!r}, a list of at least one {what}', key)
        return [Section(self._path, each, what) for each in node.value]

    def finish(self) -> None:
        """Refuse the keys that nobody took."""
        for key, node in self._nodes.items():
            if key not in self._known:
                advice = did_you_mean(key, self._known) or f': it takes {", ".join(self._known)}'
                raise self._error(node, f'{self._what} takes no {key!r}{advice}')

    def _plain(self, key: str, default: Any) -> Any:
        self._known.append(key)
        node = self._nodes.get(key)
        if node is None:
            if default is _REQUIRED:
                raise self._lacks(key)
            return default
        try:
            return yaml.SafeLoader('').construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            raise self.error(f'{key} cannot be read: {error}', key) from error

    def _lacks(self, key: str) -> ConfigError:
        meant = get_close_matches(key, self._nodes.keys() - {*self._known}, n=1)
        advice = f': is {meant[0]!r} meant to be it?' if meant else ''
        return self.error(f'{self._what} lacks {key!r}{advice}')

    def _error(self, node: yaml.Node, reason: str) -> ConfigError:
        return ConfigError(f'{self._path}:{node.start_mark.line + 1}: {reason}')


def read_sections(path: Path, what: str) -> Section:
    """Return the mapping that a YAML file holds.

    Raises
    ------
    ConfigError
        If it cannot be read, is no YAML, or holds something else.
    """
    try:
        node = yaml.compose(path.read_text(encoding='utf-8'), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f'{what} {str(path)!r} cannot be read: {error}') from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f'{what} {str(path)!r} cannot be read: it is no text, so name a YAML file ({error})'
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(f'{path}:{line}: no YAML: {error.problem}') from error
    except yaml.YAMLError as error:
        raise ConfigError(f'{path}: no YAML: {error}') from error
    if node is None:
        raise ConfigError(f'{path}: the file is empty, expected {what}')
    return Section(path, node, what)


def _shown(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else 'a list'

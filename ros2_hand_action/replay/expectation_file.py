"""Files of expectations, `*.replay.yaml`: what is replayed, how, and what must come of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ros2_hand_action.errors import ExpectationError, did_you_mean
from ros2_hand_action.replay.expectation_grammar import Place, parse_expectation
from ros2_hand_action.replay.expectations import Expectation

SUFFIX = '.replay.yaml'
"""What names of such files end with; before it stands the name of what is replayed."""

KEYS = ('source', 'replay', 'expect', 'golden', 'tolerances', 'damaged')
_NOT_MEDIA = ('.yaml', '.json', '.xml', '.html', '.md', '.txt', '.py')


@dataclass(frozen=True)
class ExpectationFile:
    """One file.

    Attributes
    ----------
    path : Path
    source : str
        As written: a path relative to the file's folder, or 'demo:NAME'; '' where the file lies
        beside what it judges.
    replay : mapping of str to value
        Options of the replay.
    replay_places : mapping of str to str
        File, line and column of each of them.
    expectations : tuple of Expectation
    golden : Path or None
        Results that a replay gave before.
    tolerances : mapping of str to value
        What differs from the common tolerances.
    is_damaged : bool
        Whether it is known that the source cannot be read to its end, or has no index.
    """

    path: Path
    source: str = ''
    replay: Mapping[str, Any] = field(default_factory=dict)
    replay_places: Mapping[str, str] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    golden: Path | None = None
    tolerances: Mapping[str, Any] = field(default_factory=dict)
    is_damaged: bool = False

    def find_source(self) -> str:
        """Return what is to be replayed: a path or 'demo:NAME'.

        Raises
        ------
        ExpectationError
            If there is none, or more than one beside the file.
        """
        if self.source.startswith('demo:'):
            return self.source
        if self.source:
            path = self.path.parent / self.source
            if not path.exists():
                raise ExpectationError(
                    f'{self.path}: there is no source {str(path)!r}: correct `source`'
                )
            return str(path)
        return str(self._find_beside())

    def _find_beside(self) -> Path:
        name = self.path.name.removesuffix(SUFFIX)
        exact = self.path.with_name(name)
        if exact.exists():
            return exact
        found = [
            path for path in sorted(self.path.parent.glob(f'{name}.*'))
            if path.suffix not in _NOT_MEDIA and path.stem == name
        ]
        if len(found) != 1:
            what = f'{len(found)} sources ({", ".join(p.name for p in found)})' if found else (
                'no source')
            raise ExpectationError(
                f'{self.path}: {what} of the name {name!r} beside it: write `source: PATH` into it'
            )
        return found[0]


def expectation_path(source: Path) -> Path | None:
    """Return the expectation file beside a bag, video or folder; None where there is none."""
    place = source.resolve()
    names = dict.fromkeys((place.name + SUFFIX, place.stem + SUFFIX))
    candidates = (place.parent / name for name in names)
    return next((path for path in candidates if path.is_file()), None)


def read_expectation_file(path: Path) -> ExpectationFile:
    """Read and check a file.

    Raises
    ------
    ExpectationError
        If it cannot be read or used; names the line and column.
    """
    try:
        text = path.read_text(encoding='utf-8')
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ExpectationError(f'cannot read expectations {str(path)!r}: {error}') from error
    except yaml.YAMLError as error:
        raise ExpectationError(f'{path}{_explain(error)}') from error
    parts = dict(_read_parts(root, path))
    if 'expect' not in parts and 'golden' not in parts:
        raise ExpectationError(f'{path}:1:1: neither `expect` nor `golden` is there: add one')
    golden = _read_text(parts.get('golden'), path)
    return ExpectationFile(
        path,
        _read_text(parts.get('source'), path),
        _read_options(parts.get('replay'), path),
        _read_places(parts.get('replay'), path),
        tuple(_read_lines(parts.get('expect'), path, text)),
        path.parent / golden if golden else None,
        _read_options(parts.get('tolerances'), path),
        _read_switch(parts.get('damaged'), path),
    )


def _read_parts(root: yaml.Node | None, path: Path) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(root, yaml.MappingNode):
        raise ExpectationError(f'{path}:1:1: not a mapping; allowed keys: {", ".join(KEYS)}')
    for key, value in root.value:
        if key.value not in KEYS:
            hint = did_you_mean(str(key.value), KEYS)
            raise _error(path, key, f'{key.value!r} is no key{hint}; allowed: {", ".join(KEYS)}')
        yield key.value, value


def _read_lines(node: yaml.Node | None, path: Path, text: str) -> Iterator[Expectation]:
    if node is None:
        return
    if not isinstance(node, yaml.SequenceNode):
        raise _error(path, node, '`expect` is no list: write `- ` before each expectation')
    if not node.value:
        raise _error(path, node, '`expect` is empty: write an expectation, or leave it out')
    for entry in node.value:
        yield parse_expectation(*_read_line(entry, path, text))


def _read_line(entry: yaml.Node, path: Path, text: str) -> tuple[str, Place]:
    """Return an entry as it was written: YAML takes 'never: stop' for a mapping."""
    begin, end = entry.start_mark, entry.end_mark
    place = Place(str(path), begin.line + 1, begin.column + 1)
    if isinstance(entry, yaml.ScalarNode) and entry.style in ('"', "'"):
        return str(entry.value), place._replace(column=place.column + 1)
    if isinstance(entry, yaml.MappingNode):
        if len(entry.value) != 1 or not isinstance(entry.value[0][1], yaml.ScalarNode):
            raise _error(path, entry, 'this is not one line: write `- ` before each expectation')
        end = entry.value[0][1].end_mark
    written = text[begin.index:end.index].rstrip()
    if '\n' in written or isinstance(entry, yaml.SequenceNode):
        raise _error(path, entry, 'this is not one line: write `- ` before each expectation')
    return written, place


def _read_options(node: yaml.Node | None, path: Path) -> dict[str, Any]:
    if node is None:
        return {}
    try:
        value = yaml.SafeLoader('').construct_document(node)
    except yaml.YAMLError as error:
        raise ExpectationError(f'{path}{_explain(error)}') from error
    if not isinstance(value, dict):
        raise _error(path, node, 'this is no mapping: write `name: value` lines')
    return value


def _read_places(node: yaml.Node | None, path: Path) -> dict[str, str]:
    entries = node.value if isinstance(node, yaml.MappingNode) else ()
    return {str(key.value): f'{path}:{_line_and_column(key)}' for key, _ in entries}


def _read_text(node: yaml.Node | None, path: Path) -> str:
    if node is None:
        return ''
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        raise _error(path, node, 'this is no text: write a path')
    return str(node.value)


def _read_switch(node: yaml.Node | None, path: Path) -> bool:
    if node is not None and node.value not in ('true', 'false'):
        raise _error(path, node, 'this is neither true nor false')
    return node is not None and node.value == 'true'


def _error(path: Path, node: yaml.Node, text: str) -> ExpectationError:
    return ExpectationError(f'{path}:{_line_and_column(node)}: {text}')


def _line_and_column(node: yaml.Node) -> str:
    return f'{node.start_mark.line + 1}:{node.start_mark.column + 1}'


def _explain(error: yaml.YAMLError) -> str:
    mark = getattr(error, 'problem_mark', None)
    place = f':{mark.line + 1}:{mark.column + 1}' if mark else ''
    return f'{place}: not YAML: {getattr(error, "problem", None) or error}'

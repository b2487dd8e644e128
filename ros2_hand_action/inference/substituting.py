"""Another file in a network's place, to see what a version of it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_substitutes: dict[Path, Path] = {}


@contextmanager
def open_instead(path: Path, file: Path) -> Iterator[None]:
    """Let sessions of the network `path` that are opened meanwhile have `file`, as it is.

    `file` may be `path`: it is then opened as it is whatever precision is asked for.
    """
    _substitutes[path] = file
    try:
        yield
    finally:
        del _substitutes[path]


def find_substitute(path: Path) -> Path | None:
    """Return the file that is to be opened as it is in the place of `path`, if there is one."""
    return _substitutes.get(path)

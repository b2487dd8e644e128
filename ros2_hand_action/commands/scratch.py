"""Folders for the time of a command, which are gone after it, even where it was killed."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK, _NEW_LOCK = '.lock', '.lock.new'  # hidden: a job may be named 'lock'


@contextmanager
def scratch_folder(
    prefix: str, parent: Path | None = None, *, on_left: Callable[[Path], object] = lambda _: None
) -> Iterator[Path]:
    """Make a folder, and remove it at the end.

    Those that killed processes left are removed first: the lock in each was freed by the death of
    its process.

    Parameters
    ----------
    prefix : str
        Of the folder's name, of this command alone.
    parent : Path, optional
        Where it is made; the system's temporary folder if not given.
    on_left : callable
        Called with each folder that was left, before it is removed.
    """
    place = parent or Path(tempfile.gettempdir())
    for left in place.glob(f'{prefix}*'):
        _remove_left(left, on_left)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place) as name:
        folder = Path(name)
        with (folder / _NEW_LOCK).open('w') as lock:
            with suppress(OSError):  # a file system without locks: nobody will remove it
                fcntl.flock(lock, fcntl.LOCK_EX)
                (folder / _NEW_LOCK).rename(folder / _LOCK)  # seen by others only when held
            yield folder


def _remove_left(folder: Path, on_left: Callable[[Path], object]) -> None:
    with suppress(OSError), (folder / _LOCK).open('r+') as lock:  # of others, in use, or gone
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        on_left(folder)
        shutil.rmtree(folder, ignore_errors=True)

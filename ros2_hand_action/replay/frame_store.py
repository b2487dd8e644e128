"""Recorded frames on disk, used like a tuple: memory stays the same however long a bag is."""

import pickle
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.recording import RecordedFrame


class FrameStore(Sequence[RecordedFrame]):
    """A sequence of frames in a file of this process or one that it started.

    Parameters
    ----------
    path : Path
        A file that `FrameWriter` wrote.
    offsets : array of unsigned 64-bit integers
        Where each frame begins.
    """

    def __init__(self, path: Path, offsets: 'array[int]') -> None:
        self.path = path
        self._offsets = offsets

    def moved_to(self, path: Path) -> 'FrameStore':
        """Return the same frames, whose file lies elsewhere now."""
        return FrameStore(path, self._offsets)

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, index: int) -> RecordedFrame: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[RecordedFrame, ...]: ...

    def __getitem__(
        self, index: int | slice
    ) -> RecordedFrame | tuple[RecordedFrame, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        with self.path.open('rb') as file:
            file.seek(self._offsets[index])
            return _load(file)

    def __iter__(self) -> Iterator[RecordedFrame]:
        with self.path.open('rb') as file:
            for _ in self._offsets:
                yield _load(file)


class FrameWriter:
    """Writes the file of a FrameStore.

    Parameters
    ----------
    path : Path
        Is replaced.

    Raises
    ------
    MediaError
        If the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets = array('Q')
        try:
            self._file = path.open('wb')
        except OSError as error:
            raise MediaError(f'cannot write {str(path)!r}: {error}') from error

    def write(self, frame: RecordedFrame) -> None:
        """Append a frame."""
        self._offsets.append(self._file.tell())
        pickle.dump(frame, self._file, pickle.HIGHEST_PROTOCOL)

    def close(self) -> FrameStore:
        """Finish the file and return what reads it."""
        self._file.close()
        return FrameStore(self._path, self._offsets)


def _load(file: object) -> RecordedFrame:
    frame: RecordedFrame = pickle.load(file)  # type: ignore[arg-type]
    return frame

"""A bag that is written while messages come, and can be read whatever ends the recording."""

import errno
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import StoragePlugin, WriterError
from rosbags.rosbag2.storage_mcap import McapWriter

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.mcap_writer import METADATA_VERSION, McapBagWriter
from ros2_hand_action.replay.message_types import MessageTypes

_FLUSH_S = 1.0
"""At most so much is lost where the process is killed."""

_MB = 1_000_000
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class RecordingBag:
    """Writes serialised messages into a rosbag2 folder (mcap); a context manager.

    Of a recording that ends with an error before its first message nothing stays.

    Parameters
    ----------
    path : Path
        Folder, which must not exist.
    min_free_mb : float
        The recording ends with an error where less is free on the disk, while the bag can still
        be finished.
    clock_s : callable
        Steady time in seconds.

    Attributes
    ----------
    counts : dict of str to int
        Topic -> messages that were written.

    Raises
    ------
    MediaError
        If the folder exists or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        *,
        min_free_mb: float = 200.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._min_free_mb = min_free_mb
        self._clock_s = clock_s
        self._types = MessageTypes()
        self._connections: dict[str, Connection] = {}
        self.counts: dict[str, int] = {}
        self._check_space()
        try:
            self._writer = McapBagWriter(
                path, version=METADATA_VERSION, storage_plugin=StoragePlugin.MCAP
            )
            self._writer.open()
        except (OSError, WriterError) as error:
            raise MediaError(
                f'cannot record into {str(path)!r} ({error}): choose another --out'
            ) from error
        self._flushed_s = clock_s()

    def add_topic(self, topic: str, message_type: str, qos: Sequence[Qos]) -> None:
        """Announce a topic.

        Raises
        ------
        MediaError
            If the definition of its type is not found.
        """
        self._types.learn(message_type)
        self._connections[topic] = self._writer.add_connection(
            topic, message_type, typestore=self._types.store, offered_qos_profiles=qos
        )
        self.counts[topic] = 0

    def write(self, topic: str, log_ns: int, message: bytes) -> None:
        """Append a serialised message of an announced topic.

        Raises
        ------
        MediaError
            If it cannot be written, or the disk is nearly full. What was written before can be
            read.
        """
        try:
            self._writer.write(self._connections[topic], log_ns, message)
            self.counts[topic] += 1
            if self._clock_s() - self._flushed_s >= _FLUSH_S:
                self.flush()
        except OSError as error:
            raise self._explain(error) from error

    def flush(self) -> None:
        """Hand all messages to the system; raises MediaError as `write`."""
        self._flushed_s = self._clock_s()
        storage = self._writer.storage
        assert isinstance(storage, McapWriter)
        try:
            if storage.chunk.msgs:
                storage.close_chunk()
            storage.bio.flush()
        except OSError as error:
            raise self._explain(error) from error
        self._check_space()

    def close(self) -> None:
        """Write index and metadata; raises MediaError where that is impossible."""
        try:
            self._writer.close()
        except OSError as error:
            with suppress(OSError):
                self._writer.abort()
            raise self._explain(error) from error

    def __enter__(self) -> 'RecordingBag':
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:  # the first error is the one to tell
            with suppress(MediaError):
                self.close()
            if not any(self.counts.values()):  # else the next attempt would find its folder taken
                shutil.rmtree(self._path, ignore_errors=True)

    def _check_space(self) -> None:
        absolute = self._path.absolute()
        there = next(each for each in (absolute, *absolute.parents) if each.exists())
        free_mb = shutil.disk_usage(there).free / _MB
        if free_mb < self._min_free_mb:
            raise MediaError(
                f'only {free_mb:.0f} MB are free for {str(self._path)!r}, less than '
                f'{self._min_free_mb:.0f} MB: {self._advise()}'
            )

    def _explain(self, error: OSError) -> MediaError:
        what = 'the disk is full' if error.errno in _FULL else str(error)
        return MediaError(f'cannot write {str(self._path)!r}, {what}: {self._advise()}')

    def _advise(self) -> str:
        total = sum(self.counts.values())
        return (
            f'the {total} messages before can be read; make room, or choose another --out or '
            'fewer topics'
        )

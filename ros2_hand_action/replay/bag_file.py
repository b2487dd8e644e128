"""One file of a bag: its topics and messages, up to the damage where it is damaged."""

import struct
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backports import zstd
from rosbags.rosbag1 import Reader as Ros1Reader
from rosbags.rosbag2 import Reader as Ros2Reader

from ros2_hand_action.errors import MediaError

SUFFIXES = ('.mcap', '.db3', '.bag')
ZSTD_SUFFIX = '.zstd'
ROS1_SUFFIX = '.bag'
_ZSTD_MAGIC = struct.pack('<I', 0xFD2FB528)


class BagDamageError(MediaError):
    """A bag's file cannot be read any further; the message names the file and the place."""


@dataclass(frozen=True)
class BagTopic:
    """One topic of a bag; `count` is that of its messages, None where it is not known."""

    name: str
    type: str
    count: int | None = None


@dataclass(frozen=True)
class BagMessage:
    """One message: the time at which it was recorded, and its bytes."""

    topic: str
    log_ns: int
    data: bytes


class BagFile(ABC):
    """A file of a bag; iterate over the messages as often as you like.

    Attributes
    ----------
    topics : tuple of BagTopic
    begin_ns, end_ns : int or None
        Recording times of the first and last message, None where they are not known.
    damage : str
        What is wrong with the file; '' as long as nothing is known to be.
    """

    topics: tuple[BagTopic, ...] = ()
    begin_ns: int | None = None
    end_ns: int | None = None
    damage: str = ''

    @abstractmethod
    def messages(
        self, topics: Collection[str], begin_ns: int | None, end_ns: int | None
    ) -> Iterator[BagMessage]:
        """Yield messages in the order of their recording.

        Parameters
        ----------
        topics : collection of str
            Names; empty for none.
        begin_ns, end_ns : int or None
            Recording times, the second one excluded.

        Raises
        ------
        BagDamageError
            Where the file cannot be read any further.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the file; may be called again."""


class WholeFile(BagFile):
    """A file that is complete, read through its index by rosbags."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: Any = (Ros1Reader if path.suffix == ROS1_SUFFIX else Ros2Reader)(path)
        try:
            self._reader.open()
        except Exception as error:  # rosbags raises whatever its parts raise on damaged bytes
            raise BagDamageError(f'{str(path)!r}: {error}') from error
        counts: dict[tuple[str, str], int] = {}
        for each in self._reader.connections:
            key = (each.topic, each.msgtype)
            counts[key] = counts.get(key, 0) + each.msgcount
        self.topics = tuple(BagTopic(*key, count) for key, count in sorted(counts.items()))
        if self._reader.message_count:
            self.begin_ns, self.end_ns = self._reader.start_time, self._reader.end_time - 1

    def messages(
        self, topics: Collection[str], begin_ns: int | None, end_ns: int | None
    ) -> Iterator[BagMessage]:
        """See BagFile."""
        connections = [each for each in self._reader.connections if each.topic in topics]
        if not connections:
            return
        log_ns = None
        try:
            for connection, log_ns, data in self._reader.messages(connections, begin_ns, end_ns):
                yield BagMessage(connection.topic, log_ns, unpack(data))
        except Exception as error:  # as above
            after = 'before its first message' if log_ns is None else (
                f'after the message recorded at {log_ns / 1e9:.9f} s'
            )
            raise BagDamageError(f'{str(self._path)!r} {after}: {error}') from error

    def close(self) -> None:
        """Close the file."""
        with suppress(Exception):  # it was closed before
            self._reader.close()


def open_bag_file(path: Path) -> BagFile:
    """Open one file of a bag; where its index is missing or damaged, what can be read is.

    Raises
    ------
    BagDamageError
        If nothing of it can be read.
    """
    from ros2_hand_action.replay.mcap_salvage import McapSalvage
    from ros2_hand_action.replay.sqlite_salvage import SqliteSalvage, find_cut

    try:
        with path.open('rb') as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise BagDamageError(f'{str(path)!r} cannot be read: {error}') from error
    if is_empty:
        raise BagDamageError(f'{str(path)!r} is empty: the recorder wrote nothing')
    try:
        opened = WholeFile(path)
        opened.damage = find_cut(path) if path.suffix == '.db3' else ''
        return opened
    except BagDamageError as error:
        if path.suffix == '.mcap':
            return McapSalvage(path, str(error))
        if path.suffix == '.db3':
            return SqliteSalvage(path, str(error))
        raise BagDamageError(f'{error}; try: rosbag reindex {path}') from error


def unpack(data: bytes) -> bytes:
    """Return the bytes of a message that may be compressed; CDR never begins like that."""
    if data[:4] != _ZSTD_MAGIC:
        return data
    return bytes(zstd.decompress(data))

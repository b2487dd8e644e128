"""Messages of an MCAP file that has no usable index, such as one that was cut off.

Format: https://mcap.dev/spec.
"""

import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from backports import zstd
from lz4.frame import LZ4FrameDecompressor

from ros2_hand_action.replay.bag_file import BagDamageError, BagFile, BagMessage, BagTopic, unpack

_MAGIC = b'\x89MCAP0\r\n'
_RECORD = struct.Struct('<BQ')
_CHUNK = struct.Struct('<QQQI')
_MESSAGE = struct.Struct('<HIQQ')
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE_OP, _CHUNK_OP, _DATA_END = 2, 3, 4, 5, 6, 15
_LARGEST_RECORD = 1 << 30


class _Record(NamedTuple):
    """A record: its opcode, content, place in the file, and whether all of it is there."""

    opcode: int
    content: bytes
    offset: int
    is_whole: bool = True


@dataclass
class _Tables:
    """Schemas and channels that were read so far, by their numbers."""

    schemas: dict[int, str]
    channels: dict[int, BagTopic]


class McapSalvage(BagFile):
    """Reads the records of a file one after the other, up to the first that is damaged.

    Where only the index is of no use there is no damage: all messages are read.

    Parameters
    ----------
    path : Path
    reason : str
        Why it is not read through its index.

    Raises
    ------
    BagDamageError
        If it is no MCAP file, or nothing is left of it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self._path = path
        self._size = path.stat().st_size
        tables = _Tables({}, {})
        counts: dict[int, int] = {}
        try:
            for channel, log_ns, _ in self._read(tables):
                counts[channel] = counts.get(channel, 0) + 1
                self.begin_ns = log_ns if self.begin_ns is None else min(self.begin_ns, log_ns)
                self.end_ns = max(self.end_ns or 0, log_ns)
        except BagDamageError as error:
            self.damage = str(error)
        if not tables.channels:
            raise BagDamageError(self.damage or reason)
        self.topics = tuple(
            BagTopic(topic.name, topic.type, counts.get(channel, 0))
            for channel, topic in sorted(tables.channels.items())
        )

    def messages(
        self, topics: Collection[str], begin_ns: int | None, end_ns: int | None
    ) -> Iterator[BagMessage]:
        """See BagFile."""
        low, high = begin_ns or 0, 2**64 if end_ns is None else end_ns
        tables = _Tables({}, {})
        for channel, log_ns, data in self._read(tables):
            topic = tables.channels[channel]
            if topic.name in topics and low <= log_ns < high:
                yield BagMessage(topic.name, log_ns, unpack(data))

    def close(self) -> None:
        """Do nothing: the file is open only while messages are read."""

    def _read(self, tables: _Tables) -> Iterator[tuple[int, int, bytes]]:
        """Yield channel, time and data of every message, and fill the tables."""
        with self._path.open('rb') as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise BagDamageError(f'{str(self._path)!r} does not begin like an MCAP file')
            for record in self._records(file):
                if record.opcode in (_FOOTER, _DATA_END):
                    return
                yield from self._messages_of(record, tables)
                if not record.is_whole:
                    self._fail(record.offset, f'is cut off at its end, byte {self._size}')
        self._fail(self._size, 'ends without an index: the recorder did not finish it')

    def _records(self, file: BinaryIO) -> Iterator[_Record]:
        while True:
            offset = file.tell()
            head = file.read(_RECORD.size)
            if not head:
                return
            if len(head) < _RECORD.size:
                self._fail(offset, 'is cut off inside a record')
            opcode, length = _RECORD.unpack(head)
            if not opcode or length > _LARGEST_RECORD:
                self._fail(offset, f'holds no record but {head!r}')
            content = file.read(length)
            yield _Record(opcode, content, offset, len(content) == length)

    def _messages_of(
        self, record: _Record, tables: _Tables
    ) -> Iterator[tuple[int, int, bytes]]:
        try:
            if record.opcode == _CHUNK_OP:
                for inner in _chunk_records(record):
                    yield from _message(inner, tables)
            elif record.is_whole:
                yield from _message(record, tables)
        except (struct.error, ValueError, KeyError, UnicodeDecodeError) as error:
            self._fail(record.offset, f'holds a record that makes no sense ({error})')

    def _fail(self, offset: int, what: str) -> None:
        raise BagDamageError(f'{str(self._path)!r} {what}, record at byte {offset}')


def _message(record: _Record, tables: _Tables) -> Iterator[tuple[int, int, bytes]]:
    content = record.content
    if record.opcode == _MESSAGE_OP:
        channel, _, log_ns, _ = _MESSAGE.unpack_from(content)
        if channel not in tables.channels:
            raise ValueError(f'message of the unknown channel {channel}')
        yield channel, log_ns, content[_MESSAGE.size:]
    elif record.opcode == _SCHEMA:
        (number,) = struct.unpack_from('<H', content)
        tables.schemas[number], _ = _text(content, 2)
    elif record.opcode == _CHANNEL:
        number, schema = struct.unpack_from('<HH', content)
        name, _ = _text(content, 4)
        tables.channels[number] = BagTopic(name, tables.schemas.get(schema, ''))


def _chunk_records(chunk: _Record) -> Iterator[_Record]:
    """Yield the records in a chunk, as many as are whole."""
    _, _, size, checksum = _CHUNK.unpack_from(chunk.content)
    compression, place = _text(chunk.content, _CHUNK.size)
    data = _decompress(chunk.content[place + 8:], compression)
    if chunk.is_whole and (len(data) != size or (checksum and zlib.crc32(data) != checksum)):
        raise ValueError('the checksum of a chunk is wrong')
    place = 0
    while place + _RECORD.size <= len(data):
        opcode, length = _RECORD.unpack_from(data, place)
        begin = place + _RECORD.size
        place = begin + length
        if place <= len(data):
            yield _Record(opcode, data[begin:place], chunk.offset)


def _decompress(data: bytes, compression: str) -> bytes:
    """Return the content of a chunk, as far as it is there."""
    if not compression:
        return data
    if compression == 'zstd':
        try:
            return bytes(zstd.ZstdDecompressor().decompress(data))
        except zstd.ZstdError as error:
            raise ValueError(f'a chunk cannot be decompressed: {error}') from error
    if compression == 'lz4':
        try:
            return bytes(LZ4FrameDecompressor().decompress(data))
        except RuntimeError as error:
            raise ValueError(f'a chunk cannot be decompressed: {error}') from error
    raise ValueError(f'a chunk is compressed by {compression!r}')


def _text(content: bytes, place: int) -> tuple[str, int]:
    """Return a text and the place behind it."""
    (length,) = struct.unpack_from('<I', content, place)
    begin = place + 4
    if begin + length > len(content):
        raise ValueError('a text is longer than its record')
    return content[begin:begin + length].decode(), begin + length

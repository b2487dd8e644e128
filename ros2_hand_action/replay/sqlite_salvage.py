"""Messages of an sqlite3 file that was cut off or is damaged."""

import sqlite3
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

from ros2_hand_action.replay.bag_file import BagDamageError, BagFile, BagMessage, BagTopic, unpack

_HEADER = b'SQLite format 3\0'
_PAGE_SIZE_AT, _PAGE_COUNT_AT = 16, 28
"""Offsets in the file's header: https://sqlite.org/fileformat.html."""


class SqliteSalvage(BagFile):
    """Reads the rows of a file in the order in which they were written, up to the damage.

    Parameters
    ----------
    path : Path
    reason : str
        Why it is not read as usual.

    Raises
    ------
    BagDamageError
        If nothing of it can be read.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self._path = path
        self.damage = find_cut(path) or reason
        try:
            # immutable: no locks, no journal; the bag is never written to
            self._connection = sqlite3.connect(f'{path.resolve().as_uri()}?immutable=1', uri=True)
            self._connection.execute('PRAGMA writable_schema=ON')  # else a short file is refused
            rows = self._connection.execute('SELECT id, name, type FROM topics').fetchall()
        except sqlite3.Error as error:
            raise BagDamageError(f'{self.damage} ({error})') from error
        self._names = {number: name for number, name, _ in rows}
        self._count(dict.fromkeys(self._names, 0))
        self.topics = tuple(
            BagTopic(name, kind, self._counts[number]) for number, name, kind in rows
        )

    def messages(
        self, topics: Collection[str], begin_ns: int | None, end_ns: int | None
    ) -> Iterator[BagMessage]:
        """See BagFile."""
        low, high = begin_ns or 0, 2**63 if end_ns is None else end_ns
        for number, log_ns, data in self._rows('data'):
            if self._names.get(number) in topics and low <= log_ns < high:
                yield BagMessage(self._names[number], log_ns, unpack(data))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _count(self, counts: dict[int, int]) -> None:
        self._counts = counts
        try:
            for number, log_ns, _ in self._rows('1'):
                counts[number] = counts.get(number, 0) + 1
                self.begin_ns = log_ns if self.begin_ns is None else min(self.begin_ns, log_ns)
                self.end_ns = max(self.end_ns or 0, log_ns)
        except BagDamageError:
            return

    def _rows(self, content: str) -> Iterator[tuple[int, int, bytes]]:
        last = None
        try:
            # by the table itself: its index may be gone
            query = f'SELECT id, topic_id, timestamp, {content} FROM messages NOT INDEXED'
            for row, number, log_ns, data in self._connection.execute(query):
                last = row
                yield number, log_ns, data
        except sqlite3.Error as error:
            after = 'before its first row' if last is None else f'after row {last}'
            raise BagDamageError(f'{self.damage}, {after} ({error})') from error
        raise BagDamageError(self.damage)


def find_cut(path: Path) -> str:
    """Return where an sqlite3 file was cut off; '' where it was not."""
    with path.open('rb') as file:
        head = file.read(100)
    if head[: len(_HEADER)] != _HEADER or len(head) < 100:
        return f'{str(path)!r} does not begin like an sqlite3 file'
    (page_size,) = struct.unpack_from('>H', head, _PAGE_SIZE_AT)
    (page_count,) = struct.unpack_from('>I', head, _PAGE_COUNT_AT)
    promised, size = (65536 if page_size == 1 else page_size) * page_count, path.stat().st_size
    return f'{str(path)!r} is cut off at byte {size} of {promised}' if size < promised else ''

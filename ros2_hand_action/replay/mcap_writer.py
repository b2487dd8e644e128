"""Bags as MCAP with checksums, so that a reader notices a damaged one.

The writer of rosbags leaves them out. Format: https://mcap.dev/spec.
"""

import struct
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter

METADATA_VERSION: Final = 8
"""Of metadata.yaml: the newest that Humble and Jazzy both read."""

_CHECKSUM = struct.Struct('<I')
_CHUNK_CHECKSUM_AT = 1 + 8 + 3 * 8
"""In a chunk's record: behind opcode, length, two times and a size."""
_FOOTER = struct.Struct('<BQQQI8s')
"""Opcode, length, places of the summary and its offsets, checksum, magic: the file's end."""


class ChecksummedMcapWriter(McapWriter):
    """Writes the checksum of each chunk and of the summary, as mcap's own writer does."""

    def close_chunk(self) -> None:
        """Write the chunk, then its checksum into it."""
        begin, checksum = self.bio.tell(), zlib.crc32(self.chunk.bio.getbuffer())
        super().close_chunk()
        end = self.bio.tell()
        self.bio.seek(begin + _CHUNK_CHECKSUM_AT)
        self.bio.write(_CHECKSUM.pack(checksum))
        self.bio.seek(end)

    def close(self, version: int, metadata: str) -> None:
        """Finish the file, then write the checksum of its summary."""
        super().close(version, metadata)
        _seal_summary(self.path)


class McapBagWriter(Writer):
    """A writer of rosbag2 folders whose MCAP has checksums."""

    STORAGE_PLUGINS = MappingProxyType({StoragePlugin.MCAP: ChecksummedMcapWriter})


def _seal_summary(path: Path) -> None:
    with path.open('r+b') as file:
        footer_at = file.seek(-_FOOTER.size, 2)
        opcode, length, summary_at, offsets_at, _, magic = _FOOTER.unpack(file.read())
        file.seek(summary_at)
        covered = file.read(footer_at + _FOOTER.size - len(magic) - _CHECKSUM.size - summary_at)
        file.seek(footer_at)
        file.write(
            _FOOTER.pack(opcode, length, summary_at, offsets_at, zlib.crc32(covered), magic)
        )

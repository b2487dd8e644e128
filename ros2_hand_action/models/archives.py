"""One file out of wheels, tarballs and archives inside them.

Files are read by their name into memory and written under names of our own: nothing in an
archive decides where anything is written.
"""

import io
import tarfile
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO

from ros2_hand_action.errors import ModelError

_LARGEST_BYTES = 1 << 29


def read_member(archive: Path, path: Sequence[str]) -> bytes:
    """Return a file out of an archive.

    Parameters
    ----------
    archive : Path
        A zip (wheel, .task) or a tarball.
    path : sequence of str
        Names inside; all but the last are zips or tarballs themselves.

    Raises
    ------
    ModelError
        If the archive is damaged or lacks the file.
    """
    try:
        with archive.open('rb') as file:
            data = _read(file, path[0], archive.name)
        for outer, inner in pairwise(path):
            data = _read(io.BytesIO(data), inner, outer)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, RuntimeError) as error:
        raise ModelError(
            f'cannot read {path[-1]!r} out of {archive.name!r}: {error}; fetch it again'
        ) from error
    return data


def _read(file: IO[bytes], name: str, archive: str) -> bytes:
    read = _read_zip if zipfile.is_zipfile(file) else _read_tar
    file.seek(0)
    data = read(file, name)
    if data is None:
        raise ModelError(f'{archive!r} holds no file {name!r}: correct the catalogue')
    if len(data) > _LARGEST_BYTES:
        raise ModelError(f'{name!r} in {archive!r} is larger than {_LARGEST_BYTES} bytes')
    return data


def _read_zip(file: IO[bytes], name: str) -> bytes | None:
    with zipfile.ZipFile(file) as archive:
        if name not in archive.namelist():
            return None
        with archive.open(name) as member:
            return member.read(_LARGEST_BYTES + 1)


def _read_tar(file: IO[bytes], name: str) -> bytes | None:
    with tarfile.open(fileobj=file, mode='r:*') as archive:
        for member in archive:
            if member.name == name and member.isfile():
                opened = archive.extractfile(member)
                return opened.read(_LARGEST_BYTES + 1) if opened else None
    return None

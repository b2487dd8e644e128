"""Files out of wheels, tarballs and archives inside them.

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


def read_folder(archive: Path, folder: str, names: Sequence[str]) -> bytes:
    """Return files of one folder of a tarball as an uncompressed tarball of their own.

    The same files give the same bytes: their dates and owners are left out.

    Raises
    ------
    ModelError
        If the archive is no tarball, damaged, or lacks a file.
    """
    wanted = {f'{folder}/{name}': name for name in names}
    found = {}
    try:
        with tarfile.open(archive, mode='r:*') as members:
            for member in members:
                is_wanted = member.name in wanted and member.isfile()
                opened = members.extractfile(member) if is_wanted else None
                if opened is not None:
                    found[wanted[member.name]] = opened.read(_LARGEST_BYTES)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ModelError(
            f'cannot read {folder!r} out of {archive.name!r}: {error}; fetch it again'
        ) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise ModelError(
            f'{archive.name!r} holds no {missing!r} in {folder!r}: correct the catalogue'
        )
    return _pack([(name, found[name]) for name in names])


def _pack(files: Sequence[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w', format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


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

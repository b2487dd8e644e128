"""Files out of archives, and archives that are not what they should be."""

import io
import tarfile
import zipfile

import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.archives import read_member


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for name, data in members.items():
            archive.writestr(name.replace('__', '/'), data)
    return file.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w:gz') as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def save(tmp_path, data: bytes):
    path = tmp_path / 'archive'
    path.write_bytes(data)
    return path


def test_file_in_a_zip(tmp_path):
    path = save(tmp_path, zipped(folder__a=b'A', b=b'B'))
    assert read_member(path, ['folder/a']) == b'A'


def test_file_in_a_zip_in_a_tarball_in_a_zip(tmp_path):
    inner = tarred((tarfile.TarInfo('package/x.zip'), zipped(deep=b'found')))
    path = save(tmp_path, zipped(outer=inner))
    assert read_member(path, ['outer', 'package/x.zip', 'deep']) == b'found'


@pytest.mark.parametrize('data', [zipped(a=b'A'), tarred((tarfile.TarInfo('a'), b'A'))])
def test_file_that_is_missing_is_named(tmp_path, data):
    with pytest.raises(ModelError, match=r"'archive' holds no file 'b'"):
        read_member(save(tmp_path, data), ['b'])


@pytest.mark.parametrize('data', [b'', b'no archive at all', zipped(a=b'A' * 999)[:-40]])
def test_damaged_archive(tmp_path, data):
    with pytest.raises(ModelError, match="cannot read 'a' out of 'archive'"):
        read_member(save(tmp_path, data), ['a'])


def test_zip_with_a_damaged_member(tmp_path):
    data = bytearray(zipped(a=b'A' * 999))
    data[100] ^= 1
    with pytest.raises(ModelError, match='CRC'):
        read_member(save(tmp_path, bytes(data)), ['a'])


def test_links_in_a_tarball_are_not_followed(tmp_path):
    link = tarfile.TarInfo('model')
    link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
    with pytest.raises(ModelError, match='holds no file'):
        read_member(save(tmp_path, tarred((link, b''))), ['model'])

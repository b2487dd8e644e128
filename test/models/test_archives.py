"""Files out of archives, and archives that are not what they should be."""

import io
import tarfile
import zipfile

import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.archives import read_folder, read_member


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


@pytest.mark.parametrize(
    'data', [zipped(a=b'A'), tarred((tarfile.TarInfo('a'), b'A'))], ids=['zip', 'tar']
)  # as ids, gzip's time would differ between processes
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


def test_files_of_a_folder_become_a_tarball_of_their_own(tmp_path):
    members = [(tarfile.TarInfo(f'package/web/{name}'), name.encode()) for name in 'cab']
    path = save(tmp_path, tarred(*members))
    packed = read_folder(path, 'package/web', ['a', 'b'])
    with tarfile.open(fileobj=io.BytesIO(packed), mode='r:') as archive:
        found = {member.name: archive.extractfile(member).read() for member in archive}
    assert found == {'a': b'a', 'b': b'b'}

    for member, _ in members:
        member.mtime, member.uname = 1_700_000_000, 'somebody'
    again = save(tmp_path, tarred(*reversed(members)))
    assert read_folder(again, 'package/web', ['a', 'b']) == packed


def test_files_that_a_folder_lacks_are_named(tmp_path):
    link = tarfile.TarInfo('web/b')
    link.type, link.linkname = tarfile.SYMTYPE, 'a'
    path = save(tmp_path, tarred((tarfile.TarInfo('web/a'), b'A'), (link, b'')))
    with pytest.raises(ModelError, match=r"holds no \['b'\] in 'web'"):
        read_folder(path, 'web', ['a', 'b'])
    with pytest.raises(ModelError, match="cannot read 'web' out of 'archive'"):
        read_folder(save(tmp_path, zipped(web__a=b'A')), 'web', ['a'])

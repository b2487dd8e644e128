"""Damaged bags: all before the damage is read, and the damage is told with its place."""

import struct

import bags
import pytest
from bags import levels, stream, write_bag

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay import bag as bag_module
from ros2_hand_action.replay.inputs import open_input

COUNT = 60


def storage_file(path):
    (file,) = (each for each in path.iterdir() if each.suffix != '.yaml')
    return file


def cut(file, share):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    return file


def read(path):
    with open_input(path) as source:
        return levels(source), source.damage


@pytest.mark.parametrize('compression', ['NONE', 'STORAGE'])
def test_an_mcap_that_was_cut_off(tmp_path, compression):
    path = write_bag(tmp_path / 'bag', noisy(10 * COUNT), compression=compression)
    file = cut(storage_file(path), 0.6)
    found, damage = read(path)
    assert found == [level % 256 for level in range(len(found))]
    assert 4 * COUNT < len(found) < 8 * COUNT  # the rest of a compressed block is lost
    assert file.name in damage and 'cut off' in damage and 'byte ' in damage


def noisy(count):
    """Images of noise, which no compression shortens, with their number in the first pixel."""
    import numpy as np

    random = np.random.default_rng(1)

    def make(stamp_ns, level):
        message = bags.image(stamp_ns, level)
        message.data[1:] = random.integers(0, 255, message.data.size - 1, np.uint8)
        return message

    return stream(count, make=make)


@pytest.mark.parametrize('share', [0.3, 0.8, 0.99])
def test_an_sqlite_file_that_was_cut_off(tmp_path, share):
    path = write_bag(tmp_path / 'bag', stream(COUNT), storage='SQLITE3')
    whole = storage_file(path).stat().st_size
    file = cut(storage_file(path), share)
    found, damage = read(path)
    assert found == list(range(len(found)))
    assert len(found) > COUNT * (share - 0.2)
    assert file.name in damage
    assert f'cut off at byte {file.stat().st_size} of {whole}' in damage


@pytest.mark.parametrize('storage', ['MCAP', 'SQLITE3'])
def test_no_metadata(tmp_path, storage):
    path = write_bag(tmp_path / 'bag', stream(5), storage=storage)
    (path / 'metadata.yaml').unlink()
    found, damage = read(path)
    assert found == [0, 1, 2, 3, 4]
    assert 'metadata.yaml' in damage and 'missing' in damage


def test_metadata_that_is_no_metadata(tmp_path):
    path = write_bag(tmp_path / 'bag', stream(5))
    (path / 'metadata.yaml').write_text('rosbag2_bagfile_information: 3')
    found, damage = read(path)
    assert found == [0, 1, 2, 3, 4]
    assert 'metadata.yaml' in damage and 'cannot be read' in damage


def test_a_file_of_a_split_bag_is_missing(tmp_path):
    messages = stream(6)
    parts = [write_bag(tmp_path / f'part{n}', messages[2 * n:2 * n + 2]) for n in range(3)]
    path = bags.join(tmp_path / 'bag', parts)
    (path / 'bag_1.mcap').unlink()
    found, damage = read(path)
    assert found == [0, 1, 4, 5]
    assert "bag_1.mcap' is missing" in damage


def test_a_chunk_with_a_wrong_byte(tmp_path):
    path = write_bag(tmp_path / 'bag', noisy(COUNT * 10), compression='STORAGE')
    file = storage_file(path)
    data = bytearray(file.read_bytes())
    place = data.rindex(struct.pack('<I', 0xFD2FB528))  # that begins the last chunk's content
    data[place] = 0
    file.write_bytes(data)
    with open_input(path) as source:
        count = sum(each.frame is not None for each in source)
        assert 0 < count < COUNT * 10
        assert file.name in source.damage


def test_an_mcap_without_summary_is_read_as_a_whole(tmp_path):
    path = write_bag(tmp_path / 'bag', stream(COUNT))
    file = storage_file(path)
    data = file.read_bytes()
    (summary,) = struct.unpack_from('<Q', data, len(data) - 28)
    file.write_bytes(data[:summary])
    assert read(path) == (list(range(COUNT)), '')


@pytest.mark.parametrize('name', ['a.mcap', 'a.db3', 'a.bag'])
@pytest.mark.parametrize('content', [b'', b'this is no bag at all' * 20])
def test_a_file_that_is_no_bag(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError, match=name):
        open_input(path)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = write_bag(tmp_path / 'bag', stream(3))

    def refuse(self, *_):
        raise PermissionError(13, 'Permission denied', str(self))

    monkeypatch.setattr(type(path), 'open', refuse)
    monkeypatch.setattr(bag_module.Bag, '_list_files', lambda _: [path / 'bag.mcap'])
    with pytest.raises(MediaError, match=r"bag\.mcap' cannot be read: .*Permission denied"):
        open_input(path)


def test_an_empty_folder(tmp_path):
    with pytest.raises(MediaError, match='holds no picture'):
        open_input(tmp_path)


def test_an_unknown_type_is_listed_and_left_alone(tmp_path):
    path = tmp_path / 'bag'
    messages = [*stream(3), ('/strange', 'strange_msgs/msg/Thing', bags.BEGIN_NS, b'\0\1\0\0abc')]
    store_type(write_bag, path, messages)
    assert read(path) == ([0, 1, 2], '')


def store_type(write, path, messages):
    """Write a type that only its bag knows."""
    from rosbags.typesys import get_types_from_msg

    bags.STORE.register(get_types_from_msg('uint8[3] data', 'strange_msgs/msg/Thing'))
    write(path, messages)

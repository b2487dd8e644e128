"""A recording can be read, whatever ended it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bags import BEGIN_NS, IMAGE, STORE, image
from rosbags.rosbag2 import Reader

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.bag import Bag
from ros2_hand_action.replay.message_types import MessageTypes
from ros2_hand_action.replay.recording_bag import RecordingBag

ROOT = Path(__file__).resolve().parents[2]
MESSAGE = bytes(STORE.serialize_cdr(image(BEGIN_NS, 7), IMAGE))

# Writes for ever, one message each hundredth of a second by its own clock.
WRITER = f"""
import sys, itertools, resource
from pathlib import Path
from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.recording_bag import RecordingBag

if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
ticks = itertools.count()
try:
    with RecordingBag(Path(sys.argv[1]), min_free_mb=0, clock_s=lambda: next(ticks) / 100) as bag:
        bag.add_topic('/image', {IMAGE!r}, [])
        for index in itertools.count():
            bag.write('/image', {BEGIN_NS} + index, {MESSAGE!r})
except MediaError as error:
    sys.exit(str(error))
"""


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, '-c', WRITER, *map(str, arguments)], stderr=subprocess.PIPE, text=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )


def count(path):
    with Bag(path) as bag:
        messages = [message.data for message in bag.messages({'/image'})]
    assert all(bytes(data) == MESSAGE for data in messages)
    return len(messages), bag.damage


def test_a_closed_recording_is_whole(tmp_path):
    path = tmp_path / 'whole'
    with RecordingBag(path, min_free_mb=0) as bag:
        bag.add_topic('/image', IMAGE, [])
        for index in range(5):
            bag.write('/image', BEGIN_NS + index, MESSAGE)
        bag.flush()
        bag.add_topic('/late', IMAGE, [])
        bag.write('/late', BEGIN_NS + 5, MESSAGE)
        assert bag.counts == {'/image': 5, '/late': 1}
    with Reader(path) as reader:
        assert [(each[0].topic, each[1]) for each in reader.messages()] == [
            *(('/image', BEGIN_NS + index) for index in range(5)), ('/late', BEGIN_NS + 5)]
    assert count(path) == (5, '')


def test_the_mcap_library_reads_it(tmp_path):
    reader_module = pytest.importorskip('mcap.reader')
    decoder = pytest.importorskip('mcap_ros2.decoder')
    path = tmp_path / 'bag'
    with RecordingBag(path, min_free_mb=0) as bag:
        bag.add_topic('/image', IMAGE, [])
        bag.write('/image', BEGIN_NS, MESSAGE)
        bag.flush()
        bag.write('/image', BEGIN_NS + 1, MESSAGE)
    with (path / 'bag.mcap').open('rb') as stream:
        reader = reader_module.make_reader(
            stream, validate_crcs=True, decoder_factories=[decoder.DecoderFactory()])
        images = [message for _, _, _, message in reader.iter_decoded_messages()]
    assert [image.data[0] for image in images] == [7, 7]


def test_a_killed_recording_holds_all_but_the_last_second(tmp_path):
    path = tmp_path / 'killed'
    process = start(path)
    deadline_s = time.monotonic() + 60
    while not (path.is_dir() and sum(each.stat().st_size for each in path.iterdir()) > 1e6):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline_s, 'nothing was written'
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    number, damage = count(path)
    assert number >= 300
    assert 'metadata.yaml' in damage


def test_a_full_disk_is_told_and_what_was_written_can_be_read(tmp_path):
    path = tmp_path / 'full'
    process = start(path, 1_000_000)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'the disk is full' in told
    assert 'messages before can be read' in told
    number, _ = count(path)
    assert number >= 200


def test_a_recording_ends_before_the_disk_is_full(tmp_path):
    with pytest.raises(MediaError, match='MB are free'):
        RecordingBag(tmp_path / 'bag', min_free_mb=1e12)
    assert not (tmp_path / 'bag').exists()


def test_a_folder_that_exists_is_kept(tmp_path):
    with pytest.raises(MediaError, match='choose another --out'):
        RecordingBag(tmp_path, min_free_mb=0)


def test_types_of_other_packages_are_looked_up(tmp_path, monkeypatch):
    definitions = {'Pair': 'Single[2] both\nstd_msgs/Header header', 'Single': 'int8 a'}
    for name, text in definitions.items():
        path = tmp_path / 'share' / 'others' / 'msg' / f'{name}.msg'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    types = MessageTypes()
    types.learn('others/msg/Pair')
    definition, _ = types.store.generate_msgdef('others/msg/Pair', ros_version=2)
    assert 'MSG: others/Single' in definition or 'others/msg/Single' in definition
    types.learn('ros2_hand_action/msg/HandArray')
    assert 'ros2_hand_action/msg/Hand' in types.store.types
    with pytest.raises(MediaError, match='source the workspace'):
        types.learn('absent/msg/Thing')


@pytest.mark.parametrize('has_message', [False, True])
def test_a_recording_that_fails_keeps_what_it_has_and_no_empty_folder(tmp_path, has_message):
    path = tmp_path / 'bag'

    def record():
        with RecordingBag(path, min_free_mb=0) as bag:
            bag.add_topic('/image', IMAGE, [])
            if has_message:
                bag.write('/image', BEGIN_NS, MESSAGE)
            raise MediaError('nothing came')

    with pytest.raises(MediaError, match='nothing came'):
        record()
    if has_message:
        assert count(path) == (1, '')
    else:
        assert not path.exists()

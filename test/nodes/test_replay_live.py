"""A bag played to real nodes over DDS, on the bag's own time."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from ros2_hand_action.cli import main

BEGIN_NS = 1_600_000_000_000_000_000  # years ago: only on the bag's time are latencies sane
COUNT, PERIOD_NS = 12, 100_000_000
DEADLINE_S = 60.0


@pytest.fixture
def bag(tmp_path):
    store = get_typestore(Stores.ROS2_HUMBLE)
    types, kind = store.types, 'sensor_msgs/msg/Image'
    path = tmp_path / 'bag'
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection('/camera/image_raw', kind, typestore=store)
        for index in range(COUNT):
            stamp_ns = BEGIN_NS + index * PERIOD_NS
            stamp = types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
            header = types['std_msgs/msg/Header'](stamp, 'camera')
            pixels = np.full(64 * 48, 10 * index, np.uint8)
            message = types[kind](header, 48, 64, 'mono8', 0, 64, pixels)
            writer.write(connection, stamp_ns, bytes(store.serialize_cdr(message, kind)))
    return path


def test_every_image_is_published_and_latencies_are_those_of_the_machine(
    bag, tmp_path, hand_models
):
    out = tmp_path / 'out'
    assert main(['replay', str(bag), '--live', '--no-report', '--out', str(out)]) == 0
    (clip,) = json.loads((out / 'results.json').read_text())['clips']
    stamps = [frame['stamp_ns'] for frame in clip['frames']]
    assert stamps == [BEGIN_NS + index * PERIOD_NS for index in range(COUNT)]
    assert [frame['index'] for frame in clip['frames']] == list(range(COUNT))
    answered = [frame for frame in clip['frames'] if frame['processed']]
    assert answered
    assert all(0 < frame['gestures_latency_ms'] < 20_000 for frame in answered)
    assert clip['summary']['dropped'] == COUNT - len(answered)
    assert {entry['node'] for entry in clip['stages_ms']} >= {'hand_detector'}


def test_several_at_a_time_are_refused(bag, tmp_path, capsys):
    assert main(['replay', str(bag), '--live', '--jobs', '2', '--out', str(tmp_path)]) == 1
    assert 'one source at a time here' in capsys.readouterr().err


def test_a_replay_that_is_terminated_leaves_no_nodes_and_no_scratch(bag, tmp_path, hand_models):
    out = tmp_path / 'out'
    process = subprocess.Popen(
        [sys.executable, '-m', 'ros2_hand_action.cli', 'replay', str(bag), '--live', '--rate',
         '0.01', '--out', str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        nodes = wait_for(lambda: children(process.pid), 'the nodes')
    finally:
        process.terminate()
        told, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 143, told
    assert not any(Path(f'/proc/{pid}').exists() for pid in nodes)
    assert list(out.iterdir()) == []


def children(pid):
    return Path(f'/proc/{pid}/task/{pid}/children').read_text().split()


def wait_for(read, what):
    """Return what `read` gives as soon as there is something."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not (found := read()):
        assert time.monotonic() < deadline_s, f'waited {DEADLINE_S} s in vain for {what}'
        time.sleep(0.05)
    return found

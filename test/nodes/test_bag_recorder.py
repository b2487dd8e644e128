"""`hand-action record` on topics of real publishers."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rosbags.interfaces import QosDurability
from rosbags.rosbag2 import Reader
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

from ros2_hand_action.msg import GestureEvent
from ros2_hand_action.nodes import topics

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(tmp_path):
    """Return a function that starts the command; what runs at the end is killed."""
    started = []

    def run(*arguments):
        process = subprocess.Popen(
            [sys.executable, '-m', 'ros2_hand_action.cli', 'record', '--min-free-mb', '0',
             '--out', str(tmp_path / 'bag'), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, 'PYTHONPATH': str(ROOT)},
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def wait_for_subscribers(probe, process, *publishers):
    deadline_s = time.monotonic() + 60
    while not all(publisher.get_subscription_count() for publisher in publishers):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline_s, 'nobody subscribed'
        time.sleep(0.02)


def test_what_is_published_is_in_the_bag_after_an_interrupt(probe, start, tmp_path):
    events = probe.publisher(GestureEvent, '/robot/gesture_events', topics.EVENTS_QOS)
    images = probe.publisher(CompressedImage, '/camera/image/compressed', 50)
    latched = probe.publisher(String, '/robot/extra', topics.LATCHED_QOS)
    latched.publish(String(data='before'))
    process = start(
        '--namespace', 'robot', '--remap', 'image:=/camera/image', '--topics', 'extra')
    wait_for_subscribers(probe, process, events, images, latched)
    bag, sent = tmp_path / 'bag' / 'bag.mcap', itertools.count()

    def send_until_written():  # what is sent before both sides have matched is lost
        index = next(sent)
        events.publish(GestureEvent(label='stop', hand_id=f'h{index}'))
        images.publish(CompressedImage(format='jpeg', data=[index % 256] * 1000))
        return bag.stat().st_size > 20_000

    probe.wait(send_until_written, 'a second of recording on the disk', 60)
    process.send_signal(signal.SIGINT)
    told, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert '/camera/image/compressed  ' in told
    with Reader(tmp_path / 'bag') as reader:
        counts = {each.topic: each.msgcount for each in reader.connections}
        assert min(counts['/robot/gesture_events'], counts['/camera/image/compressed']) >= 10
        assert counts['/robot/extra'] == 1
        (extra,) = (each for each in reader.connections if each.topic == '/robot/extra')
        assert extra.ext.offered_qos_profiles[0].durability is QosDurability.TRANSIENT_LOCAL


def test_nothing_to_record_is_an_error_that_names_the_topics(probe, start):
    probe.publisher(String, '/chatter')
    process = start('--duration', '1.5')
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'nothing came on /image, /camera_info' in error
    assert '/chatter' in error

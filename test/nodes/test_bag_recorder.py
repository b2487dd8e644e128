"""`hand-action record` on topics of real publishers."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rclpy.executors import SingleThreadedExecutor
from rosbags.interfaces import QosDurability
from rosbags.rosbag2 import Reader
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

from ros2_hand_action.commands.record import report_problems
from ros2_hand_action.errors import MediaError
from ros2_hand_action.msg import GestureEvent
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.bag_recorder import BagRecorderNode
from ros2_hand_action.replay.recording_bag import RecordingBag

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


def read(path):
    with Reader(path) as reader:
        return list(reader.messages())


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


def test_a_later_publisher_that_is_less_reliable_is_recorded_too(probe, tmp_path):
    first = probe.publisher(String, '/said', topics.EVENTS_QOS)
    with RecordingBag(tmp_path / 'bag', min_free_mb=0) as bag:
        node = BagRecorderNode(bag, ['/said'], context=probe.context)
        executor = SingleThreadedExecutor(context=probe.context)
        executor.add_node(node)

        def send_until_taken(publisher, text, number):
            def attempt():
                publisher.publish(String(data=text))
                executor.spin_once(timeout_sec=0.05)
                return bag.counts.get('/said', 0) >= number

            probe.wait(attempt, f'{text} in the bag')

        send_until_taken(first, 'reliable', 1)
        probe.node.destroy_publisher(first)
        before = bag.counts['/said']
        later = probe.publisher(String, '/said', topics.input_qos(depth=1, reliable=False))
        send_until_taken(later, 'best effort', before + 3)
        executor.shutdown(timeout_sec=0)
        node.destroy_node()
    data = [message for _, _, message in read(tmp_path / 'bag')]
    assert b'reliable' in data[0] and b'best effort' in data[-1]


def test_nothing_to_record_is_an_error_that_names_the_topics(probe, tmp_path):
    probe.publisher(String, '/chatter')
    with RecordingBag(tmp_path / 'bag', min_free_mb=0) as bag:
        node = BagRecorderNode(bag, ['image', 'tf'], context=probe.context)
        probe.wait(lambda: '/chatter' in dict(node.get_topic_names_and_types()), '/chatter')
        with pytest.raises(MediaError, match=r'nothing came on /image, /tf; there are .*/chatter'):
            report_problems(node, bag)
        node.destroy_node()

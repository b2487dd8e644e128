"""What goes wrong on a robot, and what the nodes make of it; docs/robot.md lists the rest."""

import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import Image

from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes.conversions import stamp_to_ns
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode

SECOND_NS = 1_000_000_000
NAME = '/hand_detector'


@pytest.fixture
def detector(start_nodes, probe, tracker):
    """Start a detector with a stand-in for its networks; returns it, a sender, and its hands."""
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    return node, publisher, hands


def test_clock_that_jumps_back_and_forth(detector, probe, tracker, make_image):
    _, publisher, hands = detector
    hour_ns = 3600 * SECOND_NS
    stamps_ns = [hour_ns, hour_ns + 1, 3 * hour_ns, 3 * hour_ns + 1, 1, 2, 5 * hour_ns]
    for count, stamp_ns in enumerate(stamps_ns, 1):
        publisher.publish(make_image(stamp_ns))
        probe.wait(lambda count=count: len(hands) == count, f'an answer to {stamp_ns}')
    assert tracker.stamps_ns == stamps_ns
    assert tracker.resets_at == [4]  # forward is a pause, back is another time


def test_ten_seconds_between_images(detector, probe, tracker, make_image):
    _, publisher, hands = detector
    for count in range(1, 6):  # 0.1 images per second, by their stamps
        publisher.publish(make_image(count * 10 * SECOND_NS))
        probe.wait(lambda count=count: len(hands) == count, 'an answer')
    assert tracker.resets_at == []


def test_more_images_than_can_be_answered(detector, probe, tracker, make_image):
    _, publisher, hands = detector
    tracker.delay_s = 0.02
    publisher.publish(make_image(1))
    probe.wait(lambda: hands, 'the first answer')
    begun_s = time.monotonic()
    for index in range(2, 242):
        publisher.publish(make_image(index))
        time.sleep(max(0.0, begun_s + index / 120 - time.monotonic()))  # the rate of a camera
    probe.wait(lambda: tracker.stamps_ns[-1] == 241, 'the newest image')
    probe.wait(lambda: stamp_to_ns(hands[-1].header.stamp) == 241, 'its answer')

    def is_all_counted() -> bool:
        values = probe.values(NAME)
        counted = sum(int(values.get(key, 0)) for key in ('answered', 'dropped'))
        return counted == 241 and int(values['dropped']) > 0

    probe.wait(is_all_counted, 'all images as answered or dropped')
    assert tracker.stamps_ns == sorted(tracker.stamps_ns)


def test_two_cameras_on_one_topic_are_answered_both(detector, probe, tracker, make_image):
    node, first, hands = detector
    second = probe.publisher(Image, 'image')
    probe.wait(lambda: node.count_publishers('image') == 2, 'two publishers')
    probe.connect(node)
    for count, publisher in zip(range(1, 9), itertools.cycle((first, second))):
        publisher.publish(make_image(count))
        probe.wait(lambda count=count: len(hands) == count, 'an answer')
    assert probe.wait_for_value(NAME, 'answered', '8')
    assert probe.values(NAME)['dropped'] == '0'


def test_images_that_come_late(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode, input_timeout_s=0.1)
    probe.wait(
        lambda: (s := probe.status(NAME)) and s.level == DiagnosticStatus.ERROR, 'an error'
    )
    assert 'no input' in probe.status(NAME).message
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    publisher.publish(make_image(1))
    probe.wait(lambda: hands, 'an answer')


def test_model_that_is_cut_off_is_named(start_nodes, probe, tmp_path):
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'\x08\x07 not all of it')
    node = start_nodes(GestureClassifierNode, model=str(broken))
    status = probe.wait(
        lambda: (s := probe.status('/gesture_classifier'))
        and s.level == DiagnosticStatus.ERROR and s,
        'an error in /diagnostics',
    )
    assert 'broken.onnx' in status.message
    assert not node.is_active


FULL_DISK = """
import resource, sys
from ros2_hand_action.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sys.exit(main(['models', 'export', 'gesture_head', '--out', sys.argv[1]]))
"""
"""No file can grow beyond 1000 bytes, and a write fails as on a full disk."""


def test_full_disk_leaves_the_old_file_and_nothing_half(tmp_path: Path):
    kept = tmp_path / 'kept.onnx'
    kept.write_bytes(b'old')
    command = [sys.executable, '-c', FULL_DISK, str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'hand-action models: error: cannot write' in done.stderr
    assert 'Traceback' not in done.stderr
    assert kept.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [kept]

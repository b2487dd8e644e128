"""Published images are found in their file."""

import signal

import pytest

pytest.importorskip('rclpy')

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.interrupts import unwinding_on_signals
from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.replay.recorder import Recorder, align

MS = 1_000_000


def at(*milliseconds):
    return [ms * MS for ms in milliseconds]


def test_all_images_are_numbered_in_order():
    assert align(at(0, 104, 199, 600), 4, 10.0) == [0, 1, 2, 3]


def test_missing_ones_are_found_by_the_gaps():
    assert align(at(200, 300, 500, 600), 7, 10.0) == [2, 3, 5, 6]


def test_a_source_that_lags_behind_does_not_mislead():
    # 6 images of which the first is missing, and a pause of a second before the last one
    assert align(at(100, 200, 300, 400, 1500), 6, 10.0) == [0, 1, 2, 3, 5]


@pytest.mark.parametrize('stamps', [[], at(0), at(0, 100)])
def test_numbers_stay_inside_the_file(stamps):
    found = align(stamps, 2, 10.0)
    assert found == sorted(set(found))
    assert all(0 <= index < 2 for index in found)


@pytest.mark.parametrize('is_there', [True, False])
def test_only_a_source_that_was_found_is_told_to_begin(is_there):
    with Recorder('found') as recorder:
        node = Node('others', namespace='found', context=recorder._context)
        node.create_subscription(HandArray, topics.HANDS, lambda _: None, 1)  # a classifier
        if is_there:
            node.create_publisher(CameraInfo, topics.CAMERA_INFO, topics.IMAGE_QOS)
        images = node.create_publisher(Image, topics.IMAGE, topics.IMAGE_QOS)
        begun = []
        with pytest.raises(HandActionError, match='no image came in 1 s'):
            recorder.record(
                check=lambda: begun.append(images.get_subscription_count()),
                start_timeout_s=1.0,
                silence_timeout_s=1.0,
            )
        node.destroy_node()
    assert max(begun) == is_there


def test_a_signal_while_messages_are_taken_comes_after_them(monkeypatch):
    """In a call of rclpy's C++ it once became a RuntimeError."""
    taken = []

    def spin_once(**_):
        signal.raise_signal(signal.SIGTERM)
        taken.append('all')

    with Recorder('ended') as recorder:
        monkeypatch.setattr(recorder._executor, 'spin_once', spin_once)
        with pytest.raises(SystemExit), unwinding_on_signals():
            recorder.record(
                check=lambda: None, start_timeout_s=1.0, silence_timeout_s=1.0
            )
    assert taken == ['all']

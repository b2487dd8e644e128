import threading

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Bool

from ros2_hand_action.errors import ModelError
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.conversions import frame_from_message, stamp_to_ns
from ros2_hand_action.nodes.runner import NodeGroup
from ros2_hand_action.nodes.video_source import VideoSourceNode

NAME = '/video_source'
MS = 1_000_000


@pytest.fixture
def folder(tmp_path):
    for index in range(5):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.full((24, 32, 3), 40 * index, np.uint8))
    return str(tmp_path)


@pytest.fixture
def play(start_nodes, probe):
    """Start a source and listen to it; returns the node and what it sends."""

    def play(source: str, **parameters):
        images = probe.listen(Image, 'image')
        infos = probe.listen(CameraInfo, 'camera_info')
        ended = probe.listen(Bool, 'source_ended', topics.LATCHED_QOS)
        given = {'rate_hz': 100.0, 'wait_for_subscribers': 0, **parameters}
        node = start_nodes(VideoSourceNode, source=source, autostart=False, **given)
        task = node.executor.create_task(node.trigger_configure)
        probe.wait(task.done, 'configuration')
        assert task.result() is TransitionCallbackReturn.SUCCESS
        probe.connect(node)
        node.executor.create_task(node.trigger_activate)
        return node, images, infos, ended

    return play


def test_plays_once_and_says_so(probe, play, folder):
    node, images, infos, ended = play(folder, frame_id='head', stamps='media')
    probe.wait(lambda: node.is_finished, 'the end')
    probe.wait(lambda: len(images) == len(infos) == 5, 'all images')
    assert [int(frame_from_message(m, 0).pixels[0, 0, 0]) for m in images] == [0, 40, 80, 120, 160]
    stamps_ns = [stamp_to_ns(message.header.stamp) for message in images]
    assert stamps_ns == [(1000 + 10 * index) * MS for index in range(5)]
    assert [info.header for info in infos] == [image.header for image in images]
    assert {info.header.frame_id for info in infos} == {'head'}
    assert (infos[0].width, infos[0].height) == (32, 24)
    probe.wait(lambda: ended and ended[-1].data, 'the message of the end')
    probe.wait(
        lambda: (s := probe.status(NAME)) and s.message == 'ended', 'the end in /diagnostics'
    )


def test_end_is_told_to_those_who_come_later(probe, play, folder):
    node, *_ = play(folder)
    probe.wait(lambda: node.is_finished, 'the end')
    late = probe.listen(Bool, 'source_ended', topics.LATCHED_QOS)
    probe.wait(lambda: late and late[-1].data, 'the message of the end')


def test_loops_with_stamps_that_go_back(probe, play, folder):
    node, images, *_ = play(folder, loop=True, stamps='media')
    probe.wait(lambda: len(images) >= 12, 'the third round')
    assert not node.is_finished
    stamps_ns = [stamp_to_ns(message.header.stamp) for message in images[:10]]
    assert stamps_ns[5:] == stamps_ns[:5]


def test_keeps_the_rate_with_stamps_of_now(probe, play, folder):
    node, images, *_ = play(folder, rate_hz=20.0)
    probe.wait(lambda: len(images) == 5, 'all images')
    stamps_ns = [stamp_to_ns(message.header.stamp) for message in images]
    assert stamps_ns[4] - stamps_ns[0] >= 190 * MS
    now_ns = node.get_clock().now().nanoseconds
    assert 0 <= now_ns - stamps_ns[4] < 60_000 * MS


def test_waits_for_subscribers(start_nodes, probe, folder):
    node = start_nodes(VideoSourceNode, source=folder, rate_hz=100.0)
    probe.wait(
        lambda: (s := probe.status(NAME)) and 'waits for 1 subscriber' in s.message, 'waiting'
    )
    assert not node.is_finished
    images = probe.listen(Image, 'image')
    probe.wait(lambda: node.is_finished, 'the end')
    probe.wait(lambda: images, 'images')


class SlowNode(HandActionNode):
    """A node whose model takes its time, and then may not be there."""

    def __init__(self, model_is_there: bool, **arguments) -> None:
        self.go_on = threading.Event()
        self._model_is_there = model_is_there
        super().__init__('slow', **arguments)

    def load(self) -> None:
        assert self.go_on.wait(20)
        if not self._model_is_there:
            raise ModelError('no model')


@pytest.mark.parametrize('model_is_there', [True, False])
def test_a_short_source_waits_for_the_nodes_beside_it(probe, folder, model_is_there):
    """They once missed the first images, or all of one picture, for one subscriber was there."""
    values = [Parameter('source', value=folder), Parameter('rate_hz', value=100.0)]
    images = probe.listen(Image, 'image')
    group = NodeGroup(
        [
            lambda context: VideoSourceNode(context=context, parameter_overrides=values),
            lambda context: SlowNode(model_is_there, context=context),
        ],
        context=Context(),
    )
    with group:
        source, slow = group.nodes
        try:
            probe.wait(
                lambda: (s := probe.status(NAME)) and s.message == 'waits for slow', 'waiting'
            )
            assert not images
            assert not source.is_finished
            probe.connect(source)
        finally:
            slow.go_on.set()
        probe.wait(lambda: source.is_finished, 'the end')
        probe.wait(lambda: len(images) == 5, 'all images')
        assert slow.is_active == model_is_there


def test_images_and_calibration_are_scaled(probe, play, folder):
    node, images, infos, _ = play(folder, width_px=16, field_of_view_deg=90.0)
    probe.wait(lambda: node.is_finished and infos, 'the end')
    assert (images[0].width, images[0].height) == (16, 12)
    assert infos[0].k[0] == pytest.approx(8.0)


@pytest.mark.parametrize(
    ('parameters', 'cause'),
    [
        ({'source': '/no/such.mp4'}, "no such video, picture or folder: '/no/such.mp4'"),
        ({'source': ''}, "source is ''"),
        ({'camera_info_url': '/no/such.yaml'}, "calibration '/no/such.yaml' cannot be read"),
    ],
)
def test_what_cannot_be_played_is_told_at_once(start_nodes, probe, folder, parameters, cause):
    start_nodes(VideoSourceNode, **{'source': folder, **parameters})
    status = probe.wait(
        lambda: (s := probe.status(NAME)) and s.level == DiagnosticStatus.ERROR and s, 'an error'
    )
    assert cause in status.message


def test_damage_in_the_middle_ends_with_an_error(probe, play, folder, tmp_path):
    (tmp_path / '2.png').write_bytes(b'damaged')
    node, images, _, ended = play(folder)
    probe.wait(lambda: node.is_finished, 'the end')
    probe.wait(lambda: len(images) == 2, 'the images before')
    status = probe.wait(
        lambda: (s := probe.status(NAME)) and s.level == DiagnosticStatus.ERROR and s, 'an error'
    )
    assert '2.png' in status.message
    probe.wait(lambda: ended and ended[-1].data, 'the message of the end')


def test_stops_in_the_middle_and_begins_again(probe, play, folder):
    node, images, *_ = play(folder, loop=True)
    probe.wait(lambda: images, 'images')
    task = node.executor.create_task(node.trigger_deactivate)
    probe.wait(task.done, 'the stop')
    assert not node._thread.is_alive()
    images.clear()
    node.executor.create_task(node.trigger_activate)
    probe.wait(lambda: images, 'images again')


def test_compressed_images_are_sent_while_somebody_wants_them(probe, play, folder):
    compressed = probe.listen(CompressedImage, 'image/compressed')
    node, images, _, _ = play(folder, stamps='media')
    probe.wait(lambda: node.is_finished and len(compressed) == len(images) == 5, 'all images')
    assert [each.header for each in compressed] == [each.header for each in images]
    values = [int(frame_from_message(each, 0).pixels[0, 0, 0]) for each in compressed]
    assert values == pytest.approx([0, 40, 80, 120, 160], abs=2)

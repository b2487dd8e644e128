"""What is wrong around a node stands in /diagnostics, with the topic and a remedy."""

import re
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.clock_check import explain_clock
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.image_watch import ImageWatch
from ros2_hand_action.perception.frame import PixelOrder

NAME = '/hand_detector'


@pytest.mark.parametrize(
    ('age_s', 'now_ns', 'is_simulated', 'cause'),
    [
        (0.05, 10**18, False, None),
        (-0.05, 10**18, False, None),
        (4.0, 10**18, False, None),
        (-0.5, 10**18, False, r"'/image' lie 0\.50 s in the future: synchronise the clocks"),
        (30.0, 10**18, False, r"'/image' are 30\.0 s old on arrival: synchronise the clocks"),
        (1e9, 10**18, False, r'1000000000 s in the past: a bag or simulator needs /clock'),
        (-1e9, 10**10, True, r'in the future: set use_sim_time to true on the node that'),
        (-1e9, 0, True, r'nothing comes on /clock: start the simulator'),
    ],
)
def test_clock_trouble_is_told_with_a_remedy(age_s, now_ns, is_simulated, cause):
    told = explain_clock(age_s=age_s, now_ns=now_ns, is_simulated=is_simulated, topic='/image')
    if cause is None:
        assert told == ''
    else:
        assert re.search(cause, told), told


def wait_for_warning(probe, name: str, text: str, act) -> DiagnosticStatus:
    def told():
        act()
        status = probe.status(name)
        return status if status and text in status.message else None

    status = probe.wait(told, f'a warning with {text!r}')
    assert status.level == DiagnosticStatus.WARN
    assert text in probe.values(name)['problems']
    return status


def send(publisher, value: int = 200, offset_s: float = 0.0):
    def act() -> None:
        noise = np.random.default_rng(time.monotonic_ns()).integers(0, 50, (48, 64, 3))
        pixels = np.clip(noise + value - 25, 0, 255).astype(np.uint8)
        stamp = stamp_from_ns(time.time_ns() + round(offset_s * 1e9))
        publisher.publish(
            image_message(pixels, PixelOrder.BGR, Header(stamp=stamp, frame_id='camera'))
        )

    return act


def test_warnings_come_and_go(start_nodes, probe, tracker):
    start_nodes(HandDetectorNode)
    publisher = probe.publisher(Image, 'image')
    wait_for_warning(probe, NAME, 'in the future', send(publisher, offset_s=2.0))
    good = send(publisher)

    def is_well() -> bool:
        good()
        return 'problems' not in probe.values(NAME)

    probe.wait(is_well, 'an end of the warning')


def test_darkness_is_told(start_nodes, probe, tracker, monkeypatch):
    monkeypatch.setattr('ros2_hand_action.nodes.image_watch._PERIOD_NS', 1)
    start_nodes(HandDetectorNode)
    status = wait_for_warning(
        probe, NAME, "images on '/image': too dark", send(probe.publisher(Image, 'image'), 3)
    )
    assert 'more light' in status.message
    assert float(probe.values(NAME)['brightness (0 to 255)']) < 30


def test_incompatible_reliability_is_told(start_nodes, probe, tracker):
    start_nodes(HandDetectorNode, input_reliability='reliable')
    offered = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = probe.publisher(Image, 'image', offered)
    text = "no messages from a publisher of '/image'"
    status = wait_for_warning(probe, NAME, text, lambda: None)
    assert 'to auto, or the publisher to reliable' in status.message
    assert publisher.get_subscription_count() == 0


def test_missing_camera_info_is_told(start_nodes, probe, body_tracker):
    start_nodes(BodyPoseEstimatorNode)
    status = wait_for_warning(
        probe, '/body_pose_estimator', "nothing on '/camera_info'",
        send(probe.publisher(Image, 'image')),
    )
    assert 'Calibrate the camera, remap camera_info, or set field_of_view_deg' in status.message


def test_images_are_looked_at_twice_a_second(monkeypatch):
    looked = []

    def measure(frame):
        looked.append(frame)
        return None

    monkeypatch.setattr('ros2_hand_action.nodes.image_watch.measure_quality', measure)
    watch = ImageWatch(node=None)
    monkeypatch.setattr(watch._watch, 'observe', lambda quality: '')
    now_ns = [0]
    monkeypatch.setattr(
        'ros2_hand_action.nodes.image_watch.time.monotonic_ns', lambda: now_ns[0]
    )
    for step in range(60):  # two seconds at 30 images a second
        now_ns[0] = step * 33_333_333
        watch.observe(step, '/image')
    assert looked == [0, 16, 32, 48]

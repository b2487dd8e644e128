import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.parameter import Parameter
from rclpy.qos import (
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
)
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes.conversions import compressed_message, stamp_to_ns
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.perception.hands import HandTrackerOptions

BEST_EFFORT = ReliabilityPolicy.BEST_EFFORT
RELIABLE = ReliabilityPolicy.RELIABLE


def subscription_reliability(probe, topic: str = 'image'):
    infos = probe.node.get_subscriptions_info_by_topic(probe.node.resolve_topic_name(topic))
    return {info.qos_profile.reliability for info in infos}


def test_every_image_is_answered_also_an_empty_one(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    for stamp_ns, value in ((1_000, 255), (2_000, 0), (3_000, 255)):
        before = len(hands)
        publisher.publish(make_image(stamp_ns, value=value))
        probe.wait(lambda before=before: len(hands) > before, f'an answer to {stamp_ns}')
    assert [stamp_to_ns(message.header.stamp) for message in hands] == [1_000, 2_000, 3_000]
    assert {message.header.frame_id for message in hands} == {'camera'}
    assert [len(message.hands) for message in hands] == [1, 0, 1]
    assert {(message.image_width, message.image_height) for message in hands} == {(64, 48)}


def test_a_camera_that_repeats_its_last_image_is_answered_no_more(
    start_nodes, probe, tracker, make_image
):
    node = start_nodes(HandDetectorNode, frozen_timeout_s=0.2)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    answered = node.stream.statistics
    for place, value in enumerate((1, 2, 2, 2, 2, 3)):
        publisher.publish(make_image(1 + place * 100_000_000, value=value))
        probe.wait(
            lambda place=place: answered.answered.count + answered.rejected == place + 1,
            f'image {place}',
        )
    probe.wait(lambda: len(hands) == 4, 'the answers')
    assert [stamp_to_ns(each.header.stamp) // 100_000_000 for each in hands] == [0, 1, 2, 5]
    probe.wait_for_value('/hand_detector', 'rejected', '2')


def test_newest_image_only_and_the_dropped_are_counted(start_nodes, probe, tracker, make_image):
    tracker.delay_s = 0.3
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    publisher.publish(make_image(1))
    probe.wait(lambda: tracker.stamps_ns, 'the first image in work')
    for stamp_ns in range(2, 12):
        publisher.publish(make_image(stamp_ns))
    probe.wait(lambda: len(hands) == 2, 'the answer to the newest')
    assert tracker.stamps_ns == [1, 11]
    status = probe.wait_for_value('/hand_detector', 'answered', '2')
    assert probe.values('/hand_detector')['dropped'] == '9'
    assert status.level == DiagnosticStatus.WARN
    assert 'drops' in status.message


def test_diagnostics_split_the_latency(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    publisher.publish(make_image(1))
    probe.wait(lambda: hands, 'hands')
    status = probe.wait_for_value('/hand_detector', 'answered', '1')
    values = probe.values('/hand_detector')
    assert status.hardware_id == '/image'
    assert values['back end'] == 'stand-in'
    assert float(values['inferring p50 (ms)']) == pytest.approx(2.0)
    assert float(values['preparing p95 (ms)']) >= 1.0
    stages = ('waiting', 'preparing', 'inferring', 'finishing')
    parts = [float(values[f'{stage} p50 (ms)']) for stage in stages]
    assert min(parts) > 0
    assert float(values['total p50 (ms)']) == pytest.approx(sum(parts), abs=0.01)
    assert values['age p50 (ms)'] == 'unknown'  # the stamp is not of this clock


@pytest.mark.parametrize('first', [RELIABLE, BEST_EFFORT])
def test_adopts_the_reliability_of_the_publisher(start_nodes, probe, tracker, make_image, first):
    profile = QoSProfile(depth=5, reliability=first)
    publisher = probe.publisher(Image, 'image', profile)
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    probe.wait(lambda: subscription_reliability(probe) == {first}, f'a {first} subscription')
    probe.connect(node)
    publisher.publish(make_image(1))
    probe.wait(lambda: hands, 'hands')


def test_follows_a_best_effort_publisher_that_comes_later(
    start_nodes, probe, tracker, make_image, capfd
):
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    probe.wait(lambda: subscription_reliability(probe) == {RELIABLE}, 'a subscription')
    publisher = probe.publisher(Image, 'image', qos_profile_sensor_data)
    probe.connect(node)
    probe.wait(lambda: subscription_reliability(probe) == {BEST_EFFORT}, 'adoption')
    stamps = iter(range(1, 10_000))

    def answered() -> bool:  # best effort: one may get lost
        publisher.publish(make_image(next(stamps)))
        return bool(hands)

    probe.wait(answered, 'hands')


def test_incompatible_qos_names_the_topic_and_what_to_set(start_nodes, probe, tracker, capfd):
    start_nodes(HandDetectorNode, input_reliability='reliable')
    probe.publisher(Image, 'image', qos_profile_sensor_data)
    logged = ''

    def told() -> bool:
        nonlocal logged
        logged += capfd.readouterr().err
        return 'no messages from a publisher' in logged

    probe.wait(told, 'an error about the QoS')
    assert "'/image'" in logged
    assert 'sends sensor_msgs/msg/Image, best_effort' in logged
    assert 'reliability of this input to auto' in logged


def test_starts_anew_when_stamps_go_back(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    for count, stamp_ns in enumerate((100, 200, 50, 60), 1):
        publisher.publish(make_image(stamp_ns))
        probe.wait(lambda count=count: len(hands) == count, f'an answer to {stamp_ns}')
    assert tracker.resets_at == [2]


def test_images_without_stamp_get_the_time_of_arrival(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    for count in (1, 2):
        publisher.publish(make_image(0))
        probe.wait(lambda count=count: len(hands) == count, 'an answer')
    assert stamp_to_ns(hands[0].header.stamp) == 0  # the header is the sender's own
    assert 0 < tracker.stamps_ns[0] < tracker.stamps_ns[1]
    assert tracker.resets_at == []


@pytest.mark.parametrize('topic', ['image/compressed', 'image'])
def test_takes_compressed_images_where_only_those_are(start_nodes, probe, tracker, topic):
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(CompressedImage, topic)
    probe.connect(node)
    jpeg = cv2.imencode('.jpg', np.full((20, 30, 3), 255, np.uint8))[1]
    publisher.publish(compressed_message(jpeg, Header(frame_id='far')))
    probe.wait(lambda: hands, 'hands')
    assert (hands[0].image_width, hands[0].image_height) == (30, 20)
    assert hands[0].header.frame_id == 'far'


def test_compressed_follows_the_remapped_name(start_nodes, probe, tracker):
    node = start_nodes(
        HandDetectorNode, ros_arguments=('--ros-args', '-r', 'image:=/head/image_raw')
    )
    probe.publisher(CompressedImage, '/head/image_raw/compressed')
    probe.connect(node)


def test_namespaces_apply_to_all_topics(start_nodes, probe, tracker, make_image):
    node = start_nodes(HandDetectorNode, ros_arguments=('--ros-args', '-r', '__ns:=/cam1'))
    hands = probe.listen(HandArray, '/cam1/hands')
    publisher = probe.publisher(Image, '/cam1/image')
    probe.connect(node)
    publisher.publish(make_image(1))
    probe.wait(lambda: hands, 'hands')


def test_silence_says_who_publishes_and_what_to_remap(start_nodes, probe, tracker, capfd):
    probe.publisher(Image, '/usb_cam/image_raw')
    probe.publisher(Image, '/overlay/image')
    start_nodes(HandDetectorNode, input_timeout_s=0.3)
    status = probe.wait(
        lambda: (s := probe.status('/hand_detector')) and s.level == DiagnosticStatus.ERROR and s,
        'an error in /diagnostics',
    )
    assert "no input on '/image'" in status.message
    logged = ''

    def told() -> bool:
        nonlocal logged
        logged += capfd.readouterr().err
        return 'nobody publishes' in logged

    probe.wait(told, 'an error in the log')
    assert "nobody publishes sensor_msgs/msg/Image on '/image'" in logged
    assert '/usb_cam/image_raw (sensor_msgs/msg/Image)' in logged
    assert '-r /image:=TOPIC' in logged
    assert '/overlay/image' not in logged


def test_an_error_in_the_core_costs_one_image_only(
    start_nodes, probe, tracker, make_image, monkeypatch
):
    def fail_once(_frame, _bodies, process=tracker.process):
        monkeypatch.setattr(tracker, 'process', process)
        raise RuntimeError('boom')

    monkeypatch.setattr(tracker, 'process', fail_once)
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    publisher.publish(make_image(1))
    status = probe.wait_for_value('/hand_detector', 'rejected', '1')
    assert status.level == DiagnosticStatus.ERROR
    assert 'RuntimeError: boom' in probe.values('/hand_detector')['last error']
    publisher.publish(make_image(2))
    probe.wait(lambda: hands, 'an answer to the next image')
    assert stamp_to_ns(hands[0].header.stamp) == 2


def test_thresholds_change_while_running(start_nodes, probe, tracker):
    node = start_nodes(HandDetectorNode, max_hands=2)
    probe.wait(lambda: node.is_active, 'an active detector')
    assert node.set_parameters([Parameter('search_interval_s', value=0.5)])[0].successful
    assert tracker.options == [HandTrackerOptions(max_hands=2, search_interval_ns=500_000_000)]
    assert node.set_parameters([Parameter('slow_ms', value=10.0)])[0].successful
    assert len(tracker.options) == 1

"""gesture_classifier with a GestureNet: hands are judged in the very image they were found in."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros2_hand_action.msg import GestureArray, GestureEvent, HandArray
from ros2_hand_action.nodes.conversions import (
    compressed_message,
    image_message,
    stamp_from_ns,
    stamp_to_ns,
)
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.wire import read_hands, write_hands
from ros2_hand_action.perception.encodings import encode_jpeg
from ros2_hand_action.perception.frame import PixelOrder
from ros2_hand_action.perception.records import Gesture

MS = 1_000_000
NAME = '/gesture_classifier'


class StandInNet:
    """Sees a fist where the image is bright."""

    labels = ('fist', 'none')
    description = 'stand-in'
    takes_image = True

    def classify(self, hands, frame):
        if not hands:
            return ()
        share = float(frame.pixels.mean() > 127)
        row = np.array([share, 1 - share], np.float32)
        label = self.labels[int(row.argmax())]
        return tuple(Gesture(h.track_id, h.handedness, label, 1.0, row) for h in hands)

    def close(self):
        pass


@pytest.fixture
def start(start_nodes, probe, monkeypatch):
    """Start the node; returns it, senders of hands and images, and the gestures."""
    monkeypatch.setattr(
        'ros2_hand_action.nodes.gesture_classifier.create_gesture_classifier',
        lambda *_: StandInNet(),
    )

    def start(image_type=Image, image_topic='image', **parameters):
        node = start_nodes(GestureClassifierNode, hands_timeout_s=60.0, **parameters)
        gestures = probe.listen(GestureArray, 'gestures')
        probe.listen(GestureEvent, 'gesture_events')
        images = probe.publisher(image_type, image_topic, 20)
        hands = probe.publisher(HandArray, 'hands', 20)
        if image_type is Image:
            probe.connect(node)
        return node, hands, images, gestures

    return start


@pytest.fixture
def make_hands(hand):
    def make(stamp_ms, *, present=True):
        header = Header(stamp=stamp_from_ns(stamp_ms * MS), frame_id='camera')
        hands = (hand,) if present else ()
        written = write_hands(hands, header, width_px=64, height_px=64)
        return deserialize_message(written, HandArray)

    return make


def make_image(stamp_ms, level=255):
    pixels = np.full((64, 64, 3), level, np.uint8)
    return image_message(pixels, PixelOrder.BGR, Header(stamp=stamp_from_ns(stamp_ms * MS)))


def stamps_ms(gestures):
    return [stamp_to_ns(message.header.stamp) // MS for message in gestures]


def labels(gestures):
    return [[each.label for each in message.gestures] for message in gestures]


def test_each_is_judged_by_the_image_of_its_stamp(start, probe, make_hands):
    """Images run ahead of the hands, as they do behind a detector that takes its time."""
    _, hands, images, gestures = start()
    for ms, level in ((1000, 255), (1033, 0), (1066, 255), (1100, 0)):
        images.publish(make_image(ms, level))
    for ms in (1000, 1033, 1100):
        hands.publish(make_hands(ms))
    probe.wait(lambda: len(gestures) == 3, 'three answers')
    assert stamps_ms(gestures) == [1000, 1033, 1100]
    assert labels(gestures) == [['fist'], ['none'], ['none']]


def test_each_message_of_hands_is_decoded_once(start, probe, make_hands, monkeypatch):
    decoded = []

    def read(data):
        decoded.append(data)
        return read_hands(data)

    monkeypatch.setattr('ros2_hand_action.nodes.paired_images.read_hands', read)
    _, hands, images, gestures = start()
    hands.publish(make_hands(1000))
    images.publish(make_image(1000))
    hands.publish(make_hands(1033, present=False))
    probe.wait(lambda: len(gestures) == 2, 'two answers')
    assert len(decoded) == 2


def test_hands_wait_for_their_image_and_keep_their_order(start, probe, make_hands):
    node, hands, images, gestures = start()
    hands.publish(make_hands(1000))
    hands.publish(make_hands(1033, present=False))
    hands.publish(make_hands(1066))
    probe.wait(lambda: len(node.stream._waiting) == 3, 'hands that wait')
    assert not gestures
    images.publish(make_image(1000))
    probe.wait(lambda: len(gestures) == 2, 'two answers')
    images.publish(make_image(1066))
    probe.wait(lambda: len(gestures) == 3, 'the third')
    assert stamps_ms(gestures) == [1000, 1033, 1066]
    assert labels(gestures) == [['fist'], [], ['fist']]


def test_lost_images_are_told_and_other_images_are_not_taken(start, probe, make_hands):
    _, hands, images, gestures = start()
    images.publish(make_image(1000))
    images.publish(make_image(1066))
    hands.publish(make_hands(1033))
    status = probe.wait_for_value(NAME, 'hands without image', '1')
    assert status.level != DiagnosticStatus.OK
    assert 'without their image' in status.message
    assert probe.values(NAME)['rejected'] == '1'
    assert 'hand_detector' in probe.values(NAME)['last error']
    hands.publish(make_hands(1066))
    probe.wait(lambda: len(gestures) == 1, 'the answer to the next')
    assert stamps_ms(gestures) == [1066]


def test_hands_without_any_image_are_told_and_do_not_pile_up(start, probe, make_hands):
    node, hands, _, gestures = start()
    for ms in range(1000, 1000 + 40 * 20, 40):
        hands.publish(make_hands(ms))
        probe.wait(
            lambda ms=ms: node.stream._waiting and node.stream._waiting[-1].stamp_ns == ms * MS,
            'the hands',
        )
    probe.wait_for_value(NAME, 'hands without image', '12')
    status = probe.status(NAME)
    assert "'/image'" in status.message
    assert len(node.stream._waiting) == 8
    assert not gestures


def test_only_so_many_images_are_kept(start, probe, make_hands):
    node, hands, images, gestures = start()
    for ms in range(1000, 1000 + 40 * 20, 40):
        images.publish(make_image(ms))
        probe.wait(lambda ms=ms: node.stream._images.newest_ns == ms * MS, 'the image')
    assert len(node.stream._images._messages) == 8
    hands.publish(make_hands(1760))
    probe.wait(lambda: gestures, 'an answer')


def test_a_recording_that_begins_again_goes_on(start, probe, make_hands):
    _, hands, images, gestures = start()
    for level in (255, 0):
        for ms in (1000, 1033):
            images.publish(make_image(ms, level))
            before = len(gestures)
            hands.publish(make_hands(ms))
            probe.wait(lambda before=before: len(gestures) > before, 'an answer')
    assert labels(gestures) == [['fist'], ['fist'], ['none'], ['none']]


def test_damaged_image_is_reported_and_the_next_answered(start, probe, make_hands):
    _, hands, images, gestures = start()
    bad = make_image(1000)
    bad.step = 1
    images.publish(bad)
    hands.publish(make_hands(1000))
    probe.wait_for_value(NAME, 'rejected', '1')
    images.publish(make_image(1033))
    hands.publish(make_hands(1033))
    probe.wait(lambda: gestures, 'an answer')
    assert stamps_ms(gestures) == [1033]


def test_compressed_images_do_as_well(start, probe, make_hands):
    _, hands, images, gestures = start(
        CompressedImage, 'image/compressed', image_transport='compressed'
    )
    header = Header(stamp=stamp_from_ns(1000 * MS))
    jpeg = encode_jpeg(np.full((64, 64, 3), 255, np.uint8), quality=90)
    probe.wait(
        lambda: images.get_subscription_count() and hands.get_subscription_count(), 'the node'
    )
    images.publish(compressed_message(jpeg, header))
    hands.publish(make_hands(1000))
    probe.wait(lambda: gestures, 'an answer')
    assert labels(gestures) == [['fist']]


def test_images_are_subscribed_to_only_where_needed(start_nodes, probe):
    node = start_nodes(GestureClassifierNode)
    probe.wait(lambda: node.is_active, 'an active node')
    assert not [each for each in node.subscriptions if 'image' in each.topic_name]

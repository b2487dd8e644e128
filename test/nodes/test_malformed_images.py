"""2,000 images that no camera should send, to running nodes."""

import random
import time
from array import array
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CompressedImage, Image

from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes.conversions import stamp_to_ns
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.perception.encodings import ENCODINGS

RAW_COUNT, COMPRESSED_COUNT = 1400, 600
LARGEST = 2**32 - 1
NAME = '/hand_detector'
ENCODINGS_OF_OTHERS = (
    '', '16UC1', '32FC1', '64FC4', 'jpeg', 'BGR8', 'bgr8 ', 'ü' * 50, 'x' * 5000,
)


def spoil_stamp(message, choice: random.Random) -> None:
    message.header.stamp.sec = choice.choice([-1, -(2**31), 5])
    message.header.stamp.nanosec = choice.choice([10**9, LARGEST])


def spoil_size(message: Image, choice: random.Random) -> None:
    setattr(message, choice.choice(['width', 'height']), choice.choice([0, 1000, LARGEST]))


def spoil_step(message: Image, choice: random.Random) -> None:
    message.step = choice.choice([0, 1, message.step - 1, message.step + 1, LARGEST])


def spoil_data(message: Image, choice: random.Random) -> None:
    size = len(message.data)
    kept = choice.choice([0, 1, size // 2, size - 1])
    message.data = choice.choice([message.data[:kept], message.data + array('B', [0] * 7)])


def spoil_encoding(message: Image, choice: random.Random) -> None:
    message.encoding = choice.choice(ENCODINGS_OF_OTHERS)


def empty(message: Image, choice: random.Random) -> None:
    message.data = array('B')
    message.width = message.height = message.step = 0
    message.encoding = choice.choice(ENCODINGS)


SPOILERS = (spoil_stamp, spoil_size, spoil_step, spoil_data, spoil_encoding, empty)


def malformed_images(make_image: Callable[..., Image]) -> Iterator[Image]:
    choice = random.Random(1)
    for index in range(RAW_COUNT):
        message = make_image(choice.randrange(1, 10**18), size=(12, 16))
        message.is_bigendian = choice.choice([0, 1, 255])
        SPOILERS[index % len(SPOILERS)](message, choice)
        yield message


def damaged_jpegs() -> Iterator[bytes]:
    choice = random.Random(2)
    scene = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    jpeg = cv2.imencode('.jpg', scene)[1].tobytes()
    png = cv2.imencode('.png', scene)[1].tobytes()
    for index in range(COMPRESSED_COUNT):
        whole = bytearray(choice.choice([jpeg, png]))
        if index % 3 == 0:
            yield bytes(whole[: choice.randrange(len(whole) - 8)])
        elif index % 3 == 1:
            yield choice.randbytes(choice.randrange(300))
        else:  # may still decode
            for _ in range(20):
                whole[choice.randrange(len(whole))] = choice.randrange(256)
            yield bytes(whole)


def feed(probe, node, publisher, messages) -> int:
    """Send each when the last one is answered or refused; returns how many."""
    probe.wait(lambda: node.is_active, 'an active node')
    statistics = node.stream.statistics
    sent = statistics.answered.count + statistics.rejected
    first = sent
    for message in messages:
        publisher.publish(message)
        sent += 1
        end_s = time.monotonic() + 10
        while statistics.answered.count + statistics.rejected < sent:
            time.sleep(0.0005)
            if time.monotonic() > end_s:
                pytest.fail(f'no answer to message {sent - first} and no refusal')
    return sent - first


def errors_in(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith('[ERROR]')]


def check_log(log: str, seconds: float, kinds: int, causes: tuple[str, ...]) -> None:
    errors = errors_in(log)
    assert 1 <= len(errors) <= kinds * (seconds / 5 + 1), log
    assert any(cause in log for cause in causes), log
    assert 'Traceback' not in log
    assert 'unforeseen' not in log


def test_malformed_images_are_refused_and_the_next_good_one_answered(
    start_nodes, probe, hand_models, make_image, capfd
):
    node = start_nodes(HandDetectorNode)
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(Image, 'image')
    probe.connect(node)
    begun_s = time.monotonic()
    assert feed(probe, node, publisher, malformed_images(make_image)) == RAW_COUNT
    seconds = time.monotonic() - begun_s
    assert node.stream.statistics.rejected == RAW_COUNT
    assert not hands
    log = capfd.readouterr().err
    check_log(log, seconds, 2, ('rows of step', 'less than the', 'cannot be read', 'no pixels'))
    status = probe.wait_for_value(NAME, 'rejected', str(RAW_COUNT))
    assert status.level == DiagnosticStatus.ERROR  # not one could be used
    assert "message on '/image' left out" in probe.values(NAME)['last error']

    publisher.publish(make_image(7 * 10**9, size=(120, 160)))
    probe.wait(lambda: hands, 'an answer to the good image')
    assert stamp_to_ns(hands[0].header.stamp) == 7 * 10**9


def test_damaged_jpegs_are_refused_and_the_next_good_one_answered(
    start_nodes, probe, hand_models, capfd
):
    node = start_nodes(HandDetectorNode, image_transport='compressed')
    hands = probe.listen(HandArray, 'hands')
    publisher = probe.publisher(CompressedImage, 'image/compressed')
    probe.connect(node)

    def make(data: bytes) -> CompressedImage:
        message = CompressedImage(format='jpeg', data=array('B', data))
        message.header.stamp.sec = 5
        return message

    begun_s = time.monotonic()
    sent = feed(probe, node, publisher, map(make, damaged_jpegs()))
    assert sent == COMPRESSED_COUNT
    assert node.stream.statistics.rejected >= COMPRESSED_COUNT * 2 // 3
    log = capfd.readouterr().err
    check_log(log, time.monotonic() - begun_s, 2, ('cut off', 'neither JPEG nor PNG'))

    good = cv2.imencode('.jpg', np.full((120, 160, 3), 90, np.uint8))[1].tobytes()
    publisher.publish(make(good))
    probe.wait(lambda: hands and hands[-1].image_width == 160, 'an answer to the good image')


def test_the_overlay_survives_the_same(start_nodes, probe, make_image, capfd):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    hands = probe.publisher(HandArray, 'hands')
    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)
    for message in list(malformed_images(make_image))[:300]:
        images.publish(message)
        hands.publish(HandArray(header=message.header))

    def answered() -> bool:
        good = make_image(probe.node.get_clock().now().nanoseconds, size=(120, 160))
        images.publish(good)
        hands.publish(HandArray(header=good.header))
        return any(message.width == 160 for message in shown)

    probe.wait(answered, 'an annotated image')
    assert 'unforeseen' not in capfd.readouterr().err

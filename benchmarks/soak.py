"""Run the real nodes over many images and many random requests: nothing may grow or wedge.

    .venv/bin/python benchmarks/soak.py --frames 200000 --sequences 2000

Detector, classifier and overlay run in this process with their real networks, over the real
middleware; each image is sent when the answer to the last one has come, so that a day's images
take less than an hour. The images are small (320x240) and show a hand for 60 of 100 images.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from rclpy.context import Context
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from tqdm import tqdm

from ros2_hand_action.models.store import media_path
from ros2_hand_action.msg import GestureArray, GestureEvent
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.runner import NodeGroup, choose_transport
from ros2_hand_action.perception.frame import PixelOrder

ANSWER_S = 20.0
PERIOD_NS = 33_333_333
SAMPLE_EVERY = 200
CYCLE, WITH_HAND = 100, 60
LARGEST_GROWTH = 0.02


class Usage(NamedTuple):
    """What this process holds."""

    resident_mb: float
    files: int
    threads: int


def read_usage() -> Usage:
    """Return what this process holds now."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return Usage(
        pages * os.sysconf('SC_PAGE_SIZE') / 1e6,
        len(os.listdir('/proc/self/fd')),
        len(os.listdir('/proc/self/task')),
    )


def make_frames() -> list[np.ndarray]:
    """Return a cycle of images, a hand that moves in the first of them."""
    photo = cv2.imread(str(media_path('five_hands')))
    assert photo is not None
    two_fingers = photo[:, 105:190]
    hand = cv2.resize(two_fingers, (120, 200))
    frames = []
    for index in range(CYCLE):
        frame = np.full((240, 320, 3), 40, np.uint8)
        if index < WITH_HAND:
            frame[20:220, 2 * index : 2 * index + 120] = hand
        frames.append(frame)
    return frames


class Driver(HandActionNode):
    """Sends images one at a time and takes what is published."""

    def __init__(self, *, context: Context) -> None:
        super().__init__('soak', context=context)
        self._publisher = self.create_publisher(Image, topics.IMAGE, topics.IMAGE_QOS)
        self._answered = threading.Event()
        self._stamp_ns = 0
        self.counts = {'hands': 0, 'events': 0, 'overlays': 0}
        self.create_subscription(
            GestureArray, topics.GESTURES, self._on_gestures, topics.RESULTS_QOS
        )
        self.create_subscription(
            GestureEvent, topics.GESTURE_EVENTS, lambda _: self._count('events'), topics.EVENTS_QOS
        )
        self.create_subscription(
            CompressedImage, topics.OVERLAY_IMAGE + topics.COMPRESSED_SUFFIX,
            lambda _: self._count('overlays'), topics.IMAGE_QOS,
        )  # fmt: skip

    def await_nodes(self) -> None:
        """Wait until somebody takes the images and the gestures are published."""
        end_s = time.monotonic() + ANSWER_S
        while not (self._publisher.get_subscription_count() and self.count_publishers('gestures')):
            if time.monotonic() > end_s:
                raise SystemExit('the nodes did not come')
            time.sleep(0.1)

    def ask(self, frame: np.ndarray, stamp_ns: int) -> None:
        """Send one image until it is answered; an early one may be lost."""
        header = Header(stamp=stamp_from_ns(stamp_ns), frame_id='camera')
        self._stamp_ns = stamp_ns
        self._answered.clear()
        self._publisher.publish(image_message(frame, PixelOrder.BGR, header))
        if not self._answered.wait(ANSWER_S):
            raise SystemExit(f'no answer to the image {stamp_ns // PERIOD_NS}: wedged')

    def _on_gestures(self, message: GestureArray) -> None:
        stamp = message.header.stamp
        self.counts['hands'] += len(message.gestures)
        if stamp.sec * 1_000_000_000 + stamp.nanosec == self._stamp_ns:
            self._answered.set()

    def _count(self, what: str) -> None:
        self.counts[what] += 1


def soak(frames_wanted: int, limit_s: float) -> bool:
    """Send so many images, or as many as the time allows; return whether nothing grew."""
    choose_transport()
    frames, samples = make_frames(), []
    group = NodeGroup(
        [Driver, HandDetectorNode, GestureClassifierNode, OverlayNode], context=Context()
    )
    end_s = time.monotonic() + limit_s
    with group:
        driver = group.nodes[0]
        assert isinstance(driver, Driver)
        driver.await_nodes()
        time.sleep(2)  # the discovery of the rest
        for index in tqdm(range(frames_wanted), unit='image'):
            driver.ask(frames[index % CYCLE], 1_000_000_000 + index * PERIOD_NS)
            if index % SAMPLE_EVERY == 0:
                samples.append(read_usage())
            if time.monotonic() > end_s:
                break
        counts = dict(driver.counts)
    print(f'{index + 1} images answered; {counts}')
    return judge(samples)


def judge(samples: list[Usage]) -> bool:
    """Print what grew since the warm-up, the first fifth; return whether it is too much."""
    fifth = max(1, len(samples) // 5)
    warm, last = np.array(samples[fifth : 2 * fifth]), np.array(samples[-fifth:])
    growth = last[:, 0].mean() / warm[:, 0].mean() - 1
    print(f'resident: {warm[:, 0].mean():.1f} MB after the warm-up, {last[:, 0].mean():.1f} MB at '
          f'the end: {growth:+.2%}')
    print(f'open files: {warm[:, 1].max():.0f}, {last[:, 1].max():.0f}; '
          f'threads: {warm[:, 2].max():.0f}, {last[:, 2].max():.0f}')
    return bool(growth < LARGEST_GROWTH and (last[:, 1:].max(0) <= warm[:, 1:].max(0)).all())


def run_sequences(count: int) -> bool:
    """Run so many random sequences of transitions and parameters; return whether all passed."""
    test = Path(__file__).resolve().parents[1] / 'test' / 'nodes' / 'test_random_lifecycle.py'
    environment = {**os.environ, 'HAND_ACTION_SEQUENCES': str(count)}
    command = [sys.executable, '-m', 'pytest', '--timeout=0', '-o', 'faulthandler_timeout=0']
    return subprocess.run([*command, str(test)], env=environment).returncode == 0


def main() -> int:
    """Soak the nodes; exits with 1 where something grew or wedged."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--frames', type=int, default=200_000)
    parser.add_argument('--sequences', type=int, default=2000)
    parser.add_argument('--minutes', type=float, default=120, help='end the images after so long')
    given = parser.parse_args()
    results = [soak(given.frames, given.minutes * 60)] if given.frames else []
    if given.sequences:
        results.append(run_sequences(given.sequences))
    print('passed' if all(results) else 'FAILED')
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main())

"""Time from the last good image to zero velocity on the topic, with the machine under load.

A real image of a hand goes over DDS to hand_detector and gesture_classifier in one process and
gesture_commander in another. Once the robot moves, either the camera stops, or the hand leaves
the images, or the process that sees is killed. The time runs from the publishing of the last
image that shows the hand until this process receives the zero that no motion follows.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import cv2
import numpy as np
import rclpy
from geometry_msgs.msg import Twist
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header
from tqdm import tqdm

from ros2_hand_action.models.store import media_path
from ros2_hand_action.msg import Gesture, GestureArray, GestureEvent, Hand, HandArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.nodes.runner import choose_transport
from ros2_hand_action.perception.frame import PixelOrder
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.replay.processes import NodeProcess

TWO_X_PX = slice(112, 192)
"""Columns of the photo of five hands that show the one with two fingers."""
FAULTS = ('camera freezes', 'hand leaves', 'process is killed')
SETTLE_S = 0.6
"""No motion may follow a zero for so long."""
MOVING_S = 0.3
DEADLINE_S = 300.0
MAP = """
control: {policy: nearest}
velocity: {limits: {linear: {x: 0.5}}, acceleration: {linear: {x: 10}}}
commands:
  - {name: forward, when: {gesture: two}, velocity: {linear: {x: 0.5}}}
"""
PERCEPTION = ('--nodes', 'hand_detector,gesture_classifier')


class ImageSender:
    """Publishes images of a hand, and others."""

    def __init__(self, node: Node, image: np.ndarray) -> None:
        self._images = node.create_publisher(Image, topics.IMAGE, topics.IMAGE_QOS)
        self._shown = {True: image, False: np.full_like(image, 128)}

    def send(self, header: Header, *, hand: bool) -> None:
        """Publish one."""
        self._images.publish(image_message(self._shown[hand], PixelOrder.BGR, header))


class GestureSender:
    """Publishes what detector and classifier find in such images."""

    def __init__(self, node: Node) -> None:
        self._hands = node.create_publisher(HandArray, topics.HANDS, topics.RESULTS_QOS)
        self._events = node.create_publisher(
            GestureEvent, topics.GESTURE_EVENTS, topics.EVENTS_QOS
        )
        self._gestures = node.create_publisher(GestureArray, topics.GESTURES, topics.RESULTS_QOS)
        self._was_hand = False

    def send(self, header: Header, *, hand: bool) -> None:
        """Publish the answers to one image."""
        hands = [Hand(id='h1', box=RegionOfInterest(width=60, height=60))] if hand else []
        self._hands.publish(HandArray(header=header, image_width=640, hands=hands))
        if hand and not self._was_hand:
            self._events.publish(
                GestureEvent(header=header, label='two', hand_id='h1', start=header.stamp)
            )
        self._was_hand = hand
        shown = [Gesture(hand_id='h1', label='two', score=0.9)] if hand else []
        self._gestures.publish(
            GestureArray(header=header, labels=list(GESTURES), gestures=shown)
        )


class Robot:
    """A base that notes when it was told what, and the camera on it."""

    def __init__(self, rate_hz: float, *, networks: bool) -> None:
        choose_transport()
        rclpy.init()
        self._node = rclpy.create_node('stop_latency')
        self._camera: ImageSender | GestureSender = (
            ImageSender(self._node, _hand_image()) if networks else GestureSender(self._node)
        )
        self._node.create_subscription(Twist, 'cmd_vel', self._take, topics.COMMANDS_QOS)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._period_s = 1.0 / rate_hz
        self._next_s = time.monotonic()
        self.told: list[tuple[float, bool]] = []
        self.sent_s = 0.0

    @property
    def is_moving(self) -> bool:
        """Whether the newest velocity is not zero."""
        return bool(self.told) and self.told[-1][1]

    def look(self, *, hand: bool) -> None:
        """Publish the next image when it is due."""
        self._next_s = max(self._next_s + self._period_s, time.monotonic())
        self.wait(self._next_s - time.monotonic())
        header = Header(stamp=stamp_from_ns(time.time_ns()), frame_id='camera')
        if hand:
            self.sent_s = time.monotonic()
        self._camera.send(header, hand=hand)

    def wait(self, seconds: float) -> None:
        """Listen for so long."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left_s)

    def start_moving(self) -> None:
        """Show the hand, and take it away now and then, until the robot has moved a while."""
        end_s = time.monotonic() + DEADLINE_S
        moved_s = 0.0
        while time.monotonic() < end_s:
            for _ in range(8):
                self.look(hand=False)
            for _ in range(40):
                self.look(hand=True)
                moved_s = (moved_s or time.monotonic()) if self.is_moving else 0.0
                if moved_s and time.monotonic() - moved_s > MOVING_S:
                    return
        raise SystemExit(f'the robot did not move within {DEADLINE_S:g} s')

    def stop_latency_s(self, fault: str) -> float:
        """Return the time from the last image of the hand to the last word, which is zero."""
        end_s = time.monotonic() + SETTLE_S
        while time.monotonic() < end_s:
            if fault == FAULTS[1]:
                self.look(hand=False)
            else:
                self.wait(0.05)
        last = max(index for index, (_, moves) in enumerate(self.told) if moves)
        if last + 1 == len(self.told):
            raise SystemExit(f'no stop within {SETTLE_S:g} s after {fault!r}')
        return self.told[last + 1][0] - self.sent_s

    def _take(self, message: Twist) -> None:
        self.told.append((time.monotonic(), bool(message.linear.x)))


def main() -> None:
    """Measure each fault and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--rounds', type=int, default=100, help='of each fault (%(default)s)')
    parser.add_argument('--kills', type=int, default=10, help='rounds of kill -9 (%(default)s)')
    parser.add_argument('--rate', type=float, default=30.0, help='images a second (%(default)s)')
    parser.add_argument(
        '--load', type=int, default=os.cpu_count(),
        help='busy processes beside it (default: one for each core)',
    )
    parser.add_argument(
        '--realtime', action='store_true',
        help='start the commander as by chrt -r 10 (SCHED_RR), which needs root',
    )
    parser.add_argument(
        '--without-networks', action='store_true',
        help='send gestures instead of images: the commander alone',
    )
    options = parser.parse_args()
    os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / 'map.yaml').write_text(MAP)
        for _ in range(options.load):
            busy = subprocess.Popen([sys.executable, '-c', 'while True: pass'])
            stack.callback(busy.wait)
            stack.callback(busy.kill)
        commander = ('--nodes', 'gesture_commander', '--commands', str(folder / 'map.yaml'))
        if options.realtime:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))  # children inherit it
        stack.enter_context(NodeProcess(commander, folder / 'commander.log'))
        _be_punctual()
        robot = Robot(options.rate, networks=not options.without_networks)
        print(
            f'{options.rate:g} images/s, {options.load} busy processes beside, '
            f'{"chrt -r 10, " if options.realtime else ""}load average {os.getloadavg()[0]:.1f}'
        )
        print('| fault | rounds | p50 (ms) | p95 | p99 | most |\n|---|---|---|---|---|---|')
        for fault in FAULTS[:2] if options.without_networks else FAULTS:
            rounds = options.kills if fault == FAULTS[2] else options.rounds
            _print_row(fault, _measure(robot, fault, rounds, folder, options))


def _measure(
    robot: Robot, fault: str, rounds: int, folder: Path, options: argparse.Namespace
) -> list[float]:
    latencies_s = []
    with ExitStack() as stack:
        if not options.without_networks:
            nodes = stack.enter_context(_start_perception(folder))
        for _ in tqdm(range(rounds), desc=fault):
            robot.start_moving()
            if fault == FAULTS[2]:
                os.kill(nodes.pid, signal.SIGKILL)
            latencies_s.append(robot.stop_latency_s(fault))
            if fault == FAULTS[2]:
                nodes = stack.enter_context(_start_perception(folder))
    return latencies_s


def _start_perception(folder: Path) -> NodeProcess:
    """Start the nodes that see, with ordinary priority."""
    process = NodeProcess(PERCEPTION, folder / 'nodes.log')
    os.sched_setscheduler(process.pid, os.SCHED_OTHER, os.sched_param(0))
    return process


def _be_punctual() -> None:
    """Let this process note and send in time, whatever the machine does; needs root."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))


def _print_row(fault: str, latencies_s: list[float]) -> None:
    p50, p95, p99 = np.percentile(latencies_s, (50, 95, 99)) * 1e3
    most = max(latencies_s) * 1e3
    cells = f'{len(latencies_s)} | {p50:.0f} | {p95:.0f} | {p99:.0f} | {most:.0f}'
    print(f'| {fault} | {cells} |', flush=True)


def _hand_image() -> np.ndarray:
    """Return a real hand with two fingers, 480 x 640."""
    photo = np.asarray(cv2.imread(str(media_path('five_hands'))))
    crop = cv2.resize(photo[:, TWO_X_PX], None, fx=2, fy=2)
    image = np.full((480, 640, 3), np.median(photo, axis=(0, 1)), np.uint8)
    image[: len(crop), 240:240 + crop.shape[1]] = crop
    return image


if __name__ == '__main__':
    main()

"""Drive the real nodes with a clip over DDS: one image at a time, until its gestures come back."""

import os
import signal
import subprocess
import sys
import threading
import time
from array import array
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from clips import FRAME_RATE_HZ
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image

from ros2_hand_action.msg import GestureArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.input_loop import INPUT_LOOPS, Input, OwnThreadGroup
from ros2_hand_action.nodes.runner import choose_transport

ANSWER_DEADLINE_S = 5.0
START_DEADLINE_S = 60.0
NODES = ('hand_detector', 'gesture_classifier')


class ClipTimes(NamedTuple):
    """What one run over a clip measured; warm-up frames are left out."""

    latencies_s: list[float]
    hands_found: list[int]
    cpu_s_per_frame: float
    peak_memory_mb: float
    stages: dict[str, dict[str, str]]


class NodeProcess:
    """`hand-action run` with the two nodes, in a process of its own."""

    def __init__(
        self, max_hands: int, threads: int, log: Path, *, backend: str = 'auto'
    ) -> None:
        command = [
            str(Path(sys.executable).parent / 'hand-action'), 'run', '--nodes', ','.join(NODES),
            '-p', f'hand_detector.max_hands:={max_hands}',
            '-p', f'hand_detector.threads:={threads}',
            '-p', f'hand_detector.backend:={backend}',
            '-p', f'gesture_classifier.backend:={backend}',
            '-p', 'hand_detector.statistics_window:=100000',
            '-p', 'gesture_classifier.statistics_window:=100000',
        ]
        self._log = log
        with log.open('w', encoding='utf-8') as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=file)

    def check(self) -> None:
        """Exit with the log's end unless the nodes still run."""
        if self._process.poll() is not None:
            raise SystemExit(f'the nodes ended:\n{self._log.read_text()[-2000:]}')

    def cpu_s(self) -> float:
        """Return the CPU time used so far, of all threads."""
        fields = Path(f'/proc/{self._process.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def peak_memory_mb(self) -> float:
        """Return the largest resident size so far."""
        status = Path(f'/proc/{self._process.pid}/status').read_text()
        return int(status.partition('VmHWM:')[2].split()[0]) / 1024

    def __enter__(self) -> 'NodeProcess':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)


class NodeClient:
    """Publishes images and waits for the gestures of each."""

    def __init__(self) -> None:
        choose_transport()
        rclpy.init()
        self._node = rclpy.create_node('benchmark')
        self._images = self._node.create_publisher(Image, topics.IMAGE, topics.IMAGE_QOS)
        self._gestures = self._node.create_subscription(
            GestureArray, topics.GESTURES, lambda message: None, topics.RESULTS_QOS,
            callback_group=OwnThreadGroup(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )
        self._has_answer = threading.Event()
        self._stop_taking = INPUT_LOOPS.add(
            self._node.context,
            'benchmark',
            Input(self._gestures, self._on_gestures, threading.RLock(), print),
        )
        self._node.create_subscription(
            DiagnosticArray, topics.DIAGNOSTICS, self._on_diagnostics, topics.DIAGNOSTICS_QOS
        )
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._answer: GestureArray | None = None
        self._answered_s = 0.0
        self._stages: dict[str, dict[str, str]] = {}

    def close(self) -> None:
        """Leave the graph."""
        self._stop_taking()
        self._node.destroy_node()
        rclpy.shutdown()

    def run_clip(self, clip: np.ndarray, process: NodeProcess) -> ClipTimes:
        """Send every frame and time its answer."""
        self._await_nodes(process)
        start_ns = time.time_ns()
        latencies_s, found = [], []
        warm = len(clip) // 4
        cpu_start_s = 0.0
        for index, frame in enumerate(clip):
            if index == warm:
                cpu_start_s = process.cpu_s()
            stamp_ns = start_ns + round(index * 1e9 / FRAME_RATE_HZ)
            latency_s, hands = self._ask(_make_image(frame, stamp_ns), process)
            latencies_s.append(latency_s)
            found.append(hands)
        cpu_s = (process.cpu_s() - cpu_start_s) / (len(clip) - warm)
        self._await_diagnostics(process)
        return ClipTimes(
            latencies_s[warm:], found[warm:], cpu_s, process.peak_memory_mb(), self._stages
        )

    def _ask(self, image: Image, process: NodeProcess) -> tuple[float, int]:
        """Publish one image; return the time until its gestures came, and how many hands."""
        self._has_answer.clear()
        begun_s = time.perf_counter()
        self._images.publish(image)
        if not self._has_answer.wait(ANSWER_DEADLINE_S):
            process.check()
            raise SystemExit(f'no gestures came for an image within {ANSWER_DEADLINE_S} s')
        if self._answer is None or self._answer.header.stamp != image.header.stamp:
            raise SystemExit(f'gestures of another image came: {self._answer}')
        return self._answered_s - begun_s, len(self._answer.gestures)

    def _await_nodes(self, process: NodeProcess) -> None:
        """Wait until the chain of nodes stands."""
        self._spin_until(
            lambda: self._node.count_subscribers(topics.IMAGE)
            and self._node.count_publishers(topics.GESTURES)
            and self._node.count_subscribers(topics.HANDS),
            process,
        )

    def _await_diagnostics(self, process: NodeProcess) -> None:
        """Wait for reports that were made after the last image."""
        self._stages = {}
        self._spin_until(lambda: len(self._stages) == len(NODES), process)

    def _spin_until(self, is_done: Any, process: NodeProcess) -> None:
        deadline_s = time.monotonic() + START_DEADLINE_S
        while not is_done():
            self._executor.spin_once(timeout_sec=0.1)
            process.check()
            if time.monotonic() > deadline_s:
                raise SystemExit(f'the nodes were not ready within {START_DEADLINE_S} s')

    def _on_gestures(self, message: GestureArray, _info: dict[str, Any]) -> None:
        self._answered_s = time.perf_counter()
        self._answer = message
        self._has_answer.set()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.lstrip('/')
            if name in NODES:
                self._stages[name] = {pair.key: pair.value for pair in status.values}


def _make_image(frame: np.ndarray, stamp_ns: int) -> Image:
    height, width = frame.shape[:2]
    image = Image(height=height, width=width, encoding='rgb8', step=3 * width)
    image.header.frame_id = 'camera'
    image.header.stamp = Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    image.data = array('B', frame.tobytes())
    return image

"""What replay costs: times per image of a 640x480 bag, and memory over the length of a bag.

    python benchmarks/replay_bench.py times [--bodies] [--seconds 10]
    python benchmarks/replay_bench.py memory [--minutes 1 10]

Times are those of the thread that does the work (processor time), so that others on the machine
do not count; the networks' second thread runs beside it. For the memory, a stand-in takes the
place of the networks: one hand and one body in every image, at once.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from ros2_hand_action.inference import onnxruntime_backend
from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.body_pose import BodyPoseTracker
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.perception.records import Body, Gesture, Hand, Handedness
from ros2_hand_action.replay.pipeline import (
    BegunImage,
    Pipeline,
    PipelineOptions,
    PipelineResult,
)
from ros2_hand_action.replay.recording import RecordedFrame, Recording, Selection
from ros2_hand_action.replay.replay import ReplayOptions, replay_source
from ros2_hand_action.replay.results import write_results

WIDTH_PX, HEIGHT_PX, RATE_HZ = 640, 480, 30
BEGIN_NS = 1_700_000_000_000_000_000
STORE = get_typestore(Stores.ROS2_HUMBLE)
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
HAND_X_PX = slice(95, 210)
"""Where the hand that shows two fingers is in the photo of five hands."""


class Clock:
    """Adds up the processor time of this thread in calls of a function."""

    def __init__(self) -> None:
        self.total_s = 0.0

    def wrap(self, function: Any) -> Any:
        """Return the function with its time counted."""

        def timed(*arguments: Any, **named: Any) -> Any:
            begun_s = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self.total_s += time.thread_time() - begun_s

        return timed


def person_and_hand() -> Iterator[np.ndarray]:
    """Yield a walking woman, over and over, and beside her a hand from a photo."""
    photo = cv2.imread(str(media_path('five_hands')))
    if photo is None:
        raise SystemExit('no photo: hand-action models fetch five_hands')
    hand = photo[:, HAND_X_PX]
    hand = cv2.resize(hand, (150, round(hand.shape[0] * 150 / hand.shape[1])))
    while True:
        capture = cv2.VideoCapture(str(media_path('walking_woman')))
        while True:
            read, image = capture.read()
            if not read:
                break
            scale = min(WIDTH_PX / image.shape[1], HEIGHT_PX / image.shape[0])
            size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            frame = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
            frame[: image.shape[0], : image.shape[1]] = image
            frame[-hand.shape[0]:, -hand.shape[1]:] = hand[-HEIGHT_PX:]
            yield frame


def header(index: int) -> Any:
    """Return the header of an image."""
    stamp_ns = BEGIN_NS + round(index * 1e9 / RATE_HZ)
    stamp = STORE.types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
    return STORE.types['std_msgs/msg/Header'](stamp, 'camera')


def write_bag(path: Path, messages: Iterator[Any], kind: str) -> None:
    """Write images as a bag."""
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection('/camera/image', kind, typestore=STORE)
        for index, message in enumerate(messages):
            log_ns = BEGIN_NS + round(index * 1e9 / RATE_HZ)
            writer.write(connection, log_ns, bytes(STORE.serialize_cdr(message, kind)))


def raw_messages(count: int) -> Iterator[Any]:
    """Yield raw images of a person and a hand."""
    for index, frame in zip(range(count), person_and_hand()):
        yield STORE.types[IMAGE](
            header(index), HEIGHT_PX, WIDTH_PX, 'bgr8', 0, 3 * WIDTH_PX, frame.ravel()
        )


def small_messages(count: int) -> Iterator[Any]:
    """Yield compressed grey images."""
    _, data = cv2.imencode('.jpg', np.full((HEIGHT_PX, WIDTH_PX), 99, np.uint8))
    for index in range(count):
        yield STORE.types[COMPRESSED](header(index), 'mono8; jpeg compressed', data.ravel())


def measure_times(seconds: float, *, bodies: bool) -> dict[str, float]:
    """Replay a bag and return milliseconds per image, by where they go."""
    networks, perception, people = Clock(), Clock(), Clock()
    session = onnxruntime_backend.OnnxRuntimeSession
    options = ReplayOptions(Selection(), PipelineOptions(bodies=bodies))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bag(folder / 'bag', raw_messages(round(seconds * RATE_HZ)), IMAGE)
        Pipeline(options.pipeline).close()  # what is loaded once
        begun_s = time.thread_time()
        Pipeline(options.pipeline).close()
        loading_s = time.thread_time() - begun_s
        session.run = networks.wrap(session.run)  # type: ignore[method-assign]
        Pipeline.complete = perception.wrap(Pipeline.complete)  # type: ignore[method-assign]
        BodyPoseTracker.process = people.wrap(  # type: ignore[method-assign]
            BodyPoseTracker.process
        )
        begun_s = time.thread_time()
        clip = replay_source(
            folder / 'bag', options, store=folder / 'frames', bag=folder / 'results'
        )
        write_results(Recording((clip,), clip.labels), folder / 'results.json')
        total_s = time.thread_time() - begun_s - loading_s
        frames = list(clip.frames)
    per_image = 1e3 / len(frames)
    busy_s = perception.total_s + people.total_s
    return {
        'images': len(frames),
        'hands per image': sum(len(frame.hands or ()) for frame in frames) / len(frames),
        'bodies per image': sum(len(frame.bodies or ()) for frame in frames) / len(frames),
        'networks, both threads (ms)': networks.total_s * per_image,
        'around the networks, both threads (ms)': (busy_s - networks.total_s) * per_image,
        'bodies, a thread of their own (ms)': people.total_s * per_image,
        'hands, gestures, events (ms)': perception.total_s * per_image,
        'reading and writing (ms)': (total_s - perception.total_s) * per_image,
        'overhead over the perception (%)': 100 * (total_s - perception.total_s) / busy_s,
        'overhead over the networks alone (%)': (
            100 * (total_s - perception.total_s) / networks.total_s
        ),
        'times real time, a core for each thread': (
            len(frames) / RATE_HZ / max(total_s, people.total_s)
        ),
        'times real time, one core': len(frames) / RATE_HZ / (total_s + people.total_s),
    }


def answer_at_once(_: Pipeline, begun: BegunImage) -> PipelineResult:
    """Return one hand and one body, without looking."""
    points = np.zeros((21, 3), np.float32)
    box = np.array([1, 2, 3, 4], np.float32)
    hand = Hand('h1', Handedness.LEFT, 0.9, box, 0.9, 0.9, points, points)
    gesture = Gesture('h1', Handedness.LEFT, 'none', 0.9, np.full(len(GESTURES), 0.1, np.float32))
    body = Body(
        'p1', 0.9, box, np.zeros((34, 2), np.float32), np.ones(34, np.float32),
        np.random.default_rng(1).normal(size=(34, 3)).astype(np.float32),
    )
    recorded = RecordedFrame(0, begun.frame.stamp_ns, (hand,), (gesture,), bodies=(body,))
    return PipelineResult(recorded, ())


def peak_mb(minutes: float) -> float:
    """Return the most memory that a process of its own took for a bag of so many minutes."""
    command = [sys.executable, __file__, 'peak', '--minutes', str(minutes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


def replay_with_stand_in(minutes: float) -> float:
    """Replay a bag in this process and return its peak of memory in MB."""
    Pipeline.complete = answer_at_once  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, __file__, 'write', str(folder / 'bag'), '--minutes', str(minutes)],
            check=True,
        )
        clip = replay_source(folder / 'bag', store=folder / 'frames', bag=folder / 'results')
        write_results(Recording((clip,), clip.labels), folder / 'results.json')
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('what', choices=('times', 'memory', 'peak', 'write'))
    parser.add_argument('path', nargs='?', type=Path)
    parser.add_argument('--bodies', action='store_true')
    parser.add_argument('--seconds', type=float, default=10.0)
    parser.add_argument('--minutes', type=float, nargs='+', default=[1.0, 10.0])
    parsed = parser.parse_args()
    if parsed.what == 'times':
        for name, value in measure_times(parsed.seconds, bodies=parsed.bodies).items():
            print(f'{name:45} {value:8.2f}')
    elif parsed.what == 'memory':
        for minutes in parsed.minutes:
            print(f'{minutes:5.1f} min: {peak_mb(minutes):7.1f} MB')
    elif parsed.what == 'peak':
        print(json.dumps(replay_with_stand_in(parsed.minutes[0])))
    else:
        count = round(parsed.minutes[0] * 60 * RATE_HZ)
        write_bag(parsed.path, small_messages(count), COMPRESSED)
    return 0


if __name__ == '__main__':
    sys.exit(main())

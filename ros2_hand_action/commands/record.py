"""`hand-action record`: what cameras and nodes publish, into a bag to replay."""

import argparse
import signal
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ros2_hand_action.commands.ros_arguments import make_ros_arguments
from ros2_hand_action.errors import ConfigError, MediaError

if TYPE_CHECKING:
    from rclpy.executors import SingleThreadedExecutor

    from ros2_hand_action.nodes.bag_recorder import BagRecorderNode
    from ros2_hand_action.replay.recording_bag import RecordingBag

_SPIN_S = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        '--out', type=Path, metavar='DIR',
        help='folder of the bag, a new one (default: recording_DATE_TIME)',
    )
    parser.add_argument(
        '--remap', action='append', default=[], metavar='FROM:=TO',
        help='use another name for a topic, such as image:=/camera/image_raw',
    )
    parser.add_argument('--namespace', metavar='NS', help='of the nodes that are recorded')
    parser.add_argument(
        '--topics', nargs='+', default=[], metavar='TOPIC', help='record these, too'
    )
    parser.add_argument(
        '--no-images', action='store_true', help='record what the nodes answer alone'
    )
    parser.add_argument(
        '--duration', type=float, metavar='S', help='end after so many seconds (default: Ctrl-C)'
    )
    parser.add_argument(
        '--min-free-mb', type=float, default=500.0, metavar='MB',
        help='end when less is free on the disk (default: %(default)g)',
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Record until Ctrl-C, SIGTERM or the end of the duration."""
    from ros2_hand_action.replay.recording_bag import RecordingBag

    if parsed.duration is not None and not parsed.duration > 0:
        raise ConfigError(f'--duration is {parsed.duration!r}, must be above 0')
    path = parsed.out or Path(f'recording_{datetime.now():%Y%m%d_%H%M%S}')
    arguments = make_ros_arguments(
        params=(), remaps=parsed.remap, namespace=parsed.namespace
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with RecordingBag(path, min_free_mb=parsed.min_free_mb) as bag:
        _record(bag, parsed, arguments, stop)
    print(_summarise(bag, path))
    return 0


def _record(
    bag: 'RecordingBag', parsed: argparse.Namespace, arguments: list[str], stop: threading.Event
) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    from ros2_hand_action.nodes.bag_recorder import IMAGE_TOPICS, RESULT_TOPICS, BagRecorderNode
    from ros2_hand_action.nodes.runner import choose_transport

    choose_transport()
    context = rclpy.Context()
    rclpy.init(
        args=arguments, context=context, signal_handler_options=SignalHandlerOptions.NO
    )
    try:
        wanted = [*(() if parsed.no_images else IMAGE_TOPICS), *RESULT_TOPICS, *parsed.topics]
        node = BagRecorderNode(bag, wanted, context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        _spin(node, executor, bag, stop, parsed.duration)
        executor.shutdown(timeout_sec=0)
        report_problems(node, bag)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def _spin(
    node: 'BagRecorderNode',
    executor: 'SingleThreadedExecutor',
    bag: 'RecordingBag',
    stop: threading.Event,
    duration_s: float | None,
) -> None:
    end_s = time.monotonic() + duration_s if duration_s else float('inf')
    with tqdm(desc='recording, Ctrl-C ends', unit=' messages') as bar:
        while not stop.is_set() and time.monotonic() < end_s:
            executor.spin_once(timeout_sec=_SPIN_S)
            bar.update(sum(bag.counts.values()) - bar.n)
            if node.failure is not None:
                raise node.failure


def report_problems(node: 'BagRecorderNode', bag: 'RecordingBag') -> None:
    """Tell what is not recorded; raises MediaError where nothing is."""
    for topic, reason in node.problems.items():
        print(f'hand-action record: warning: {topic} is not recorded: {reason}', file=sys.stderr)
    if not any(bag.counts.values()):
        there = ', '.join(name for name, _ in node.get_topic_names_and_types())
        raise MediaError(
            f'nothing came on {", ".join(node.silent)}; there are {there or "no topics"}: '
            'use --remap, --namespace or --topics'
        )


def _summarise(bag: 'RecordingBag', path: Path) -> str:
    width = max(len(topic) for topic in bag.counts)
    lines = [f'{topic.ljust(width)}  {count}' for topic, count in sorted(bag.counts.items())]
    return '\n'.join([*lines, f'{path}  (hand-action replay {path})'])

"""Time until a node whose process was killed is back, each in a process of its own.

The processes are those of `hand_action.launch.py`, started again at once when they end, as
`ros2 launch` does; no ROS installation is needed. From the kill until the process that follows
has published its first result, and until a listener that was there all the time has heard it; the
processor time is all that the new process took up to then.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String
from tqdm import tqdm

from ros2_hand_action.models.store import media_path
from ros2_hand_action.msg import ActionArray, BodyPoseArray, GestureArray, HandArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.launch_arguments import SYSTEM_ARGUMENTS
from ros2_hand_action.nodes.launch_plan import plan_processes
from ros2_hand_action.nodes.runner import choose_transport

ROOT = Path(__file__).resolve().parents[1]
MANAGER = 'lifecycle_manager'
TOPICS: dict[str, tuple[type, str, Any]] = {
    'video_source': (Image, topics.IMAGE, topics.IMAGE_QOS),
    'hand_detector': (HandArray, topics.HANDS, topics.RESULTS_QOS),
    'gesture_classifier': (GestureArray, topics.GESTURES, topics.RESULTS_QOS),
    'body_pose_estimator': (BodyPoseArray, topics.BODIES, topics.RESULTS_QOS),
    'action_recognizer': (ActionArray, topics.ACTIONS, topics.RESULTS_QOS),
    'overlay': (CompressedImage, topics.OVERLAY_IMAGE + topics.COMPRESSED_SUFFIX, 2),
    'gesture_commander': (String, topics.PERSON_IN_CONTROL, topics.LATCHED_QOS),
}
"""Node -> what it publishes as soon as it works."""
PARAMETERS = """
/**/video_source: {ros__parameters: {loop: true, width_px: 320, rate_hz: 25.0}}
/**/body_pose_estimator: {ros__parameters: {model: lite}}
"""
MAP = """
control: {policy: nearest}
velocity: {limits: {linear: {x: 0.5}}, acceleration: {linear: {x: 10}}}
commands:
  - {name: forward, when: {gesture: two}, velocity: {linear: {x: 0.5}}}
"""
SETTLE_S = 1.5
DEADLINE_S = 60.0
TICKS_PER_S = os.sysconf('SC_CLK_TCK')


class News(NamedTuple):
    """One message: system time at which it was published, and heard."""

    published_ns: int
    heard_ns: int


class Listener:
    """Hears the newest message of every node, and what the manager tells."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.newest: dict[str, News] = {}
        self.is_all_active = False
        for name, (message_type, topic, qos) in TOPICS.items():
            node.create_subscription(message_type, topic, self._hear(name), qos)
        follow: Any = self._follow  # rclpy's types know no message information
        node.create_subscription(DiagnosticArray, topics.DIAGNOSTICS, follow, 20)

    def wait(self, condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
        """Listen until a condition holds; returns whether it does."""
        end_s = time.monotonic() + deadline_s
        while time.monotonic() < end_s and not condition():
            rclpy.spin_once(self._node, timeout_sec=0.01)
        return condition()

    def _hear(self, name: str) -> Any:
        def take(_message: Any, info: dict[str, int]) -> None:
            self.newest[name] = News(info['source_timestamp'], time.time_ns())

        return take

    def _follow(self, message: DiagnosticArray, info: dict[str, int]) -> None:
        for status in message.status:
            if status.name == f'/{MANAGER}':
                self.is_all_active = status.message == 'all active'
                if self.is_all_active:
                    self.newest[MANAGER] = News(info['source_timestamp'], time.time_ns())


def main() -> int:
    """Kill each process in turn and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--kills', type=int, default=2, help='of each node (2; from the fourth '
                        'within a minute on, a node waits)')
    parser.add_argument('--no-manager', action='store_true', help='nodes start by themselves')
    parser.add_argument('--actions', action='store_true', help='with bodies and actions')
    parsed = parser.parse_args()
    choose_transport()
    with tempfile.TemporaryDirectory() as name:
        # as installed: byte code is kept, and is there from the second start on
        os.environ.pop('PYTHONDONTWRITEBYTECODE', None)
        os.environ['PYTHONPYCACHEPREFIX'] = str(Path(name) / 'bytecode')
        graph = start_graph(Path(name), manager=not parsed.no_manager, actions=parsed.actions)
        rclpy.init()
        try:
            measure(graph, Listener(rclpy.create_node('listener')), parsed.kills)
        finally:
            graph.close()
            rclpy.shutdown()
    return 0


def start_graph(folder: Path, *, manager: bool, actions: bool) -> Any:
    """Return all processes, started again when they end."""
    sys.path.insert(0, str(ROOT / 'test' / 'nodes'))
    parameters, command_map = folder / 'parameters.yaml', folder / 'map.yaml'
    parameters.write_text(PARAMETERS)
    command_map.write_text(MAP)
    values = {each.name: each.default for each in SYSTEM_ARGUMENTS} | {
        'video': str(media_path('jumping_jacks')), 'commands': str(command_map),
        'manager': str(manager).lower(), 'actions': str(actions).lower(),
    }
    plans = plan_processes(values, state_folder=str(folder))
    return importlib.import_module('graph').Graph(plans, parameters, folder)


def measure(graph: Any, listener: Listener, kills: int) -> None:
    """Print a row for every kill."""
    names = list(graph.processes)
    if not listener.wait(lambda: listener.newest.keys() >= {*names}):
        raise SystemExit(f'silent: {", ".join({*names} - listener.newest.keys())}')
    print('| killed | published (s) | heard (s) | processor time (s) | load |')
    print('|---|---|---|---|---|')
    for name in tqdm([name for name in names for _ in range(kills)]):
        listener.wait(lambda: False, SETTLE_S)
        row = kill(graph, listener, name)
        tqdm.write(f'| {name} | {row} | {os.getloadavg()[0]:.1f} |', file=sys.stdout)


def kill(graph: Any, listener: Listener, name: str) -> str:
    """Kill a process and return its row."""
    others = {other: pid for other, pid in graph.pids.items() if other != name}
    process = graph.processes[name]
    killed_ns, before = time.time_ns(), process.kill()

    def is_back() -> bool:
        return process.process.pid != before and listener.newest[name].published_ns > started_ns

    listener.wait(lambda: process.process.pid != before)
    started_ns = time.time_ns()
    is_heard = listener.wait(is_back)
    if not is_heard or not others.items() <= graph.pids.items():
        return 'not back, or another one died | | '
    news = listener.newest[name]
    times_s = [(each - killed_ns) / 1e9 for each in (news.published_ns, news.heard_ns)]
    return f'{times_s[0]:.2f} | {times_s[1]:.2f} | {read_cpu_s(process.process.pid):.2f}'


def read_cpu_s(pid: int) -> float:
    """Return the processor time of a process."""
    fields: Sequence[str] = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


if __name__ == '__main__':
    sys.exit(main())

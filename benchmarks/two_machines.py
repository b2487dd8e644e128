"""Count what goes over the network between a robot and a base station, as two namespaces.

    sudo .venv/bin/python benchmarks/two_machines.py            # needs root and iproute2

Each namespace has network interfaces of its own, joined by one virtual cable whose bytes are
counted. The robot has the camera; results are counted where they are wanted. In the case `server`
the cable carries no multicast, as many Wi-Fi nets, and a discovery server on the robot joins both.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

RATE_HZ = 2
START_S = 60.0
STOP_S = 15.0
ROBOT, BASE = 'robot', 'base'
ADDRESSES = {ROBOT: '10.78.77.1/24', BASE: '10.78.77.2/24'}
SERVER = ('10.78.77.1', '11811')
"""Address and port of the discovery server, on the robot."""


@dataclass(frozen=True)
class Case:
    """Who runs which nodes, and which topic is counted where."""

    title: str
    nodes: dict[str, str]
    topic: str
    message: str
    listener: str
    image_transport: str = 'auto'
    discovery_server: bool = False


CASES = {
    'raw': Case(
        'raw images to the base, gestures back',
        {ROBOT: 'video_source', BASE: 'hand_detector,gesture_classifier'},
        'gestures', 'ros2_hand_action/GestureArray', ROBOT, 'raw',
    ),
    'compressed': Case(
        'JPEG images to the base, gestures back',
        {ROBOT: 'video_source', BASE: 'hand_detector,gesture_classifier'},
        'gestures', 'ros2_hand_action/GestureArray', ROBOT, 'compressed',
    ),
    'results': Case(
        'gestures to the base alone',
        {ROBOT: 'video_source,hand_detector,gesture_classifier'},
        'gestures', 'ros2_hand_action/GestureArray', BASE,
    ),
    'overlay': Case(
        'annotated JPEG images to the base',
        {ROBOT: 'video_source,hand_detector,gesture_classifier,overlay'},
        'overlay/image/compressed', 'sensor_msgs/CompressedImage', BASE,
    ),
    'server': Case(
        'JPEG images to the base, gestures back, by a discovery server, without multicast',
        {ROBOT: 'video_source', BASE: 'hand_detector,gesture_classifier'},
        'gestures', 'ros2_hand_action/GestureArray', ROBOT, 'compressed', discovery_server=True,
    ),
}  # fmt: skip


def missing() -> str:
    """Return why namespaces cannot be made here; '' if they can."""
    if os.geteuid() != 0:
        return 'network namespaces need root'
    if shutil.which('ip') is None:
        return 'no command ip: sudo apt install iproute2'
    name = f'ha_try_{os.getpid()}'
    tried = subprocess.run(['ip', 'netns', 'add', name], capture_output=True, text=True)
    if tried.returncode:
        return f'no network namespaces here: {tried.stderr.strip()}'
    subprocess.run(['ip', 'netns', 'delete', name], check=True)
    return '' if _find_server() else 'no command fast-discovery-server of Fast DDS'


def measure(case: Case, *, source: str, messages: int, domain_id: int) -> dict[str, Any]:
    """Run one case until so many messages came; return what went over the cable for each image.

    Raises
    ------
    subprocess.CalledProcessError
        If they do not come.
    """
    environment = {
        **os.environ,
        'ROS_DOMAIN_ID': str(domain_id),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET',
    }
    if case.discovery_server:
        environment['ROS_DISCOVERY_SERVER'] = ':'.join(SERVER)
    with ExitStack() as stack:
        spaces = stack.enter_context(_joined_spaces(multicast=not case.discovery_server))
        if case.discovery_server:
            server = [str(_find_server()), '-i', '0', '-l', SERVER[0], '-p', SERVER[1]]
            stack.enter_context(_running(spaces[ROBOT], server, environment))
        for place, nodes in case.nodes.items():
            command = [*_run_command(nodes), *_parameters(nodes, case, source)]
            stack.enter_context(_running(spaces[place], command, environment))
        listen = [
            sys.executable, __file__, '--listen', case.topic, case.message, str(messages),
            '--interface', _interface(case.listener),
        ]  # fmt: skip
        done = subprocess.run(
            _inside(spaces[case.listener], listen), env=environment, check=True,
            stdout=subprocess.PIPE, timeout=START_S + messages, text=True,
        )  # fmt: skip
    return dict(json.loads(done.stdout))


def listen(topic: str, message: str, count: int, interface: str) -> None:
    """Print the bytes over an interface for each image, until so many messages came."""
    import rclpy
    package, _, name = message.partition('/')
    kind = getattr(__import__(f'{package}.msg', fromlist=[name]), name)
    seen: list[tuple[int, float]] = []

    def count_bytes(received: Any) -> None:
        stamp = received.header.stamp
        seen.append((_carried(interface), stamp.sec + stamp.nanosec / 1e9))

    rclpy.init()
    node = rclpy.create_node('listener')
    node.create_subscription(kind, topic, count_bytes, 10)  # reliable
    while len(seen) <= count:
        rclpy.spin_once(node)
    (bytes_before, begun_s), (bytes_after, ended_s) = seen[0], seen[count]
    images = (ended_s - begun_s) * RATE_HZ
    carried = bytes_after - bytes_before
    print(json.dumps({'answered': count / images, 'bytes_per_image': carried / images}))


def main() -> None:
    """Measure every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--source', help='video (default: one of the fetched media)')
    parser.add_argument('--case', nargs='+', default=list(CASES), choices=list(CASES))
    parser.add_argument('--messages', type=int, default=30)
    parser.add_argument('--domain-id', type=int, default=42)
    parser.add_argument('--listen', nargs=3, help=argparse.SUPPRESS)
    parser.add_argument('--interface', help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.listen:
        topic, message, count = given.listen
        listen(topic, message, int(count), given.interface)
        return
    if missing():
        raise SystemExit(missing())
    from ros2_hand_action.models.store import media_path

    source = given.source or str(media_path('jumping_jacks'))
    rows = []
    for case in tqdm([CASES[name] for name in given.case], unit='case'):
        found = measure(case, source=source, messages=given.messages, domain_id=given.domain_id)
        carried = found['bytes_per_image']
        rows.append(
            f'| {case.title} | {carried / 1e3:.1f} | {carried * 30 * 8 / 1e6:.2f} '
            f'| {found["answered"]:.0%} |'
        )
    print('| over the network | kB for each image | Mbit/s at 30 images/s | images answered |')
    print('|---|---|---|---|', *rows, sep='\n')


def _find_server() -> str | None:
    """Return the discovery server of Fast DDS, which its wheel puts beside Python."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    return shutil.which('fast-discovery-server', path=places)


def _run_command(nodes: str) -> list[str]:
    return [sys.executable, '-m', 'ros2_hand_action.cli', 'run', '--nodes', nodes]


def _parameters(nodes: str, case: Case, source: str) -> list[str]:
    given = {
        'video_source.source': source,
        'video_source.loop': 'true',
        'video_source.width_px': '640',
        'video_source.rate_hz': str(RATE_HZ),
        'hand_detector.image_transport': case.image_transport,
    }
    return [
        part
        for name, value in given.items()
        if name.split('.')[0] in nodes.split(',')
        for part in ('-p', f'{name}:={value}')
    ]


def _interface(place: str) -> str:
    return f'ha{place[0]}{os.getpid()}'


def _inside(space: str, command: Sequence[str]) -> list[str]:
    return ['ip', 'netns', 'exec', space, *command]


def _carried(interface: str) -> int:
    """Return the bytes that an interface has sent and received."""
    folder = Path('/sys/class/net') / interface / 'statistics'
    return sum(int((folder / name).read_text()) for name in ('rx_bytes', 'tx_bytes'))


def _ip(*arguments: str) -> None:
    subprocess.run(['ip', *arguments], check=True)


@contextmanager
def _joined_spaces(*, multicast: bool) -> Iterator[dict[str, str]]:
    """Make two namespaces joined by a cable; yields place -> its namespace."""
    spaces = {place: f'ha_{place}_{os.getpid()}' for place in (ROBOT, BASE)}
    ends = {place: _interface(place) for place in spaces}
    with ExitStack() as stack:
        for space in spaces.values():
            _ip('netns', 'add', space)
            stack.callback(_ip, 'netns', 'delete', space)  # takes the cable with it
        _ip('link', 'add', ends[ROBOT], 'type', 'veth', 'peer', 'name', ends[BASE])
        for place, space in spaces.items():
            _ip('link', 'set', ends[place], 'netns', space)
            _ip('-n', space, 'address', 'add', ADDRESSES[place], 'dev', ends[place])
            for link in ('lo', ends[place]):
                _ip('-n', space, 'link', 'set', link, 'up')
            if not multicast:
                _ip('-n', space, 'link', 'set', ends[place], 'multicast', 'off')
        yield spaces


@contextmanager
def _running(
    space: str, command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[None]:
    process = subprocess.Popen(
        _inside(space, command), env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == '__main__':
    main()

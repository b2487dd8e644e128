"""`hand-action doctor`: ROS and its middleware."""

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ros2_hand_action.commands.findings import Finding, fail, ok, warn
from ros2_hand_action.resources import config_path

_SHARED_MEMORY = Path('/dev/shm')
_SEGMENT_LOCK = re.compile(r'(fastrtps|fastdds)_[0-9a-z]{16}_el')
"""Lock of a process's segment, held by flock while it lives, as `fastdds shm clean` has it."""
_PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_TRANSPORTS_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
_LARGEST_SAFE_DOMAIN, _LARGEST_DOMAIN = 101, 232
"""Linux gives ports of higher domains to other programs: docs.ros.org, The ROS_DOMAIN_ID."""
_RANGES = ('', 'SUBNET', 'SYSTEM_DEFAULT')
_SOURCE = 'source /opt/ros/DISTRO/setup.bash in this terminal, or run: make setup'


def check_ros() -> Iterator[Finding]:
    """Look for ROS, its middleware's name and this package's messages."""
    if find_spec('rclpy') is None:
        yield fail('no rclpy: ROS is not in this terminal', _SOURCE)
        return
    try:
        rclpy = import_module('rclpy')
        identifier = import_module('rclpy.utilities').get_rmw_implementation_identifier()
    except Exception as error:  # whatever a foreign Python or a missing library gives
        version = '.'.join(map(str, sys.version_info[:2]))
        yield fail(f'rclpy does not load in Python {version}: {error}',
                   'use the Python of that ROS, and install the package of RMW_IMPLEMENTATION')
        return
    yield _find_installation(Path(str(rclpy.__file__)))
    yield ok(f'middleware {identifier}')
    try:
        import_module('ros2_hand_action.msg')
    except ImportError as error:
        yield fail(f'the messages of ros2_hand_action are not built: {error}',
                   'colcon build, then source install/setup.bash; with wheels: make setup')


def _find_installation(rclpy_file: Path) -> Finding:
    distro = os.environ.get('ROS_DISTRO', 'of unknown name')
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    # wheels put their own environment there
    sourced = [Path(prefix) for prefix in prefixes if prefix not in ('', sys.prefix)]
    if any(prefix in rclpy_file.parents for prefix in sourced):
        return ok(f'ROS 2 {distro}, sourced, {rclpy_file.parent}')
    if sourced:
        return warn(f'ROS 2 {distro} is sourced, but rclpy is that of {rclpy_file.parent}',
                    'leave the virtual environment, or use a terminal without ROS')
    return ok(f'ROS 2 from wheels, {rclpy_file.parent}')


def check_middleware(shared_memory: Path = _SHARED_MEMORY) -> Iterator[Finding]:
    """Look at what decides whether messages arrive."""
    yield _find_profile()
    yield from _find_space(shared_memory)
    yield _find_leftovers(shared_memory)
    yield _find_domain(os.environ.get('ROS_DOMAIN_ID', ''))
    yield _find_range()


def _find_profile() -> Finding:
    for variable in _PROFILE_VARIABLES:
        file = os.environ.get(variable)
        if file and not Path(file).is_file():
            return fail(f'{variable} names no file: {file!r}',
                        f'export {variable}={config_path("fastdds_shm.xml")}')
        if file:
            return ok(f'Fast DDS profile {file}')
    if os.environ.get(_TRANSPORTS_VARIABLE):
        return ok(f'{_TRANSPORTS_VARIABLE} is {os.environ[_TRANSPORTS_VARIABLE]}: the nodes keep '
                  'to it')
    return ok('no Fast DDS profile set: the nodes take config/fastdds_shm.xml; set it for the '
              'camera driver, too')


def _find_space(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield warn(f'no {folder}: images go through the network', 'mount a tmpfs there')
        return
    sizes = re.search(r'<segment_size>\s*(\d+)', config_path('fastdds_shm.xml').read_text())
    needed = int(sizes.group(1)) if sizes else 0
    usage = shutil.disk_usage(folder)
    text = f'{folder} has {usage.free / 1e6:,.0f} of {usage.total / 1e6:,.0f} MB free'
    if usage.free < 2 * needed:  # of a camera and of these nodes
        yield warn(f'{text}, {2 * needed / 1e6:,.0f} MB are needed',
                   'fastdds shm clean; in a container: --ipc=host or --shm-size=1g')
    else:
        yield ok(text)


def _find_leftovers(folder: Path) -> Finding:
    """Return what processes that died have left."""
    dead = [
        path for path in folder.glob('fast*_el')
        if _SEGMENT_LOCK.fullmatch(path.name) and not _is_locked(path)
    ]
    if not dead:
        return ok('no segments of dead processes')
    held = sum(_size(path.with_name(path.name[:-len('_el')])) for path in dead)
    return warn(f'{len(dead)} segments of dead processes in {folder}, {held / 1e6:,.0f} MB',
                'fastdds shm clean')


def _is_locked(path: Path) -> bool:
    try:
        with path.open('rb') as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # held, gone, or another user's
        return True
    return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _find_domain(text: str) -> Finding:
    if not text:
        return ok('domain 0 (ROS_DOMAIN_ID is not set)')
    if not text.isdecimal() or int(text) > _LARGEST_DOMAIN:
        return fail(f'ROS_DOMAIN_ID is {text!r}', f'set it to 0 to {_LARGEST_SAFE_DOMAIN}')
    if int(text) > _LARGEST_SAFE_DOMAIN:
        return warn(f'ROS_DOMAIN_ID is {text}, whose ports other programs may have',
                    f'set it to 0 to {_LARGEST_SAFE_DOMAIN} on all machines')
    return ok(f'domain {text}')


def _find_range() -> Finding:
    here = 'other machines see nothing of this one'
    if os.environ.get('ROS_LOCALHOST_ONLY') == '1':
        return warn(f'ROS_LOCALHOST_ONLY is 1: {here}', 'unset it where there are others')
    reach = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    if reach not in _RANGES:
        return warn(f'ROS_AUTOMATIC_DISCOVERY_RANGE is {reach}: {here}',
                    'unset it where there are others')
    return ok('other machines of the subnet are found')

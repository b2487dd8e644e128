"""`hand-action doctor`: what is wrong with this machine, and how to put it right."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

from ros2_hand_action.commands.doctor_machine import (
    check_back_ends,
    check_camera,
    check_clock,
    check_disk,
    check_gpu,
    check_models,
    list_cameras,
)
from ros2_hand_action.commands.doctor_ros import check_middleware, check_ros
from ros2_hand_action.commands.findings import Check, Finding, Level, tell, warn

CHECKS: dict[str, Callable[[], Iterable[Finding]]] = {
    'ros': check_ros,
    'middleware': check_middleware,
    'back ends': check_back_ends,
    'gpu': check_gpu,
    'models': check_models,
    'disk': check_disk,
    'clock': check_clock,
}
"""Name -> check; the cameras that are there come besides."""

_CAMERAS = 'camera'
_NO_CAMERA = warn(
    'no /dev/video*: images must come from a topic',
    'plug a camera in, or pass it into the container: --device /dev/video0',
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = 'Exit status 1 if anything FAILs.'
    parser.add_argument(
        '--timeout', type=float, default=30.0, metavar='S',
        help='time for all checks, which run at once (seconds; default: %(default)s)',
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Print one line for each finding."""
    deadline_s = time.monotonic() + parsed.timeout
    cameras = list_cameras()
    names = [*CHECKS, *(f'{_CAMERAS} {device}' for device in cameras)]
    worst_is_fail = False
    for check in [Check(name, _command(name)) for name in names]:
        worst_is_fail |= _print(check.name, check.collect(deadline_s))
    if not cameras:
        _print(_CAMERAS, [_NO_CAMERA])
    return int(worst_is_fail)


def _command(name: str) -> list[str]:
    return [sys.executable, '-m', 'ros2_hand_action.commands.doctor', name]


def _print(name: str, findings: Iterable[Finding]) -> bool:
    """Print findings; returns whether one of them is a FAIL."""
    failed = False
    for finding in findings:
        print(f'{finding.level.value:4}  {name}: {finding}', flush=True)
        failed |= finding.level is Level.FAIL
    return failed


def run_check(name: str) -> None:
    """Do one check, in its process."""
    kind, _, device = name.partition(' ')
    check = partial(check_camera, device) if kind == _CAMERAS else CHECKS[name]
    tell(check())


if __name__ == '__main__':
    run_check(sys.argv[1])

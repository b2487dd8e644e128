"""`hand-action run`: nodes in one process."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml

from ros2_hand_action.commanding.map_file import load_command_map
from ros2_hand_action.commands.ros_arguments import make_ros_arguments, read_overrides
from ros2_hand_action.errors import (
    ConfigError,
    HandActionError,
    ParameterFileError,
    did_you_mean,
)
from ros2_hand_action.interrupts import end_with_stdin
from ros2_hand_action.nodes.node_classes import NODES, load_node_class, load_parameters
from ros2_hand_action.resources import config_path

if TYPE_CHECKING:
    from ros2_hand_action.nodes.parameters import NodeParameter

_BODIES = 'body_pose_estimator'
_ACTIONS = 'action_recognizer'
_COMMANDER = 'gesture_commander'
_ON_REQUEST = (_BODIES, _ACTIONS, _COMMANDER, 'lifecycle_manager')
DEFAULT_NODES = tuple(name for name in NODES if name not in _ON_REQUEST)
"""Bodies take more time than hands: they run where they are asked for."""

COMMANDING_FROZEN_TIMEOUT_S = 0.2
"""hand_detector's `frozen_timeout_s` where a robot is commanded by an outside camera's images: an
image that a driver sends again must not keep it moving."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        '--params', type=Path, metavar='FILE',
        help='parameter file of ROS 2 (default: config/default.yaml of this package)',
    )
    parser.add_argument(
        '--nodes', default=','.join(DEFAULT_NODES), metavar='A,B',
        help='nodes to start (default: %(default)s)',
    )
    parser.add_argument(
        '--bodies', action='store_true', help='start body_pose_estimator, too'
    )
    parser.add_argument(
        '--actions', action='store_true',
        help='start action_recognizer and body_pose_estimator, too',
    )
    parser.add_argument(
        '--commands', type=Path, metavar='MAP',
        help='start gesture_commander, too, with this map from gestures to commands (YAML)',
    )
    parser.add_argument(
        '--remap', action='append', default=[], metavar='FROM:=TO',
        help='use another name for a topic, such as image:=/camera/image_raw',
    )
    parser.add_argument('--namespace', metavar='NS', help='put all nodes under this namespace')
    parser.add_argument(
        '-p', '--param', action='append', default=[], metavar='NODE.NAME:=VALUE',
        help='set a parameter, such as video_source.source:=people.mp4',
    )
    parser.add_argument(
        '--exit-at-end', action='store_true', help='exit when the video or folder has ended'
    )
    parser.add_argument(
        '--end-with-stdin', action='store_true',
        help='exit when the standard input ends, as with the program that holds its other end',
    )
    parser.add_argument(
        '--ros-args', nargs=argparse.REMAINDER, default=[], metavar='...',
        help='everything after it goes to ROS, as launch files need it',
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Run the nodes until Ctrl-C."""
    if parsed.end_with_stdin:
        end_with_stdin()
    from ros2_hand_action.nodes.runner import pause_before_respawn

    try:
        return _run(parsed)
    except HandActionError:
        pause_before_respawn()
        raise


def _run(parsed: argparse.Namespace) -> int:
    from ros2_hand_action.nodes.runner import run_nodes

    asked = [_BODIES] if parsed.bodies or parsed.actions else []
    asked += [_ACTIONS] if parsed.actions else []
    names = choose_nodes(','.join([parsed.nodes, *asked]))
    if parsed.commands:
        load_command_map(parsed.commands)  # a wrong map is told before anything starts
        names = list(dict.fromkeys((_COMMANDER, *names)))  # at the end it stops the robot first
    factories = [load_node_class(name) for name in names]
    tables = {name: load_parameters(name) for name in names}
    params = parsed.params or config_path('default.yaml')
    _check_file(params, tables)
    commands = [f'{_COMMANDER}.commands:={parsed.commands}'] if parsed.commands else []
    with TemporaryDirectory() as folder:
        beside = Path(folder) / 'beside.yaml'
        beside.write_text(yaml.safe_dump(beside_other_nodes(names)), encoding='utf-8')
        overrides = read_overrides([*commands, *parsed.param], tables)
        overrides_file = Path(folder) / 'overrides.yaml'
        overrides_file.write_text(yaml.safe_dump(overrides), encoding='utf-8')
        arguments = make_ros_arguments(
            params=(beside, params, overrides_file),
            remaps=parsed.remap,
            namespace=parsed.namespace,
        )
        arguments += parsed.ros_args
        run_nodes(factories, ros_arguments=arguments, exit_at_end=parsed.exit_at_end)
    return 0


def _check_file(path: Path, tables: 'Mapping[str, Sequence[NodeParameter]]') -> None:
    """Refuse what ROS would refuse without saying where; tell of names that are nearly ours.

    Parameters that a node does not have, it tells of itself.
    """
    from ros2_hand_action.nodes.parameter_check import find_faults

    faults = find_faults(path, tables, NODES)
    for fault in faults.nodes:
        print(f'hand-action run: warning: {fault}', file=sys.stderr)
    if faults.values:
        raise ParameterFileError('\n'.join(faults.values))


def beside_other_nodes(names: Sequence[str]) -> dict[str, Any]:
    """Return a parameter file's content for nodes that do more beside others than alone."""
    values: dict[str, Any] = {}
    if 'hand_detector' in names:
        if _BODIES in names:  # where bodies have frames hands have them, too
            values['publish_tf'] = True
        if _COMMANDER in names and 'video_source' not in names:  # else pictures may stand still
            values['frozen_timeout_s'] = COMMANDING_FROZEN_TIMEOUT_S
    return {'/**/hand_detector': {'ros__parameters': values}} if values else {}


def choose_nodes(text: str) -> list[str]:
    """Return the nodes of a list such as 'hand_detector,overlay'; raises ConfigError."""
    names = list(dict.fromkeys(name.strip() for name in text.split(',') if name.strip()))
    for name in names:
        if name not in NODES:
            hint = did_you_mean(name, NODES)
            raise ConfigError(f'no node {name!r}{hint}: choose of {", ".join(NODES)}')
    if not names:
        raise ConfigError(f'--nodes {text!r} names no node: choose of {", ".join(NODES)}')
    return names

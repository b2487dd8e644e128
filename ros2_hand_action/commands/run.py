"""`hand-action run`: nodes in one process."""

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ros2_hand_action.commanding.map_file import load_command_map
from ros2_hand_action.errors import ConfigError, HandActionError, did_you_mean
from ros2_hand_action.interrupts import end_with_stdin
from ros2_hand_action.resources import config_path

NODES = {
    'video_source': 'VideoSourceNode',
    'hand_detector': 'HandDetectorNode',
    'gesture_classifier': 'GestureClassifierNode',
    'body_pose_estimator': 'BodyPoseEstimatorNode',
    'action_recognizer': 'ActionRecognizerNode',
    'overlay': 'OverlayNode',
    'gesture_commander': 'GestureCommanderNode',
    'lifecycle_manager': 'LifecycleManagerNode',
}
"""Node -> its class in the module of `nodes` of the same name, sources first."""

_BODIES = 'body_pose_estimator'
_ACTIONS = 'action_recognizer'
_COMMANDER = 'gesture_commander'
_ON_REQUEST = (_BODIES, _ACTIONS, _COMMANDER, 'lifecycle_manager')
DEFAULT_NODES = tuple(name for name in NODES if name not in _ON_REQUEST)
"""Bodies take more time than hands: they run where they are asked for."""

COMMANDING_FROZEN_TIMEOUT_S = 0.2
"""hand_detector's `frozen_timeout_s` where a robot is commanded by an outside camera's images: an
image that a driver sends again must not keep it moving."""

_ASSIGN = ':='
_OF_ALL_NODES = {'use_sim_time': False, 'autostart': True, 'state_file': ''}
"""Parameters that every node has -> default."""


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
    modules = [import_module(f'ros2_hand_action.nodes.{name}') for name in names]
    factories = [getattr(module, NODES[name]) for name, module in zip(names, modules)]
    defaults = {
        name: {parameter.name: parameter.default for parameter in factory.PARAMETERS}
        for name, factory in zip(names, factories)
    }
    commands = [f'{_COMMANDER}.commands:={parsed.commands}'] if parsed.commands else []
    with TemporaryDirectory() as folder:
        beside = Path(folder) / 'beside.yaml'
        beside.write_text(yaml.safe_dump(beside_other_nodes(names)), encoding='utf-8')
        overrides = read_overrides([*commands, *parsed.param], defaults)
        overrides_file = Path(folder) / 'overrides.yaml'
        overrides_file.write_text(yaml.safe_dump(overrides), encoding='utf-8')
        arguments = make_ros_arguments(
            params=(beside, parsed.params or config_path('default.yaml'), overrides_file),
            remaps=parsed.remap,
            namespace=parsed.namespace,
        )
        arguments += parsed.ros_args
        run_nodes(factories, ros_arguments=arguments, exit_at_end=parsed.exit_at_end)
    return 0


def beside_other_nodes(names: Sequence[str]) -> dict[str, Any]:
    """Return a parameter file's content for nodes that do more beside others than alone."""
    values: dict[str, Any] = {}
    if 'hand_detector' in names:
        if _BODIES in names:  # where bodies have frames hands have them, too
            values['publish_tf'] = True
        if _COMMANDER in names and 'video_source' not in names:  # else pictures may stand still
            values['frozen_timeout_s'] = COMMANDING_FROZEN_TIMEOUT_S
    return {'/**/hand_detector': {'ros__parameters': values}} if values else {}


def make_ros_arguments(
    *, params: Sequence[Path], remaps: Sequence[str], namespace: str | None
) -> list[str]:
    """Return the options as arguments of ROS; later parameter files win.

    Raises
    ------
    ConfigError
        If a parameter file is missing, or a remapping is malformed.
    """
    arguments = ['--ros-args']
    for path in params:
        if not path.is_file():
            raise ConfigError(f'no such parameter file: {str(path)!r}')
        arguments += ['--params-file', str(path)]
    if namespace:
        arguments += ['-r', f'__ns:=/{namespace.strip("/")}']
    for remap in remaps:
        if _ASSIGN not in remap:
            raise ConfigError(f'--remap {remap!r} is not of the form FROM:=TO')
        arguments += ['-r', remap]
    return arguments


def read_overrides(
    assignments: Sequence[str], defaults: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return assignments as the content of a parameter file, for nodes in any namespace.

    ROS's own -p knows no namespaces, takes 0 for a text as a number, and ignores wrong names.

    Parameters
    ----------
    assignments : sequence of str
        NODE.NAME:=VALUE, or NAME:=VALUE for a parameter that all nodes have.
    defaults : mapping of str to mapping of str to value
        Node -> parameter -> default, of the nodes that run.

    Raises
    ------
    ConfigError
        If one is malformed, or names no node that runs or no parameter of it.
    """
    content: dict[str, Any] = {'/**': {'ros__parameters': {}}}
    for text in assignments:
        name, assign, value = text.partition(_ASSIGN)
        node, dot, parameter = name.rpartition('.')
        if not assign or not name:
            raise ConfigError(f'-p {text!r} is not of the form NODE.NAME:=VALUE')
        if dot and node not in defaults:
            raise ConfigError(f'-p {text!r} names no node that runs: {", ".join(defaults)}')
        known = {**_OF_ALL_NODES, **(defaults[node] if dot else {})}
        if parameter not in known:
            hint = did_you_mean(parameter, known) or f'; there are {", ".join(known)}'
            raise ConfigError(f'-p {text!r} names no parameter{hint}')
        entry = content.setdefault(f'/**/{node}' if dot else '/**', {'ros__parameters': {}})
        entry['ros__parameters'][parameter] = _read_value(text, value, known[parameter])
    return content


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


def _read_value(assignment: str, text: str, default: Any) -> Any:
    """Return a value of the type of the default.

    ROS would keep the value of an earlier file where a later one has another type.
    """
    if isinstance(default, str):
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f'-p {assignment!r} has a value that is no YAML: {error}') from error
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise ConfigError(f'-p {assignment!r} must be of type {type(default).__name__}')
    return value

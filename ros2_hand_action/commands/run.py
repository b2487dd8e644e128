"""`hand-action run`: nodes in one process."""

import argparse
from importlib import import_module
from pathlib import Path

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.resources import config_path

NODES = {
    'video_source': 'VideoSourceNode',
    'hand_detector': 'HandDetectorNode',
    'gesture_classifier': 'GestureClassifierNode',
    'overlay': 'OverlayNode',
}
"""Node -> its class in the module of `nodes` of the same name."""

_ASSIGN = ':='


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        '--params', type=Path, metavar='FILE',
        help='parameter file of ROS 2 (default: config/default.yaml of this package)',
    )
    parser.add_argument(
        '--nodes', default=','.join(NODES), metavar='A,B',
        help='nodes to start (default: %(default)s)',
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
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Run the nodes until Ctrl-C."""
    from ros2_hand_action.nodes.runner import run_nodes

    names = _chosen_nodes(parsed.nodes)
    arguments = make_ros_arguments(
        params=parsed.params or config_path('default.yaml'),
        remaps=parsed.remap,
        namespace=parsed.namespace,
        parameters=parsed.param,
    )
    modules = [import_module(f'ros2_hand_action.nodes.{name}') for name in names]
    factories = [getattr(module, NODES[name]) for name, module in zip(names, modules)]
    run_nodes(factories, ros_arguments=arguments, exit_at_end=parsed.exit_at_end)
    return 0


def make_ros_arguments(
    *, params: Path, remaps: list[str], namespace: str | None, parameters: list[str]
) -> list[str]:
    """Return the options as arguments of ROS.

    Raises
    ------
    ConfigError
        If the parameter file is missing, or an assignment is malformed.
    """
    if not params.is_file():
        raise ConfigError(f'no such parameter file: {str(params)!r}')
    arguments = ['--ros-args', '--params-file', str(params)]
    if namespace:
        arguments += ['-r', f'__ns:=/{namespace.strip("/")}']
    for remap in remaps:
        if _ASSIGN not in remap:
            raise ConfigError(f'--remap {remap!r} is not of the form FROM:=TO')
        arguments += ['-r', remap]
    for parameter in parameters:
        arguments += ['-p', _to_ros_assignment(parameter)]
    return arguments


def _chosen_nodes(text: str) -> list[str]:
    names = [name.strip() for name in text.split(',') if name.strip()]
    for name in names:
        if name not in NODES:
            raise ConfigError(f'no node {name!r}: choose of {", ".join(NODES)}')
    if not names:
        raise ConfigError(f'--nodes {text!r} names no node: choose of {", ".join(NODES)}')
    return names


def _to_ros_assignment(text: str) -> str:
    """Return NODE.NAME:=VALUE as NODE:NAME:=VALUE; use_sim_time:=true is of all nodes."""
    name, assign, value = text.partition(_ASSIGN)
    node, dot, parameter = name.partition('.')
    if not assign or not value:
        raise ConfigError(f'-p {text!r} is not of the form NODE.NAME:=VALUE')
    if not dot:
        return text
    if node not in NODES:
        raise ConfigError(f'-p {text!r} names no node: choose of {", ".join(NODES)}')
    return f'{node}:{parameter}:={value}'

"""What the launch files start: nodes, their processes and parameters.

Without launch or launch_ros, so that a machine that has neither checks it all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ros2_hand_action.commands.run import beside_other_nodes, choose_nodes
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.node_classes import NODES

PACKAGE_NODES = tuple(name for name in NODES if name != 'lifecycle_manager')
"""Every node that the launch files start by an argument, sources first."""

TOPICS = ('image', 'camera_info', 'depth_image')
"""Arguments that are other names for topics."""

SWITCHES = {
    'video': 'video_source',
    'bodies': 'body_pose_estimator',
    'actions': 'action_recognizer',
    'overlay': 'overlay',
    'commands': 'gesture_commander',
}
"""Argument -> the node that it starts; 'true' starts it, and so does the name of a file."""

FILES = {'video': 'source', 'commands': 'commands'}
"""Argument that names a file or camera -> the parameter of its node that takes it."""

NEEDS = {'action_recognizer': 'body_pose_estimator'}
"""Node -> the node that is started with it, whose results it works on."""

ALWAYS = ('hand_detector', 'gesture_classifier')
"""Nodes that run unless `nodes` says otherwise."""

SHARED_PARAMETERS = {
    'backend': (
        'hand_detector', 'gesture_classifier', 'body_pose_estimator', 'action_recognizer',
    ),
    'image_transport': (
        'hand_detector', 'gesture_classifier', 'body_pose_estimator', 'action_recognizer',
        'overlay',
    ),
}
"""Argument of the same name as a parameter -> the nodes that have it."""

@dataclass(frozen=True)
class ProcessPlan:
    """One process to start.

    Attributes
    ----------
    executable : str
        Of this package.
    node : str
        Name of the node; '' where the process holds several, under their own names.
    prefix : str
        Command that goes before, such as chrt.
    arguments : tuple of str
        Before those of ROS.
    defaults, parameters : dict
        Parameters that give way to the parameter file, and those that win over it.
    """

    executable: str
    node: str = ''
    prefix: str = ''
    arguments: tuple[str, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


def is_true(text: str) -> bool:
    """Return whether a switch is on, as launch reads it."""
    return text.lower() in ('true', '1')


def _is_given(text: str) -> bool:
    return text.lower() not in ('', 'false')


def read_number(name: str, text: str) -> float:
    """Return the number that an argument holds; raises ConfigError where it holds none."""
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f'{name}:={text} is no number') from error


def plan_nodes(values: Mapping[str, str]) -> list[str]:
    """Return the nodes to start, in the order of `NODES`; raises ConfigError on a wrong name."""
    asked = {switch: node for switch, node in SWITCHES.items() if _is_given(values[switch])}
    if values['nodes']:
        chosen = choose_nodes(values['nodes'])
        for switch, node in asked.items():
            if node not in chosen and switch != 'overlay':  # which is on unless told otherwise
                raise ConfigError(
                    f'{switch}:={values[switch]} would start {node}, which is not among nodes:='
                    f'{values["nodes"]}: add it there, or leave one of the two out'
                )
    else:
        chosen = [*ALWAYS, *asked.values()]
        chosen += [needed for node, needed in NEEDS.items() if node in chosen]
    return [name for name in PACKAGE_NODES if name in chosen]


def plan_processes(values: Mapping[str, str], *, state_folder: str = '') -> list[ProcessPlan]:
    """Return the processes that hand_action.launch.py starts.

    Parameters
    ----------
    values : mapping of str to str
        Values of SYSTEM_ARGUMENTS.
    state_folder : str
        New folder of this launch, where nodes keep the state that they go on from when they died;
        '' keeps none.

    Raises
    ------
    ConfigError
        If `nodes` names an unknown node, or a file that is given is not there.
    """
    _check_files(values)
    nodes = plan_nodes(values)
    _check_prefix(values, nodes)
    settings = {name: _node_parameters(name, values) for name in nodes}
    if is_true(values['manager']):
        nodes = ['lifecycle_manager', *nodes]
        settings['lifecycle_manager'] = _manager_parameters(values, nodes[1:])
    for name in nodes:
        settings[name].update(_state_parameters(name, state_folder))
    if is_true(values['composition']):
        return [_plan_composed(settings, values)]
    beside = beside_other_nodes(nodes)
    use_sim_time = {'use_sim_time': is_true(values['use_sim_time'])}
    return [
        ProcessPlan(
            executable=name,
            node=name,
            prefix=values['commander_prefix'] if name == 'gesture_commander' else '',
            defaults=beside.get(f'/**/{name}', {}).get('ros__parameters', {}),
            parameters={**settings[name], **use_sim_time},
        )
        for name in nodes
    ]


def _check_files(values: Mapping[str, str]) -> None:
    """Refuse files that are not there; launch_ros would go on without a parameter file."""
    paths = {
        'params_file': Path(values['params_file']),
        'commands': Path(values['commands']).expanduser(),  # as the commander reads it
    }
    for argument, path in paths.items():
        if _is_given(values[argument]) and not path.is_file():
            raise ConfigError(f'{argument}:={values[argument]}: there is no such file')


def _check_prefix(values: Mapping[str, str], nodes: Sequence[str]) -> None:
    """Refuse a prefix without effect: who gave it relies on the priority."""
    prefix = f'commander_prefix:={values["commander_prefix"]}'
    if values['commander_prefix'] and 'gesture_commander' not in nodes:
        raise ConfigError(f'{prefix}: gesture_commander is not started; give commands:=MAP')
    if values['commander_prefix'] and is_true(values['composition']):
        raise ConfigError(
            f'{prefix}: with composition:=true gesture_commander has no process of its own; '
            'leave one of the two out'
        )


def plan_camera(values: Mapping[str, str], *, state_folder: str = '') -> ProcessPlan:
    """Return the process that camera.launch.py starts; raises ConfigError on a bad number."""
    return ProcessPlan(
        executable='video_source',
        node='video_source',
        parameters={
            'source': values['source'],
            'rate_hz': read_number('rate_hz', values['rate_hz']),
            'width_px': int(read_number('width_px', values['width_px'])),
            'frame_id': values['frame_id'],
            'camera_info_url': values['camera_info_url'],
            'loop': is_true(values['loop']),
            **_state_parameters('video_source', state_folder),
        },
    )


def plan_player(values: Mapping[str, str]) -> list[str]:
    """Return the command that plays a bag; raises ConfigError where there is no bag."""
    bag = values['bag']
    if not bag or not Path(bag).exists():
        raise ConfigError(f'no bag at {bag!r}: give one, as with bag:=my_bag')
    rate = read_number('rate', values['rate'])
    loop = ['--loop'] if is_true(values['loop']) else []
    return ['ros2', 'bag', 'play', bag, '--clock', '--rate', str(rate), *loop]


def _node_parameters(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        parameter: values[parameter]
        for parameter, nodes in SHARED_PARAMETERS.items()
        if values[parameter] and name in nodes
    }
    if is_true(values['manager']) or not is_true(values['autostart']):
        parameters['autostart'] = False
    for argument, parameter in FILES.items():
        if values[argument] and name == SWITCHES[argument]:
            parameters[parameter] = values[argument]
    return parameters


def _state_parameters(name: str, folder: str) -> dict[str, Any]:
    return {'state_file': str(Path(folder) / f'{name}.json')} if folder else {}


def _manager_parameters(values: Mapping[str, str], nodes: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {'nodes': ','.join(nodes)}
    if not is_true(values['autostart']):
        parameters['autostart'] = False
    return parameters


def _plan_composed(
    settings: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]
) -> ProcessPlan:
    # at the end the first node is the first to go, and that is what moves the robot
    names = sorted(settings, key=lambda name: name != 'gesture_commander')
    arguments = ['run', '--nodes', ','.join(names), '--params', values['params_file']]
    arguments += ['-p', f'use_sim_time:={values["use_sim_time"].lower()}']
    for node, parameters in settings.items():
        for name, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else value
            arguments += ['-p', f'{node}.{name}:={text}']
    return ProcessPlan(executable='hand-action', arguments=tuple(arguments))

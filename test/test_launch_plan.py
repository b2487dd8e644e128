"""What the launch files start, checked where there is no launch."""

import argparse
import ast
import importlib
import re
from pathlib import Path

import pytest
import yaml

from ros2_hand_action.commands import run
from ros2_hand_action.commands.ros_arguments import read_overrides
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.launch_arguments import (
    CAMERA_ARGUMENTS,
    REPLAY_ARGUMENTS,
    SYSTEM_ARGUMENTS,
    TRUE_FALSE,
    Argument,
)
from ros2_hand_action.nodes.launch_plan import (
    ALWAYS,
    PACKAGE_NODES,
    SHARED_PARAMETERS,
    SWITCHES,
    plan_camera,
    plan_nodes,
    plan_player,
    plan_processes,
)
from ros2_hand_action.nodes.node_classes import load_parameters
from ros2_hand_action.resources import config_path

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
TABLES = {
    'hand_action.launch.py': SYSTEM_ARGUMENTS,
    'camera.launch.py': CAMERA_ARGUMENTS,
    'replay.launch.py': REPLAY_ARGUMENTS,
}
MAP = str(config_path('commands.yaml'))


def values(arguments: tuple[Argument, ...] = SYSTEM_ARGUMENTS, **given: str) -> dict[str, str]:
    known = {each.name: each.default for each in arguments}
    assert given.keys() <= known.keys()
    return {**known, **given}


def node_class(name: str) -> type:
    return getattr(importlib.import_module(f'ros2_hand_action.nodes.{name}'), run.NODES[name])


def parameters_of(name: str) -> dict[str, type]:
    common = {'autostart': bool, 'state_file': str, 'use_sim_time': bool}
    return {**common, **{p.name: type(p.default) for p in node_class(name).PARAMETERS}}


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_what_launch_files_import_of_the_package_exists(path: Path) -> None:
    modules = [
        importlib.import_module(f'ros2_hand_action.nodes.{name}')
        for name in ('launch_arguments', 'launch_plan')
    ]
    known = {module.__name__: vars(module).keys() for module in modules}
    actions = ROOT / 'ros2_hand_action' / 'nodes' / 'launch_actions.py'
    functions = {
        each.name for each in ast.parse(actions.read_text()).body
        if isinstance(each, ast.FunctionDef)
    }
    for tree in (ast.parse(path.read_text()), ast.parse(actions.read_text())):
        for statement in ast.walk(tree):
            if not isinstance(statement, ast.ImportFrom):
                continue
            names = {alias.name for alias in statement.names}
            if statement.module in known:
                assert names <= known[statement.module]
            elif statement.module == 'ros2_hand_action.nodes.launch_actions':
                assert names <= functions
    assert path.name in TABLES


@pytest.mark.parametrize('name', TABLES)
def test_arguments_are_described_with_a_default_that_fits(name: str) -> None:
    for each in TABLES[name]:
        assert len(each.description) > 10 and not each.description.endswith('.')
        assert not each.choices or each.default in each.choices
        assert each.choices or each.default not in TRUE_FALSE, f'{each.name} needs its choices'
    names = [each.name for each in TABLES[name]]
    assert len(names) == len(set(names))


def test_every_node_can_be_started() -> None:
    assert {*SWITCHES.values(), *ALWAYS} == {*PACKAGE_NODES}
    assert SWITCHES.keys() <= {each.name for each in SYSTEM_ARGUMENTS}


def test_switches_choose_nodes() -> None:
    assert plan_nodes(values()) == [*ALWAYS, 'overlay']
    assert plan_nodes(values(overlay='false', bodies='true', video='a.mp4')) == [
        'video_source', 'hand_detector', 'gesture_classifier', 'body_pose_estimator',
    ]
    assert plan_nodes(values(actions='true')) == [
        *ALWAYS, 'body_pose_estimator', 'action_recognizer', 'overlay',
    ]
    assert plan_nodes(values(nodes='overlay, hand_detector')) == ['hand_detector', 'overlay']
    assert plan_nodes(values(nodes='hand_detector')) == ['hand_detector']
    with pytest.raises(ConfigError, match='bodies:=true would start body_pose_estimator'):
        plan_nodes(values(nodes='overlay,hand_detector', bodies='true'))
    with pytest.raises(ConfigError, match="no node 'nose'"):
        plan_nodes(values(nodes='nose'))


@pytest.mark.parametrize('argument', ['params_file', 'commands'])
def test_files_that_are_not_there_are_refused(argument: str) -> None:
    with pytest.raises(ConfigError, match=f'{argument}:=/no/such.yaml: there is no such file'):
        plan_processes(values(**{argument: '/no/such.yaml'}))


def test_only_the_map_may_lie_below_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ROS takes the path of the parameter file as it is, and goes on without the file."""
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'my.yaml').write_text('')
    plan_processes(values(commands='~/my.yaml'))
    with pytest.raises(ConfigError, match='params_file:=~/my.yaml: there is no such file'):
        plan_processes(values(params_file='~/my.yaml'))


def test_the_commander_may_have_priority_and_its_camera_must_change() -> None:
    plans = plan_processes(values(commands=MAP, commander_prefix='chrt -r 10'))
    assert [plan.node for plan in plans if plan.prefix] == ['gesture_commander']
    assert plans[0].node == 'hand_detector'
    assert plans[0].defaults == {'frozen_timeout_s': 0.2}
    with_video = {plan.node: plan for plan in plan_processes(values(commands=MAP, video='a.mp4'))}
    assert not with_video['hand_detector'].defaults


@pytest.mark.parametrize(
    ('given', 'reason'),
    [
        ({'commands': MAP, 'composition': 'true'}, 'has no process of its own'),
        ({}, 'gesture_commander is not started'),
    ],
)
def test_a_prefix_that_would_have_no_effect_is_refused(given: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=f'commander_prefix:=chrt -r 10: .*{reason}'):
        plan_processes(values(commander_prefix='chrt -r 10', **given))


def test_each_node_has_a_process_with_parameters_that_it_knows() -> None:
    every = values(
        nodes=','.join(PACKAGE_NODES), backend='onnxruntime', image_transport='compressed',
        video='a.mp4', commands=MAP, autostart='false', use_sim_time='true',
    )
    plans = plan_processes(every, state_folder='/folder')
    assert [plan.node for plan in plans] == [*PACKAGE_NODES]
    for plan in plans:
        assert plan.executable == plan.node
        known = parameters_of(plan.node)
        for parameters in (plan.defaults, plan.parameters):
            assert {name: type(value) for name, value in parameters.items()}.items() <= (
                known.items()
            )
        assert plan.parameters['autostart'] is False and plan.parameters['use_sim_time'] is True
        assert plan.parameters['state_file'] == f'/folder/{plan.node}.json'
    assert plans[0].parameters['source'] == 'a.mp4'
    by_node = {plan.node: plan for plan in plans}
    assert by_node['gesture_commander'].parameters['commands'] == MAP


def test_shared_parameters_go_to_every_node_that_has_them() -> None:
    for parameter, nodes in SHARED_PARAMETERS.items():
        assert {name for name in PACKAGE_NODES if parameter in parameters_of(name)} == {*nodes}


def test_what_is_not_given_is_left_to_the_parameter_file() -> None:
    for plan in plan_processes(values()):
        assert plan.parameters == {'use_sim_time': False} and not plan.defaults
    bodies = {plan.node: plan for plan in plan_processes(values(bodies='true'))}
    assert bodies['hand_detector'].defaults == {'publish_tf': True}


def test_the_manager_starts_what_does_not_start_by_itself() -> None:
    manager, *nodes = plan_processes(values(manager='true'))
    assert manager.node == 'lifecycle_manager'
    assert manager.parameters['nodes'] == 'hand_detector,gesture_classifier,overlay'
    assert 'autostart' not in manager.parameters
    assert [plan.parameters['autostart'] for plan in nodes] == [False] * 3
    manager, *_ = plan_processes(values(manager='true', autostart='false'))
    assert manager.parameters['autostart'] is False


def test_every_node_of_a_process_keeps_its_own_state() -> None:
    [plan] = plan_processes(values(composition='true', manager='true'), state_folder='/folder')
    for name in (*ALWAYS, 'overlay', 'lifecycle_manager'):
        assert f'{name}.state_file:=/folder/{name}.json' in plan.arguments
    camera = plan_camera(values(CAMERA_ARGUMENTS), state_folder='/folder')
    assert camera.parameters['state_file'] == '/folder/video_source.json'


def test_one_process_gets_what_hand_action_run_understands() -> None:
    [plan] = plan_processes(
        values(
            composition='true', manager='true', bodies='true', video='0', backend='onnxruntime',
            image_transport='raw', use_sim_time='True', commands=MAP,
        ),
        state_folder='/folder',
    )
    assert plan.executable == 'hand-action' and not plan.node
    command, *options = plan.arguments
    assert command == 'run'
    parser = argparse.ArgumentParser()
    run.configure(parser)
    parsed = parser.parse_args([*options, '--ros-args', '-r', '__ns:=/cam1', '-p', 'a:=1'])
    assert parsed.ros_args == ['-r', '__ns:=/cam1', '-p', 'a:=1']
    names = run.choose_nodes(parsed.nodes)
    assert names[0] == 'gesture_commander'  # which stops the robot before all else ends
    tables = {name: load_parameters(name) for name in names}
    content = read_overrides(parsed.param, tables)
    assert content['/**']['ros__parameters'] == {'use_sim_time': True}
    assert content['/**/video_source']['ros__parameters'] == {
        'source': '0', 'autostart': False, 'state_file': '/folder/video_source.json',
    }
    assert content['/**/lifecycle_manager']['ros__parameters'] == {
        'nodes': 'video_source,hand_detector,gesture_classifier,body_pose_estimator,overlay,'
        'gesture_commander',
        'state_file': '/folder/lifecycle_manager.json',
    }
    assert yaml.safe_load(yaml.safe_dump(content)) == content


def test_the_camera_gets_values_of_its_parameters_types() -> None:
    plan = plan_camera(values(CAMERA_ARGUMENTS, rate_hz='15', width_px='640', loop='true'))
    known = parameters_of('video_source')
    assert {name: type(value) for name, value in plan.parameters.items()}.items() <= known.items()
    assert plan.parameters['source'] == '0' and plan.parameters['rate_hz'] == 15.0
    with pytest.raises(ConfigError, match='rate_hz:=fast is no number'):
        plan_camera(values(CAMERA_ARGUMENTS, rate_hz='fast'))


def test_a_bag_is_played_by_ros(tmp_path: Path) -> None:
    command = plan_player(values(REPLAY_ARGUMENTS, bag=str(tmp_path), rate='0.5', loop='true'))
    assert command == [
        'ros2', 'bag', 'play', str(tmp_path), '--clock', '--rate', '0.5', '--loop',
    ]
    with pytest.raises(ConfigError, match="no bag at ''"):
        plan_player(values(REPLAY_ARGUMENTS))


def test_examples_in_the_files_name_arguments_that_exist() -> None:
    for path in FILES:
        text = ast.get_docstring(ast.parse(path.read_text())) or ''
        known = {each.name for each in (*TABLES[path.name], *SYSTEM_ARGUMENTS)}
        for name in re.findall(r' (\w+):=', text):
            assert name in known, f'{path.name}: {name}'

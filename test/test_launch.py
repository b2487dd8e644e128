"""The launch files, where launch_ros is (a ROS installation)."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ros2_hand_action.resources import config_path

pytest.importorskip('launch_ros', reason='launch_ros comes with a ROS installation only')
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.utilities import perform_substitutions

from ros2_hand_action.nodes import launch_actions
from ros2_hand_action.nodes.launch_arguments import SYSTEM_ARGUMENTS
from ros2_hand_action.nodes.launch_plan import ProcessPlan

FOLDER = Path(__file__).resolve().parents[1] / 'launch'
FILES = sorted(FOLDER.glob('*.launch.py'))
PROFILE = 'FASTRTPS_DEFAULT_PROFILES_FILE'


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that gives a launch file's entities under a user's own profile."""

    def load_with(profile: str, path: Path = FOLDER / 'hand_action.launch.py') -> Any:
        spec = importlib.util.spec_from_file_location('launch_file', path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for variable in launch_actions.PROFILE_VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        if profile:
            monkeypatch.setenv(PROFILE, profile)
        return module.generate_launch_description().entities

    return load_with


def _profiles(entities: Any) -> dict[str, str]:
    return {
        perform_substitutions(LaunchContext(), entity.name):
        perform_substitutions(LaunchContext(), entity.value)
        for entity in entities if isinstance(entity, SetEnvironmentVariable)
    }


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_every_argument_is_described(load: Any, path: Path) -> None:
    arguments = [each for each in load('', path) if isinstance(each, DeclareLaunchArgument)]
    assert arguments
    assert all(argument.description != 'no description given' for argument in arguments)


def test_arguments_of_the_plan_are_declared(load: Any) -> None:
    arguments = [each for each in load('') if isinstance(each, DeclareLaunchArgument)]
    assert [each.name for each in arguments] == [each.name for each in SYSTEM_ARGUMENTS]


def test_profile_is_set_where_the_user_has_none(load: Any) -> None:
    assert _profiles(load('')) == {PROFILE: str(config_path('fastdds_shm.xml'))}


def test_profile_of_the_user_is_kept(load: Any) -> None:
    assert _profiles(load('/my/profile.xml')) == {}


def test_each_launch_has_a_folder_of_its_own_for_states() -> None:
    given = {each.name: each.default for each in SYSTEM_ARGUMENTS}
    first, second = (Path(launch_actions.make_state_folder(given)) for _ in range(2))
    assert first != second and first.is_dir() and second.is_dir()
    assert launch_actions.make_state_folder({**given, 'respawn': 'false'}) == ''


@pytest.mark.parametrize('node', ['overlay', ''])
def test_each_process_gets_the_enclave_of_its_node(load: Any, node: str) -> None:
    given = {each.name: each.default for each in SYSTEM_ARGUMENTS}
    plan = ProcessPlan(executable='overlay', node=node)
    for enclave, expected in (('', []), ('/a', ['--enclave', '/a/overlay' if node else '/a'])):
        action = launch_actions.start_process(plan, {**given, 'enclave': enclave})
        assert action._Node__ros_arguments[2:] == expected  # after --log-level

"""The launch file, where launch_ros is (a ROS installation)."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ros2_hand_action.resources import config_path

pytest.importorskip('launch_ros', reason='launch_ros comes with a ROS installation only')
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.utilities import perform_substitutions

PATH = Path(__file__).resolve().parents[1] / 'launch' / 'hand_action.launch.py'
PROFILE = 'FASTRTPS_DEFAULT_PROFILES_FILE'


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that gives the launch file's entities under a user's own profile."""
    spec = importlib.util.spec_from_file_location('hand_action_launch', PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def load_with(profile: str) -> Any:
        for variable in module.PROFILE_VARIABLES:
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


def test_every_argument_is_described(load: Any) -> None:
    arguments = [each for each in load('') if isinstance(each, DeclareLaunchArgument)]
    names = {argument.name for argument in arguments}
    assert names >= {'image', 'camera_info', 'namespace', 'params_file', 'video', 'overlay'}
    assert all(argument.description != 'no description given' for argument in arguments)


def test_profile_is_set_where_the_user_has_none(load: Any) -> None:
    assert _profiles(load('')) == {PROFILE: str(config_path('fastdds_shm.xml'))}


def test_profile_of_the_user_is_kept(load: Any) -> None:
    assert _profiles(load('/my/profile.xml')) == {}

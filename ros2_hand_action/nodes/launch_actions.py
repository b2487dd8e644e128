"""What the launch files share: arguments, processes and the middleware's profile as actions.

Needs launch and launch_ros, which come with a ROS installation.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from ros2_hand_action.nodes.launch_arguments import Argument
from ros2_hand_action.nodes.launch_plan import TOPICS, ProcessPlan, is_true, read_number
from ros2_hand_action.nodes.runner import RESPAWN_VARIABLE
from ros2_hand_action.resources import PACKAGE_NAME, config_path

PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


def declare_arguments(arguments: Sequence[Argument]) -> list[DeclareLaunchArgument]:
    """Return the declarations of arguments."""
    return [
        DeclareLaunchArgument(
            each.name,
            default_value=each.default,
            description=each.description,
            choices=list(each.choices) or None,
        )
        for each in arguments
    ]


def read_values(context: LaunchContext, arguments: Sequence[Argument]) -> dict[str, str]:
    """Return the values of arguments by name."""
    return {each.name: LaunchConfiguration(each.name).perform(context) for each in arguments}


def set_profile() -> list[SetEnvironmentVariable]:
    """Give images a shared-memory segment that holds them, unless the user has a profile."""
    if any(os.environ.get(variable) for variable in PROFILE_VARIABLES):
        return []
    profile = str(config_path('fastdds_shm.xml'))
    return [SetEnvironmentVariable(PROFILE_VARIABLES[0], profile)]


def make_state_folder(values: Mapping[str, str]) -> str:
    """Return a folder that lasts as long as the launch; '' where no process is started again."""
    if not is_true(values['respawn']):
        return ''
    folder = tempfile.mkdtemp(prefix='ros2_hand_action_')
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def start_process(plan: ProcessPlan, values: Mapping[str, str]) -> Node:
    """Return the process of a plan, with the namespace, topics and so on of the values."""
    files = [values['params_file']] if plan.node and 'params_file' in values else []
    parameters = [plan.defaults, *files, plan.parameters]
    log_level = ['--log-level', values['log_level']] if 'log_level' in values else []
    enclave = '/'.join(filter(None, (values.get('enclave'), plan.node)))
    return Node(
        package=PACKAGE_NAME,
        executable=plan.executable,
        name=plan.node or None,
        namespace=values['namespace'],
        arguments=list(plan.arguments),
        parameters=[each for each in parameters if each],
        remappings=[(topic, values[topic]) for topic in TOPICS if topic in values],
        ros_arguments=log_level + (['--enclave', enclave] if values.get('enclave') else []),
        prefix=plan.prefix or None,
        additional_env={RESPAWN_VARIABLE: '1'} if is_true(values['respawn']) else None,
        respawn=is_true(values['respawn']),
        respawn_delay=read_number('respawn_delay_s', values['respawn_delay_s']),
        output='screen',
    )


def start_rviz(values: Mapping[str, str]) -> Node:
    """Return RViz, with the topics that its configuration names in the namespace."""
    namespace = f'/{values["namespace"].strip("/")}' if values['namespace'] else ''
    return Node(
        package='rviz2',
        executable='rviz2',
        arguments=['-d', str(config_path('hand_action.rviz'))],
        parameters=[{'use_sim_time': is_true(values['use_sim_time'])}],
        remappings=[
            (f'/{topic}', f'{namespace}/{topic}') for topic in ('overlay/image', 'body_markers')
        ],
        output='screen',
    )

"""Play a bag to the nodes, in its own time, with the overlay.

    ros2 launch ros2_hand_action replay.launch.py bag:=my_bag image:=/camera/image_raw rviz:=true

All arguments of hand_action.launch.py can be given, too. The launch ends with the bag.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import ExecuteProcess, IncludeLaunchDescription, OpaqueFunction, Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource

from ros2_hand_action.nodes.launch_actions import declare_arguments, read_values
from ros2_hand_action.nodes.launch_arguments import REPLAY_ARGUMENTS, SYSTEM_ARGUMENTS
from ros2_hand_action.nodes.launch_plan import plan_player

SYSTEM = Path(__file__).resolve().with_name('hand_action.launch.py')


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the nodes on the bag's time, and its player."""
    passed_on = [each for each in SYSTEM_ARGUMENTS if each.name != 'use_sim_time']
    arguments = declare_arguments([*REPLAY_ARGUMENTS, *passed_on])
    return LaunchDescription([*arguments, OpaqueFunction(function=_start)])


def _start(context: LaunchContext) -> list[IncludeLaunchDescription | ExecuteProcess]:
    # before the nodes: a bag that is missing must leave none behind
    command = plan_player(read_values(context, REPLAY_ARGUMENTS))
    nodes = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(SYSTEM)),
        launch_arguments={'use_sim_time': 'true'}.items(),
    )
    ends = Shutdown(reason='the bag has ended')
    return [nodes, ExecuteProcess(cmd=command, on_exit=ends, output='screen')]

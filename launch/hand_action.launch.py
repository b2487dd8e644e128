"""Start the whole system, or a part of it.

    ros2 launch ros2_hand_action hand_action.launch.py image:=/camera/image_raw
    ros2 launch ros2_hand_action hand_action.launch.py video:=hands.mp4 rviz:=true
    ros2 launch ros2_hand_action hand_action.launch.py --show-args
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from ros2_hand_action.nodes.launch_actions import (
    declare_arguments,
    make_state_folder,
    read_values,
    set_profile,
    start_process,
    start_rviz,
)
from ros2_hand_action.nodes.launch_arguments import SYSTEM_ARGUMENTS
from ros2_hand_action.nodes.launch_plan import is_true, plan_processes


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the middleware's profile and the nodes."""
    return LaunchDescription(
        [*declare_arguments(SYSTEM_ARGUMENTS), *set_profile(), OpaqueFunction(function=_start)]
    )


def _start(context: LaunchContext) -> list[Node]:
    values = read_values(context, SYSTEM_ARGUMENTS)
    rviz = [start_rviz(values)] if is_true(values['rviz']) else []
    plans = plan_processes(values, state_folder=make_state_folder(values))
    return [*(start_process(plan, values) for plan in plans), *rviz]

"""Start video_source as a camera driver: a webcam, a video file or a folder of pictures.

    ros2 launch ros2_hand_action camera.launch.py source:=/dev/video0
    ros2 launch ros2_hand_action camera.launch.py source:=hands.mp4 loop:=true namespace:=cam1

Other drivers serve as well; docs/robot.md says how to start usb_cam, v4l2_camera and those of
Jetson cameras, and which topics they publish.
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
)
from ros2_hand_action.nodes.launch_arguments import CAMERA_ARGUMENTS
from ros2_hand_action.nodes.launch_plan import plan_camera


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the middleware's profile and the node."""
    return LaunchDescription(
        [*declare_arguments(CAMERA_ARGUMENTS), *set_profile(), OpaqueFunction(function=_start)]
    )


def _start(context: LaunchContext) -> list[Node]:
    values = read_values(context, CAMERA_ARGUMENTS)
    return [start_process(plan_camera(values, state_folder=make_state_folder(values)), values)]

"""Start hand detection, gestures, the overlay and, where asked for, bodies and a video.

    ros2 launch ros2_hand_action hand_action.launch.py image:=/camera/image_raw
    ros2 launch ros2_hand_action hand_action.launch.py video:=hands.mp4
"""

import os

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from ros2_hand_action.resources import config_path

PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
ARGUMENTS = (
    ('image', 'image', 'topic of the camera images (Image, or CompressedImage below it)'),
    ('camera_info', 'camera_info', "topic of the camera's calibration"),
    ('depth_image', 'depth_image', 'topic of depth images registered to the images'),
    ('namespace', '', 'namespace of all nodes, one for each camera or robot'),
    ('params_file', str(config_path('default.yaml')), 'parameters of all nodes (YAML)'),
    ('video', '', 'start video_source on this file, folder or camera (0, /dev/video0)'),
    ('bodies', 'false', 'start body_pose_estimator: body poses, frames and markers'),
    ('overlay', 'true', 'start overlay, which draws only while someone subscribes'),
    ('use_sim_time', 'false', 'take the time from /clock (simulation, bags)'),
)
"""Name, default, description."""
TOPICS = ('image', 'camera_info', 'depth_image')
"""Arguments that are other names for topics."""


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the middleware's profile and the nodes."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in ARGUMENTS
    ]
    nodes = [
        OpaqueFunction(function=_describe_video),
        _describe_node('hand_detector', defaults={'publish_tf': LaunchConfiguration('bodies')}),
        _describe_node('gesture_classifier'),
        _describe_node(
            'body_pose_estimator', condition=IfCondition(LaunchConfiguration('bodies'))
        ),
        _describe_node('overlay', condition=IfCondition(LaunchConfiguration('overlay'))),
    ]
    return LaunchDescription([*arguments, *_set_profile(), *nodes])


def _set_profile() -> list[SetEnvironmentVariable]:
    """Give images a shared-memory segment that holds them, unless the user has a profile."""
    if any(os.environ.get(variable) for variable in PROFILE_VARIABLES):
        return []
    profile = str(config_path('fastdds_shm.xml'))
    return [SetEnvironmentVariable(PROFILE_VARIABLES[0], profile)]


def _describe_video(context: LaunchContext) -> list[Node]:
    """Return the node that publishes the given video; none where none is given."""
    source = LaunchConfiguration('video').perform(context)
    return [_describe_node('video_source', source=source)] if source else []


def _describe_node(
    name: str,
    *,
    condition: IfCondition | None = None,
    defaults: dict[str, LaunchConfiguration] | None = None,
    **values: str,
) -> Node:
    """Return a node with the launch file's names and parameters, and more of these.

    `defaults` are true or false, and give way to the parameter file.
    """
    weak = {key: ParameterValue(value, value_type=bool) for key, value in (defaults or {}).items()}
    parameters = {name: ParameterValue(value, value_type=str) for name, value in values.items()}
    use_sim_time = ParameterValue(LaunchConfiguration('use_sim_time'), value_type=bool)
    return Node(
        package='ros2_hand_action',
        executable=name,
        name=name,
        namespace=LaunchConfiguration('namespace'),
        parameters=[
            *([weak] if weak else []),
            LaunchConfiguration('params_file'), {**parameters, 'use_sim_time': use_sim_time}
        ],
        remappings=[(topic, LaunchConfiguration(topic)) for topic in TOPICS],
        condition=condition,
        output='screen',
    )

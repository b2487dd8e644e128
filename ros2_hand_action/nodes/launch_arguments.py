"""Arguments of the launch files; docs/robot.md lists them."""

from dataclasses import dataclass

from ros2_hand_action.resources import config_path

TRUE_FALSE = ('true', 'false')


@dataclass(frozen=True)
class Argument:
    """An argument of a launch file; `choices` is empty where any text may stand."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


def _switch(name: str, default: str, description: str) -> Argument:
    return Argument(name, default, description, TRUE_FALSE)


TOPIC_ARGUMENTS = (
    Argument('image', 'image', 'topic of the camera images (Image, or CompressedImage below it)'),
    Argument('camera_info', 'camera_info', "topic of the camera's calibration"),
    Argument('depth_image', 'depth_image', 'topic of depth images registered to the images'),
    Argument('namespace', '', 'namespace of all nodes, one for each camera or robot'),
)

SYSTEM_ARGUMENTS = (
    *TOPIC_ARGUMENTS,
    Argument('params_file', str(config_path('default.yaml')), 'parameters of all nodes (YAML)'),
    Argument(
        'nodes', '',
        'start these nodes alone, such as hand_detector,overlay; empty starts hand_detector, '
        'gesture_classifier and what the switches say',
    ),
    Argument('video', '', 'start video_source on this file, folder or camera (0, /dev/video0)'),
    _switch('bodies', 'false', 'start body_pose_estimator: body poses, frames and markers'),
    _switch(
        'actions', 'false',
        'start action_recognizer, what people are doing, and body_pose_estimator',
    ),
    _switch('overlay', 'true', 'start overlay, which draws only while someone subscribes'),
    Argument('commands', '', 'start gesture_commander with this map of gestures (YAML)'),
    Argument(
        'commander_prefix', '',
        "goes before gesture_commander's command, such as 'chrt -r 10' for real-time priority",
    ),
    Argument('backend', '', 'inference back end of all networks; empty is that of params_file'),
    Argument(
        'image_transport', '',
        'kind of image that nodes subscribe to: raw, compressed (between machines) or auto; '
        'empty is that of params_file',
    ),
    _switch('composition', 'false', 'run all nodes in one process, rather than one for each'),
    _switch('autostart', 'true', 'configure and activate the nodes without being asked'),
    _switch(
        'manager', 'false',
        'let lifecycle_manager bring the nodes up in order, keep them so and report on it',
    ),
    _switch('respawn', 'true', 'start a process again that has ended'),
    Argument('respawn_delay_s', '0.0', 'wait so long before that (seconds)'),
    _switch('use_sim_time', 'false', 'take the time from /clock (simulation, bags)'),
    _switch('rviz', 'false', 'start RViz with config/hand_action.rviz'),
    Argument(
        'enclave', '',
        'SROS 2: enclave of the one process, or above those of the processes, named as their '
        'nodes; empty is that of the environment',
    ),
    Argument(
        'log_level', 'info', 'least severity that is logged',
        ('debug', 'info', 'warn', 'error', 'fatal'),
    ),
)

CAMERA_ARGUMENTS = (
    *(each for each in TOPIC_ARGUMENTS if each.name != 'depth_image'),
    Argument('source', '0', 'camera (its index or /dev/videoN), video file or folder of pictures'),
    Argument('rate_hz', '0.0', "images per second; 0 is the source's own (Hz)"),
    Argument('width_px', '0', 'width to which images are scaled; 0 is as they are (pixels)'),
    Argument('frame_id', 'camera', 'frame_id of the headers: the optical frame'),
    Argument('camera_info_url', '', 'calibration YAML of camera_calibration; empty is a guess'),
    _switch('loop', 'false', 'begin a file again at its end'),
    _switch('respawn', 'true', 'start the process again that has ended'),
    Argument('respawn_delay_s', '0.0', 'wait so long before that (seconds)'),
)

REPLAY_ARGUMENTS = (
    Argument('bag', '', 'folder of the bag (rosbag2) to play; needed'),
    Argument('rate', '1.0', 'speed of the playing, 1 is that of the recording'),
    _switch('loop', 'false', 'begin the bag again at its end'),
)
"""Of replay.launch.py, which has those of hand_action.launch.py besides."""

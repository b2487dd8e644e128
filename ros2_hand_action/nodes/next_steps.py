"""What a user can do next: with ROS's own command where that is installed, and without it."""

import shutil


def advise_start(name: str) -> str:
    """Return how a node that could not start, of this full name, is started after all."""
    if _has_ros_command():
        return f'start it again, or: ros2 lifecycle set {name} configure, then activate'
    return 'start it again'


def advise_look(topic: str, sender: str) -> str:
    """Return how to find out why nothing comes on a topic that somebody has announced."""
    text = f'Look whether {sender} works: its log tells'
    return f'{text}; ros2 topic hz {topic} counts messages' if _has_ros_command() else text


def _has_ros_command() -> bool:
    return shutil.which('ros2') is not None

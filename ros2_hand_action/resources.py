"""Where the package's configuration files lie: a checkout, a ROS workspace or a pip install."""

import os
from pathlib import Path

from ros2_hand_action.errors import ConfigError

PACKAGE_NAME = 'ros2_hand_action'


def config_path(name: str) -> Path:
    """Return the path of a file in config/; raises ConfigError where there is none."""
    return _find('config', name, 'configuration file')


def message_path(name: str) -> Path:
    """Return the path of a message's definition in msg/; raises ConfigError where there is none.

    `name` is such as 'Hand.msg'.
    """
    return _find('msg', name, 'message definition')


def _find(folder_name: str, name: str, what: str) -> Path:
    package = Path(__file__).resolve().parent
    prefixes = [str(path) for path in package.parents[3:4]]  # PREFIX/lib/python3.x/site-packages
    prefixes += os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    folders = [package.parent / folder_name]
    shares = [Path(prefix) / 'share' / PACKAGE_NAME for prefix in prefixes if prefix]
    folders += [share / folder_name for share in shares]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    looked_in = ', '.join(str(folder) for folder in folders)
    raise ConfigError(f'no {what} {name!r} in {looked_in}: build the package again')

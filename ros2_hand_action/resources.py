"""Where the package's configuration files lie: a checkout, a ROS workspace or a pip install."""

import os
import sys
from pathlib import Path

from ros2_hand_action.errors import ConfigError

PACKAGE_NAME = 'ros2_hand_action'


def config_path(name: str) -> Path:
    """Return the path of a file in config/; raises ConfigError where there is none."""
    folders = [Path(__file__).resolve().parent.parent / 'config']
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    folders += [
        Path(prefix) / 'share' / PACKAGE_NAME / 'config' for prefix in prefixes if prefix
    ]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    looked_in = ', '.join(str(folder) for folder in folders)
    raise ConfigError(f'no configuration file {name!r} in {looked_in}: build the package again')

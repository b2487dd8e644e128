"""Folders that commands write their results to."""

import os
from pathlib import Path

from ros2_hand_action.errors import ConfigError


def make_folder(path: Path) -> None:
    """Make a folder that can be written to; raises ConfigError where that is impossible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError('it is not writable')
    except OSError as error:
        raise ConfigError(f'--out {str(path)!r} cannot be used: {error}') from error

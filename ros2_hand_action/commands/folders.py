"""Folders and files that commands write their results to."""

import os
from pathlib import Path

from ros2_hand_action.errors import ConfigError


def make_folder(path: Path) -> None:
    """Make a folder that can be written to; raises ConfigError where that is impossible."""
    if path.exists() and not path.is_dir():
        raise ConfigError(f'--out is {str(path)!r}, which is a file: name a folder')
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError('it is not writable')
    except OSError as error:
        raise ConfigError(f'--out {str(path)!r} cannot be used: {error}') from error


def check_file(path: Path | None, option: str) -> None:
    """Check before long work that a file can be written to; None is no file.

    Raises
    ------
    ConfigError
        If it is a folder, or its own folder does not exist or is not writable.
    """
    if path is None:
        return
    if path.is_dir():
        problem = 'which is a folder'
    elif not path.parent.is_dir():
        problem = 'but its folder does not exist'
    elif not os.access(path.parent, os.W_OK):
        problem = 'but its folder is not writable'
    else:
        return
    raise ConfigError(f'{option} is {str(path)!r}, {problem}: change {option}')

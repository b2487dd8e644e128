"""What the commands that learn something share: checks of their arguments, and a bar."""

import argparse
import sys
from collections.abc import Mapping
from typing import NoReturn

from tqdm import tqdm

from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.errors import ConfigError

_ROUNDING = 1e-6


def check_training_arguments(arguments: argparse.Namespace, least: Mapping[str, float]) -> None:
    """Check the file to write, and numbers by their least value.

    Raises
    ------
    ConfigError
        If `arguments.out` is no .onnx file that can be written, or a number is too low.
    """
    if arguments.out.suffix != '.onnx':
        raise ConfigError(f'--out is {str(arguments.out)!r}, give a file that ends in .onnx')
    check_file(arguments.out, '--out')
    for name, lowest in least.items():
        value = getattr(arguments, name)
        if not value >= lowest:
            raise ConfigError(f'--{name.replace("_", "-")} is {value!r}, give {lowest} or more')


def share_bar(description: str, total: float = 1) -> 'tqdm[NoReturn]':
    """Return a bar that is updated by shares of the work, which sum to `total`."""
    return tqdm(
        total=total + _ROUNDING, desc=description, file=sys.stderr,
        bar_format='{l_bar}{bar}| [{elapsed}<{remaining}]',
    )

"""How far results of a replay may be from golden ones: `config/replay_tolerances.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.resources import config_path

DEFAULT_FILE = 'replay_tolerances.yaml'


@dataclass(frozen=True)
class Tolerances:
    """Named differences that do not matter.

    Attributes
    ----------
    numbers : mapping of str to float
        Field of the results -> largest difference of each of its numbers, in its unit.
    ignore : tuple of str
        Fields that are neither saved nor compared.
    event_s : float
        Seconds by which an event may come earlier or later.
    images : float
        Share of the images that may differ by more, 0 to 1, for each field.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    event_s: float = 0.0
    images: float = 0.0


EXACT = Tolerances()


def read_tolerances(path: Path | None = None) -> Tolerances:
    """Read a file, the package's own if none is given.

    Raises
    ------
    ConfigError
        If it cannot be read or used.
    """
    path = path or config_path(DEFAULT_FILE)
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'cannot read tolerances {str(path)!r}: {error}') from error
    return change_tolerances(EXACT, content, str(path))


def change_tolerances(tolerances: Tolerances, changes: Any, origin: str) -> Tolerances:
    """Return tolerances with other values; `origin` names where they stand.

    Raises
    ------
    ConfigError
        If a name is unknown, or a value is not of its type or below 0.
    """
    names = [each.name for each in fields(Tolerances)]
    if not isinstance(changes, Mapping) or not set(changes) <= set(names):
        raise ConfigError(f'{origin}: tolerances are {changes!r}, allowed: {", ".join(names)}')
    values = dict(changes)
    numbers = values.get('numbers', {})
    if not isinstance(numbers, Mapping):
        raise ConfigError(f'{origin}: numbers is {numbers!r}, must map fields to numbers')
    ignore = values.get('ignore', tolerances.ignore)
    if not isinstance(ignore, (list, tuple)):
        raise ConfigError(f'{origin}: ignore is {ignore!r}, must be a list of fields')
    scalars = {name: values[name] for name in ('event_s', 'images') if name in values}
    for name, value in {**numbers, **scalars}.items():
        if type(value) not in (int, float) or not value >= 0:
            raise ConfigError(f'{origin}: {name} is {value!r}, must be a number of 0 or more')
    return replace(
        tolerances, numbers={**tolerances.numbers, **numbers},
        ignore=tuple(str(each) for each in ignore), **scalars,
    )  # fmt: skip

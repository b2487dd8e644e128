"""Groups of a network's classes: what a robot wants to know, out of hundreds of fine names."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.labels import OTHER
from ros2_hand_action.resources import config_path


class ClassGroups:
    """Which classes of a network belong to which group; those in none are 'other'.

    Parameters
    ----------
    classes : sequence of str
        In the order of the network's output.
    groups : dict of str to sequence of str
        Names of groups and their classes.

    Attributes
    ----------
    classes : tuple of str
    labels : tuple of str
        The groups in their order, then 'other'.

    Raises
    ------
    ConfigError
        If a class occurs twice, or in two groups; a group has no class, or one that does not
        exist; or is called 'other'.
    """

    def __init__(self, classes: list[str], groups: dict[str, list[str]]) -> None:
        self.classes = tuple(classes)
        self.labels = (*groups, OTHER)
        _check(self.classes, groups)
        places = {name: place for place, name in enumerate(self.classes)}
        self._groups = np.full(len(classes), len(groups))
        for index, members in enumerate(groups.values()):
            self._groups[[places[name] for name in members]] = index

    def sum(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the probabilities (n, labels) of groups from those (n, classes) of classes."""
        sums = np.zeros((len(probabilities), len(self.labels)), np.float32)
        for index in range(len(self.labels)):
            sums[:, index] = probabilities[:, self._groups == index].sum(axis=1)
        return sums


def load_class_groups(path: Path | None = None) -> ClassGroups:
    """Read a YAML file of `classes`, a list, and `groups`, lists by name.

    Parameters
    ----------
    path : Path, optional
        config/kinetics_400.yaml if not given.

    Raises
    ------
    ConfigError
        If the file cannot be read, or contradicts itself; the message names file and value.
    """
    path = path or config_path('kinetics_400.yaml')
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
        classes = _names(content['classes'], 'classes')
        groups = {str(name): _names(members, name) for name, members in content['groups'].items()}
        return ClassGroups(classes, groups)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(f'{str(path)!r} cannot be used: {error!r}; correct it') from error
    except ConfigError as error:
        raise ConfigError(f'{str(path)!r}: {error}') from None


def _names(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f'{where!r} is {value!r}, give a list of names')
    return value


def _check(classes: tuple[str, ...], groups: dict[str, list[str]]) -> None:
    if len(set(classes)) != len(classes):
        raise ConfigError(f'the classes {_twice(classes)!r} occur twice')
    if OTHER in groups:
        raise ConfigError(f'a group is called {OTHER!r}: that is what is in no group')
    for name, members in groups.items():
        unknown = [member for member in members if member not in classes]
        if unknown or not members:
            raise ConfigError(f'group {name!r} has classes that do not exist: {unknown!r}'
                              if unknown else f'group {name!r} has no class')
    grouped = tuple(member for members in groups.values() for member in members)
    if len(set(grouped)) != len(grouped):
        raise ConfigError(f'the classes {_twice(grouped)!r} are in two groups')


def _twice(names: tuple[str, ...]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})

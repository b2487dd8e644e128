"""Options of a replay by name, as tests and expectation files write them."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ros2_hand_action.errors import ConfigError, did_you_mean
from ros2_hand_action.replay.pipeline import PipelineOptions
from ros2_hand_action.replay.recording import Selection
from ros2_hand_action.replay.replay import ReplayOptions

_SELECTION = {each.name for each in fields(Selection)}
_PIPELINE = {each.name for each in fields(PipelineOptions)}


def make_replay_options(
    values: Mapping[str, Any],
    *,
    origin: str,
    folder: Path,
    base: ReplayOptions | None = None,
    places: Mapping[str, str] | None = None,
) -> ReplayOptions:
    """Return options with some of them set: those of Selection and PipelineOptions.

    Parameters
    ----------
    values : mapping of str to value
        Such as {'bodies': True, 'start_s': 2}.
    origin : str
        Where they stand, for errors.
    folder : Path
        What a relative path is relative to.
    base : ReplayOptions, optional
        The other options; the defaults if not given.
    places : mapping of str to str, optional
        Where each name stands, in place of `origin`.

    Raises
    ------
    ConfigError
        If a name is unknown or a value has another type.
    """
    base, places = base or ReplayOptions(), places or {}
    unknown = sorted(values.keys() - _SELECTION - _PIPELINE)
    if unknown:
        name, known = unknown[0], sorted(_SELECTION | _PIPELINE)
        raise ConfigError(
            f'{places.get(name, origin)}: no replay option {name!r}{did_you_mean(name, known)}; '
            f'there are {", ".join(known)}'
        )
    selection, pipeline = ({}, {})  # type: dict[str, Any], dict[str, Any]
    for name, value in values.items():
        part, target = (
            (base.selection, selection) if name in _SELECTION else (base.pipeline, pipeline)
        )
        place = places.get(name, origin)
        target[name] = _convert(name, value, getattr(part, name), place, folder)
    return ReplayOptions(
        replace(base.selection, **selection), replace(base.pipeline, **pipeline)
    )


def _convert(name: str, value: Any, before: Any, origin: str, folder: Path) -> Any:
    """Return a value in the type of the one before; None stands for a path."""
    if before is None or isinstance(before, Path):
        if isinstance(value, (str, Path)):
            return folder / value
        wanted = 'a path'
    elif isinstance(before, float):
        if type(value) in (int, float) and value >= 0:
            return float(value)
        wanted = 'a number of 0 or more'
    else:
        if type(value) is type(before):
            return value
        wanted = f'of type {type(before).__name__}'
    raise ConfigError(f'{origin}: {name} is {value!r}, must be {wanted}')

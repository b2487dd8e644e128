"""Which back end runs a network, and in which precision."""

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from ros2_hand_action.errors import ConfigError, ModelError

BACKENDS = {
    'tensorrt': 'ros2_hand_action.inference.tensorrt',
    'openvino': 'ros2_hand_action.inference.openvino',
    'onnxruntime': 'ros2_hand_action.inference.onnxruntime_backend',
}
"""Back end -> the module that has its `find_problem`, `find_drawback`, `resolve_precision`,
`PURPOSE` and `open_session`. 'auto' takes the first that has neither problem nor drawback."""

BACKEND_VARIABLE = 'HAND_ACTION_BACKEND'
"""Environment variable: what 'auto' is on this machine."""


class Choice(NamedTuple):
    """A back end, in words why it was chosen, and the precision that it runs in."""

    name: str
    reason: str
    precision: str


@cache
def find_problem(backend: str) -> str:
    """Return why a back end of BACKENDS cannot be used here; '' if it can."""
    try:
        problem: str = load_backend(backend).find_problem()
    except ImportError as error:
        return f'it is not installed ({error})'
    return problem


def available_backends() -> tuple[str, ...]:
    """Return the back ends that can be used here, in the order of BACKENDS."""
    return tuple(name for name in BACKENDS if not find_problem(name))


def load_backend(name: str) -> ModuleType:
    """Return the module of a back end of BACKENDS."""
    return import_module(BACKENDS[name])


def choose_backend(
    wanted: str, precision: str = 'auto', *, network: Path | None = None,
    refused: Mapping[str, str] | None = None,
) -> Choice:
    """Return the back end to use.

    Parameters
    ----------
    wanted : str
        'auto' or one of BACKENDS.
    precision : str
        One of `session.PRECISION_CHOICES`.
    network : Path, optional
        Which network it is for: some back ends are the best for some only.
    refused : mapping of str to str, optional
        Back end -> why it cannot run that network.

    Raises
    ------
    ConfigError
        If there is no such back end, or it cannot be used here, or not in that precision.
    ModelError
        If it is the one that was asked for by name, and it refused the network.
    """
    refused = refused or {}
    source = 'as asked for'
    if wanted == 'auto':
        wanted, source = os.environ.get(BACKEND_VARIABLE) or wanted, f'as {BACKEND_VARIABLE} says'
    if wanted == 'auto':
        return _choose_best(precision, network, refused)
    if wanted not in BACKENDS:
        raise ConfigError(
            f'inference back end {wanted!r} does not exist, choose auto or one of '
            f'{tuple(BACKENDS)}'
        )
    if wanted in refused:
        raise ModelError(refused[wanted])
    problem = find_problem(wanted) or _find_unfit(wanted, precision, network)
    if problem:
        raise ConfigError(f'inference back end {wanted!r} cannot be used: {problem}')
    return _make_choice(wanted, precision, network, source)


def _choose_best(precision: str, network: Path | None, refused: Mapping[str, str]) -> Choice:
    objections: list[str] = []
    for name in BACKENDS:
        objection = (
            refused.get(name) or find_problem(name) or _find_unfit(name, precision, network)
            or load_backend(name).find_drawback(precision, network)
        )
        if not objection:
            purpose = load_backend(name).PURPOSE if precision == 'auto' else 'the best there is'
            return _make_choice(name, precision, network, '; '.join([purpose, *objections]))
        objections.append(f'not {name}: {objection}')
    raise ConfigError(f"inference back end 'auto': {'; '.join(objections)}")


def _find_unfit(name: str, precision: str, network: Path | None) -> str:
    """Return why a back end does not compute in a precision; '' if it does."""
    fits = load_backend(name).resolve_precision(precision, network)
    return '' if fits else f'it does not compute in {precision}'


def _make_choice(name: str, wanted_precision: str, network: Path | None, why: str) -> Choice:
    precision = load_backend(name).resolve_precision(wanted_precision, network)
    return Choice(name, f'{name} in {precision}, {why}', precision)

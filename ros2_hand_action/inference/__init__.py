"""Running networks: one protocol, several back ends, one place that chooses among them."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference.observing import observed
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.inference.substituting import find_substitute

BACKENDS = {
    'tensorrt': 'ros2_hand_action.inference.tensorrt',
    'onnxruntime': 'ros2_hand_action.inference.onnxruntime_backend',
}
"""Back end -> the module that has its `find_problem` and `open_session`. 'auto' takes the first
that has no problem."""


class Choice(NamedTuple):
    """A back end, and in words why it was chosen."""

    name: str
    reason: str


@cache
def find_problem(backend: str) -> str:
    """Return why a back end of BACKENDS cannot be used here; '' if it can."""
    try:
        problem: str = import_module(BACKENDS[backend]).find_problem()
    except ImportError as error:
        return f'it is not installed ({error})'
    return problem


def available_backends() -> tuple[str, ...]:
    """Return the back ends that can be used here, in the order of BACKENDS."""
    return tuple(name for name in BACKENDS if not find_problem(name))


def choose_backend(wanted: str) -> Choice:
    """Return the back end to use; raises ConfigError where it cannot be."""
    if wanted != 'auto' and wanted not in BACKENDS:
        raise ConfigError(
            f'inference back end {wanted!r} does not exist, choose auto or one of '
            f'{tuple(BACKENDS)}'
        )
    if wanted != 'auto':
        if find_problem(wanted):
            raise ConfigError(
                f'inference back end {wanted!r} cannot be used: {find_problem(wanted)}'
            )
        return Choice(wanted, f'{wanted}, as asked for')
    refused: list[str] = []
    for name in BACKENDS:
        if not find_problem(name):
            return Choice(name, '; '.join([f'{name}, the best there is', *refused]))
        refused.append(f'not {name}: {find_problem(name)}')
    raise ConfigError(f'inference back end {wanted!r}: {"; ".join(refused)}')


def create_session(
    path: str | Path, options: SessionOptions | None = None
) -> InferenceSession:
    """Load a network.

    Parameters
    ----------
    path : str or Path
        An ONNX file in single precision; that of `options.precision` is found or made.
    options : SessionOptions, optional

    Raises
    ------
    ConfigError
        If `options` names no back end, or one that cannot be used here.
    ModelError
        If the file is missing or damaged, or not there in that precision.
    NotBuiltError
        If it must be built first and `options.build` is false.
    """
    options = options or SessionOptions()
    module = import_module(BACKENDS[choose_backend(options.backend).name])
    file = Path(path)
    if not file.is_file():
        raise ModelError(f'there is no network {str(file)!r}: run `hand-action models fetch`')
    substitute = find_substitute(file)
    if substitute is not None:
        return observed(file, module.open_session(substitute, options))
    if options.precision != 'fp32':
        from ros2_hand_action.models.precision import precision_file

        return observed(file, module.open_session(
            precision_file(file, options.precision), options
        ))
    return observed(file, module.open_session(file, options))

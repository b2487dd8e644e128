"""Running networks: one protocol, several back ends, one place that chooses among them."""

from dataclasses import replace
from pathlib import Path

from ros2_hand_action.errors import ModelError, UnsupportedNetworkError
from ros2_hand_action.inference.choosing import (
    BACKEND_VARIABLE,
    BACKENDS,
    Choice,
    available_backends,
    choose_backend,
    find_problem,
    load_backend,
)
from ros2_hand_action.inference.observing import observed
from ros2_hand_action.inference.session import PRECISIONS, InferenceSession, SessionOptions
from ros2_hand_action.inference.substituting import find_substitute
from ros2_hand_action.inference.wrapped import ExplainedSession

__all__ = [
    'BACKENDS', 'BACKEND_VARIABLE', 'Choice', 'available_backends', 'choose_backend',
    'create_session', 'find_problem',
]


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
        If the file is missing or damaged, or not there in that precision, or the back end that was
        asked for by name cannot run it.
    NotBuiltError
        If it must be built first and `options.build` is false.
    """
    options, file = options or SessionOptions(), Path(path)
    if find_substitute(file) is not None:  # what stands in its place is run as it is
        options = replace(options, precision='fp32')
    choice = choose_backend(options.backend, options.precision, network=file)
    if not file.is_file():
        raise ModelError(f'there is no network {str(file)!r}: run `hand-action models fetch`')
    refused: dict[str, str] = {}
    while True:
        try:
            session = _open(file, choice, options)
            break
        except UnsupportedNetworkError as error:
            refused[choice.name] = str(error)
            choice = choose_backend(
                options.backend, options.precision, network=file, refused=refused
            )
    if refused:
        session = ExplainedSession(session, choice.reason)
    return observed(file, session)


def _open(file: Path, choice: Choice, options: SessionOptions) -> InferenceSession:
    """Load a network, or what stands in its place, with the back end that was chosen."""
    network = find_substitute(file) or _find_version(file, choice.precision)
    session: InferenceSession = load_backend(choice.name).open_session(
        network, replace(options, precision=choice.precision)
    )
    return session


def _find_version(file: Path, precision: str) -> Path:
    """Return a network's file in a precision; bf16 is made of single precision by running it."""
    if precision not in PRECISIONS or precision == 'fp32':
        return file
    from ros2_hand_action.models.precision import precision_file

    return precision_file(file, precision)

"""Running networks: one protocol, several back ends, one place that chooses among them."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions

BACKENDS = {
    'onnxruntime': 'ros2_hand_action.inference.onnxruntime_backend',
}
"""Back end -> the module that has its `open_session`; its name is also that of the library it
needs. 'auto' takes the first whose library is installed."""


def available_backends() -> tuple[str, ...]:
    """Return the back ends whose library is installed, in the order of BACKENDS."""
    return tuple(name for name in BACKENDS if find_spec(name) is not None)


def create_session(
    path: str | Path, options: SessionOptions | None = None
) -> InferenceSession:
    """Load a network.

    Parameters
    ----------
    path : str or Path
        An ONNX file.
    options : SessionOptions, optional

    Raises
    ------
    ConfigError
        If `options` names no back end, or one that is not installed.
    ModelError
        If the file is missing or damaged.
    """
    options = options or SessionOptions()
    module = import_module(BACKENDS[_choose_backend(options.backend)])
    file = Path(path)
    if not file.is_file():
        raise ModelError(f'there is no network {str(file)!r}: run `hand-action models fetch`')
    session: InferenceSession = module.open_session(file, options)
    return session


def _choose_backend(wanted: str) -> str:
    """Return the name of an installed back end."""
    installed = available_backends()
    if wanted == 'auto' and installed:
        return installed[0]
    if wanted in installed:
        return wanted
    if wanted == 'auto' or wanted in BACKENDS:
        raise ConfigError(f'inference back end {wanted!r}: none installed of {tuple(BACKENDS)}')
    raise ConfigError(
        f'inference back end {wanted!r} does not exist, choose auto or one of {tuple(BACKENDS)}'
    )

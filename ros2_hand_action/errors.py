"""The errors that a user of the package meets.

Every message names the offending value with ``!r`` and the next step to take. The core raises;
one function at the edge (the command line, a node's callback) reports.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' (did you mean NEAR?)' for a name that nobody knows, or '' where none is near."""
    near = get_close_matches(name, list(known), n=2)
    return f' (did you mean {" or ".join(near)}?)' if near else ''


class HandActionError(Exception):
    """Base of every error that this package raises on purpose."""


class ModelError(HandActionError):
    """A model is missing, damaged, unknown, or does not fit its contract."""


class UnsupportedNetworkError(ModelError):
    """A back end cannot run a network; another one may."""


class NotBuiltError(ModelError):
    """A network must be built for this device first, which takes minutes.

    Parameters
    ----------
    network : Path
        The ONNX file.
    precision : str
        One of `inference.session.PRECISIONS`.
    """

    def __init__(self, network: Path, precision: str) -> None:
        super().__init__(
            f'there is no TensorRT engine of {str(network)!r} ({precision}) yet; run: '
            f'hand-action models build --precision {precision}'
        )
        self.network, self.precision = network, precision


class TensorMismatchError(HandActionError):
    """An array does not have the shape or dtype that a network's input asks for."""


class ImageError(HandActionError):
    """An image cannot be used: size, step, encoding or data."""


class DatasetError(HandActionError):
    """A folder, CSV or picture given for training or evaluation cannot be used."""


class ConfigError(HandActionError):
    """A parameter or configuration file holds a value that cannot be used."""


class ParameterFileError(ConfigError):
    """A parameter file of the nodes is none, or sets what they do not have or cannot take."""


class MediaError(HandActionError):
    """A video, folder of pictures or camera cannot be opened or read."""


class ExpectationError(HandActionError):
    """What a replay is expected to give is not written as `docs/replay_testing.md` says."""

"""The protocol that every inference back end fulfils."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from ros2_hand_action.errors import ConfigError, TensorMismatchError

PRECISIONS = ('fp32', 'fp16', 'int8')


class TensorSpec(NamedTuple):
    """Name, shape and dtype of a network's input or output; None is a free dimension."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype

    def __str__(self) -> str:
        return f'{self.name}: {self.dtype} {format_shape(self.shape)}'


@dataclass(frozen=True)
class SessionOptions:
    """How a network is run.

    Attributes
    ----------
    backend : str
        'auto' or the name of one of `inference.BACKENDS`.
    threads : int
        Threads inside one operator on a processor, at least 1.
    precision : str
        One of PRECISIONS: that of the network's file.
    build : bool
        Whether what is missing for this device is built, which may take minutes; otherwise opening
        raises NotBuiltError.

    Raises
    ------
    ConfigError
        If `threads` or `precision` is out of range.
    """

    backend: str = 'auto'
    threads: int = 1
    precision: str = 'fp32'
    build: bool = True

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f'threads is {self.threads!r}, choose 1 or more')
        if self.precision not in PRECISIONS:
            raise ConfigError(f'precision is {self.precision!r}, choose one of {PRECISIONS}')


class InferenceSession(Protocol):
    """A loaded network.

    Not safe for calls from two threads at once. After `close` every call but `close` raises
    ModelError.
    """

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs in the network's order."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs in the network's order."""

    @property
    def description(self) -> str:
        """Back end and device that were chosen, such as 'onnxruntime CPUExecutionProvider'."""

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the network once; raises TensorMismatchError where `feeds` does not fit."""

    def warm_up(self) -> None:
        """Run once on zeros, so that the first real call is as fast as the rest."""

    def close(self) -> None:
        """Free the network; may be called again."""


def format_shape(shape: tuple[int | None, ...]) -> str:
    """Return a shape as '(1, 3, ?, 224)'."""
    return '(' + ', '.join('?' if size is None else str(size) for size in shape) + ')'


def check_feeds(specs: tuple[TensorSpec, ...], feeds: Mapping[str, np.ndarray]) -> None:
    """Raise TensorMismatchError, printing both sides, unless `feeds` fits `specs`."""
    if len(feeds) != len(specs) or any(spec.name not in feeds for spec in specs):
        wanted = sorted(spec.name for spec in specs)
        raise TensorMismatchError(f'network wants inputs {wanted}, got {sorted(feeds)}')
    for spec in specs:
        array = feeds[spec.name]
        if array.dtype != spec.dtype or not _fits(array.shape, spec.shape):
            raise TensorMismatchError(
                f'input {spec.name!r} wants {spec.dtype} {format_shape(spec.shape)}, '
                f'got {array.dtype} {format_shape(array.shape)}'
            )


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        want is None or want == got for want, got in zip(wanted, shape)
    )

"""The protocol that every inference back end fulfils."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from ros2_hand_action.errors import ConfigError, TensorMismatchError

PRECISIONS = ('fp32', 'fp16', 'int8')
"""Precisions of a network's file."""

PRECISION_CHOICES = ('auto', 'fp32', 'bf16', 'fp16', 'int8')
"""What can be asked for: bf16 is computed from a file in fp32 by back ends that know it."""


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
        One of PRECISION_CHOICES; 'auto' is what the chosen back end is best at.
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
    precision: str = 'auto'
    build: bool = True

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f'threads is {self.threads!r}, choose 1 or more')
        if self.precision not in PRECISION_CHOICES:
            raise ConfigError(
                f'precision is {self.precision!r}, choose one of {PRECISION_CHOICES}'
            )


EXACT = SessionOptions(precision='fp32')
"""For what must be the same on every machine, such as what networks learn from."""


class InferenceSession(Protocol):
    """A loaded network.

    A free first dimension of all inputs and outputs counts rows, which must not depend on each
    other: back ends run them in parts. Not safe for calls from two threads at once. After `close`
    every call but `close` raises ModelError.
    """

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs in the network's order."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs in the network's order."""

    @property
    def description(self) -> str:
        """Back end, device and precision, such as 'onnxruntime CPUExecutionProvider fp32'."""

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the network once; raises TensorMismatchError where `feeds` does not fit."""

    def warm_up(self) -> None:
        """Run once on zeros, so that the first real call is as fast as the rest."""

    def close(self) -> None:
        """Free the network; may be called again."""


def resolve_file_precision(precision: str, network: Path | None) -> str:
    """Return the precision that a back end runs in which takes it from the file; '' for bf16."""
    if precision == 'auto':
        return 'fp32'
    return precision if precision in PRECISIONS else ''


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

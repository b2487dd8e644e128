"""Arrays out of a Python pickle, without running anything that it asks for.

A pickle is a program. This reader lets it build dicts, tuples, numbers, texts and bytes, and
gives it stand-ins of its own for the three names with which NumPy writes an array; a pickle that
asks for any other name is refused.
"""

import io
import math
import pickle
from typing import Any

import numpy as np

from ros2_hand_action.errors import ModelError

Tree = dict[str, Any]
"""Arrays by name, in dicts of dicts."""

_DTYPES = {'f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1'}
_BYTE_ORDERS = {'<', '>', '|', '='}
_MAX_DEPTH = 32


class _DtypeStandIn:
    """What a pickled dtype says of itself."""

    def __init__(self, kind: str, *_flags: object) -> None:
        self.kind = kind
        self.byte_order = '|'

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byte_order = state[1]

    def make(self) -> np.dtype:
        if self.kind not in _DTYPES or self.byte_order not in _BYTE_ORDERS:
            raise ValueError(f'dtype {self.byte_order!r}{self.kind!r} is not one of numbers')
        return np.dtype(self.byte_order + self.kind)


class _ArrayStandIn:
    """What a pickled array says of itself; it becomes an array once all is read."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def make(self) -> np.ndarray:
        _, shape, dtype, is_fortran, data = self.state
        kind = dtype.make()
        if not isinstance(data, bytes) or len(data) != math.prod(shape) * kind.itemsize:
            raise ValueError(f'an array {shape!r} of {kind} comes with other bytes')
        return np.frombuffer(data, kind).reshape(shape, order='F' if is_fortran else 'C')


def _reconstruct(*_: object) -> _ArrayStandIn:
    return _ArrayStandIn()


_ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy.core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy._core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy', 'ndarray'): _ArrayStandIn,
    ('numpy', 'dtype'): _DtypeStandIn,
}


class _Reader(pickle.Unpickler):
    """Knows no name but those of arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f'it asks for {module}.{name}')
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f'it asks for the external object {pid!r}')


def read_pickled_arrays(data: bytes, *, source: str) -> Tree:
    """Return the arrays of a pickle that holds nothing but dicts of arrays.

    Parameters
    ----------
    data : bytes
        The pickle.
    source : str
        Its name, for messages.

    Returns
    -------
    dict
        Its arrays, read-only views of its bytes, in the same dicts.

    Raises
    ------
    ModelError
        If it holds, or asks for, anything else.
    """
    try:
        return _make_tree(_Reader(io.BytesIO(data)).load())
    except Exception as error:  # a damaged pickle raises almost anything
        raise ModelError(
            f'{source!r} is no pickle of plain arrays ({error}): it is not read; fetch it again'
        ) from error


def _make_tree(value: Any, depth: int = 0) -> Tree:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        raise ValueError(f'it holds {type(value).__name__!r} at depth {depth}')
    return {
        str(key): entry.make() if isinstance(entry, _ArrayStandIn) else
        _make_tree(entry, depth + 1)
        for key, entry in value.items()
    }

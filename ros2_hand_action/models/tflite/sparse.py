"""Sparse constants of TensorFlow Lite models, expanded."""

from typing import Any

import numpy as np
import tflite

_ARRAYS = {
    tflite.SparseIndexVector.Int32Vector: (tflite.Int32Vector, np.int32),
    tflite.SparseIndexVector.Uint16Vector: (tflite.Uint16Vector, np.uint16),
    tflite.SparseIndexVector.Uint8Vector: (tflite.Uint8Vector, np.uint8),
}


def expand_sparse(values: np.ndarray, shape: tuple[int, ...], sparsity: Any) -> np.ndarray:
    """Return the dense array of a sparse constant.

    Every level of the TACO format (the comment at `SparsityParameters` in TensorFlow Lite's
    schema.fbs) is expanded for all its parents at once: a dense level gives each parent all
    its indices, a compressed one those between two entries of its segments.

    Parameters
    ----------
    values : np.ndarray
        The stored values, any dtype, in the order of the last level.
    shape : tuple of int
        Shape of the dense array.
    sparsity : tflite.SparsityParameters
    """
    order = sparsity.TraversalOrderAsNumpy()
    blocked = sparsity.BlockMapAsNumpy() if sparsity.BlockMapLength() else np.empty(0, np.int32)
    positions = np.zeros(1, np.int64)
    levels: dict[int, np.ndarray] = {}
    sizes: dict[int, int] = {}
    for level, axis in enumerate(int(axis) for axis in order):
        parents, positions, indices, size = _expand_level(sparsity.DimMetadata(level), positions)
        levels = {known: values_[parents] for known, values_ in levels.items()}
        levels[axis], sizes[axis] = indices, size
    for block, axis in enumerate(int(axis) for axis in blocked):
        inner = len(shape) + block
        levels[axis] = levels[axis] * sizes[inner] + levels[inner]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(levels[axis] for axis in range(len(shape)))] = values[positions]
    return dense


def _expand_level(
    level: Any, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return each child's parent, position in the next level, index, and the level's size."""
    if level.Format() == tflite.DimensionType.DENSE:
        size = level.DenseSize()
        parents = np.repeat(np.arange(len(positions)), size)
        indices = np.tile(np.arange(size), len(positions))
        return parents, positions[parents] * size + indices, indices, size
    segments = _read_array(level.ArraySegmentsType(), level.ArraySegments())
    stored = _read_array(level.ArrayIndicesType(), level.ArrayIndices())
    counts = segments[positions + 1] - segments[positions]
    parents = np.repeat(np.arange(len(positions)), counts)
    firsts = np.cumsum(counts) - counts
    children = segments[positions][parents] + np.arange(counts.sum()) - firsts[parents]
    size = int(stored.max()) + 1 if len(stored) else 1
    return parents, children, stored[children], size


def _read_array(kind: int, table: Any) -> np.ndarray:
    vector_type, dtype = _ARRAYS[kind]
    vector = vector_type()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), dtype).astype(np.int64)

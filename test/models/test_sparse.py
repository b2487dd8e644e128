"""Sparse constants, expanded."""

import numpy as np
import pytest
import tflite
from onnx import numpy_helper

from ros2_hand_action.models.tflite.sparse import expand_sparse
from ros2_hand_action.models.tflite_to_onnx import convert_tflite

DENSE, CSR = tflite.DimensionType.DENSE, tflite.DimensionType.SPARSE_CSR
VECTORS = {
    np.uint8: (tflite.SparseIndexVector.Uint8Vector, 'Uint8Vector'),
    np.uint16: (tflite.SparseIndexVector.Uint16Vector, 'Uint16Vector'),
    np.int32: (tflite.SparseIndexVector.Int32Vector, 'Int32Vector'),
}


def write_sparsity(order, levels, *, blocks=(), dtype=np.uint8):
    """Return a writer of SparsityParameters; a level is a size, or (segments, indices)."""
    kind, vector_class = VECTORS[dtype]

    def vector(builder, values):
        values = builder.CreateNumpyVector(np.array(values, dtype))
        getattr(tflite, f'{vector_class}Start')(builder)
        getattr(tflite, f'{vector_class}AddValues')(builder, values)
        return getattr(tflite, f'{vector_class}End')(builder)

    def level(builder, entry):
        if isinstance(entry, int):
            tflite.DimensionMetadataStart(builder)
            tflite.DimensionMetadataAddFormat(builder, DENSE)
            tflite.DimensionMetadataAddDenseSize(builder, entry)
            return tflite.DimensionMetadataEnd(builder)
        segments, indices = (vector(builder, values) for values in entry)
        tflite.DimensionMetadataStart(builder)
        tflite.DimensionMetadataAddFormat(builder, CSR)
        tflite.DimensionMetadataAddArraySegmentsType(builder, kind)
        tflite.DimensionMetadataAddArraySegments(builder, segments)
        tflite.DimensionMetadataAddArrayIndicesType(builder, kind)
        tflite.DimensionMetadataAddArrayIndices(builder, indices)
        return tflite.DimensionMetadataEnd(builder)

    def write(builder):
        entries = [level(builder, entry) for entry in levels]
        builder.StartVector(4, len(entries), 4)
        for entry in reversed(entries):
            builder.PrependUOffsetTRelative(entry)
        entries_vector = builder.EndVector()
        order_vector = builder.CreateNumpyVector(np.array(order, np.int32))
        block_vector = builder.CreateNumpyVector(np.array(blocks, np.int32)) if blocks else None
        tflite.SparsityParametersStart(builder)
        tflite.SparsityParametersAddTraversalOrder(builder, order_vector)
        if block_vector is not None:
            tflite.SparsityParametersAddBlockMap(builder, block_vector)
        tflite.SparsityParametersAddDimMetadata(builder, entries_vector)
        return tflite.SparsityParametersEnd(builder)

    return write


def read_back(tiny, values, shape, sparsity):
    index = tiny.constant(np.asarray(values, np.float32), shape=shape, sparsity=sparsity)
    model = tflite.Model.GetRootAs(tiny.data(index), 0)
    tensor = model.Subgraphs(0).Tensors(index)
    return expand_sparse(np.asarray(values, np.float32), shape, tensor.Sparsity())


@pytest.mark.parametrize('dtype', list(VECTORS))
def test_rows_with_a_compressed_last_axis(tiny, dtype):
    # rows: (., 1, ., 2), (., ., ., .), (3, ., ., .)
    sparsity = write_sparsity([0, 1], [3, ([0, 2, 2, 3], [1, 3, 0])], dtype=dtype)
    expected = [[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]]
    np.testing.assert_array_equal(read_back(tiny, [1, 2, 3], (3, 4), sparsity), expected)


def test_columns_first(tiny):
    sparsity = write_sparsity([1, 0], [2, ([0, 1, 3], [2, 0, 1])])
    expected = [[0, 2], [0, 3], [1, 0]]
    np.testing.assert_array_equal(read_back(tiny, [1, 2, 3], (3, 2), sparsity), expected)


def test_blocks_of_two_by_two(tiny):
    # a 4 x 4 array, the blocks at (0, 1) and (1, 0) stored: TensorFlow Lite's own example
    sparsity = write_sparsity(
        [0, 1, 2, 3], [2, ([0, 1, 2], [1, 0]), 2, 2], blocks=(0, 1)
    )
    expected = [[0, 0, 1, 2], [0, 0, 3, 4], [5, 6, 0, 0], [7, 8, 0, 0]]
    np.testing.assert_array_equal(
        read_back(tiny, [1, 2, 3, 4, 5, 6, 7, 8], (4, 4), sparsity), expected
    )


def test_densified_weights_become_a_constant(tiny):
    image = tiny.input(1, 4, 4, 4)
    sparsity = write_sparsity([0, 1, 2, 3], [3, 1, 1, ([0, 2, 2, 3], [1, 3, 0])])
    stored = tiny.constant(
        np.array([1, 2, 3], np.float32), shape=(3, 1, 1, 4), sparsity=sparsity
    )
    weights = tiny.add('DENSIFY', [stored], (3, 1, 1, 4), options='DensifyOptions')
    bias = tiny.constant(np.zeros(3, np.float32))
    result = tiny.add(
        'CONV_2D', [image, weights, bias], (1, 4, 4, 3), options='Conv2DOptions', Padding=0,
        StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1,
    )
    model = convert_tflite(
        tiny.data(result), source='tiny', inputs={'i': f't{image}'}, outputs={'o': f't{result}'}
    )
    weights_nchw = onnx_constant(model, model.graph.node[0].input[1])
    expected = [[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]]
    np.testing.assert_array_equal(weights_nchw[:, :, 0, 0], expected)


def onnx_constant(model, name):
    return next(
        numpy_helper.to_array(entry) for entry in model.graph.initializer if entry.name == name
    )

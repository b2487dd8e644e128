"""Weights in half the space."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.inference import create_session
from ros2_hand_action.models.packing import pack_weights, unpack_weights
from ros2_hand_action.models.precision import half
from ros2_hand_action.models.quantised_graph import find_layers

RANDOM = np.random.default_rng(0)
HALVES = RANDOM.normal(size=(40, 50)).astype(np.float16).astype(np.float32)
ARRAYS = {
    'halves': HALVES,
    'exact': RANDOM.normal(size=(50, 60)).astype(np.float32),
    'large': np.full((60, 20), 1e6, np.float32),
    'small': np.zeros((20, 2), np.float32),
}


@pytest.fixture
def network():
    """Return products with each array."""
    values = ['rows', *(f'by_{name}' for name in ARRAYS)]
    nodes = [
        helper.make_node('MatMul', [before, name], [after])
        for before, name, after in zip(values, ARRAYS, values[1:])
    ]
    graph = helper.make_graph(
        nodes, 'products',
        [helper.make_tensor_value_info('rows', TensorProto.FLOAT, ['N', 40])],
        [helper.make_tensor_value_info('by_exact', TensorProto.FLOAT, ['N', 60])],
        [numpy_helper.from_array(array, name) for name, array in ARRAYS.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def run(model, path):
    onnx.save(model, path)
    session = create_session(path)
    rows = np.random.default_rng(1).normal(size=(3, 40)).astype(np.float32)
    found = session.run({'rows': rows})['by_exact']
    session.close()
    return found


def test_only_what_half_precision_holds_is_packed_and_nothing_changes(network, tmp_path):
    expected = run(network, tmp_path / 'single.onnx')
    packed = pack_weights(network)
    types = {array.name: array.data_type for array in packed.graph.initializer}
    assert [name for name, kind in types.items() if kind == TensorProto.FLOAT16] == [
        'halves_packed'
    ]
    assert set(types) == {'halves_packed', 'exact', 'large', 'small'}
    np.testing.assert_array_equal(run(packed, tmp_path / 'packed.onnx'), expected)


def test_unpacking_brings_the_network_back(network):
    before = network.SerializeToString()
    assert unpack_weights(network).SerializeToString() == before
    assert unpack_weights(pack_weights(network)).SerializeToString() == before


def test_converters_see_packed_weights(network, tmp_path):
    path = tmp_path / 'packed.onnx'
    onnx.save(pack_weights(network), path)
    halves = half(path)
    types = {array.name: array.data_type for array in halves.graph.initializer}
    assert types['halves'] == TensorProto.FLOAT16
    layers = find_layers(unpack_weights(onnx.load(path)))
    assert [layer.weights for layer in layers] == list(ARRAYS)

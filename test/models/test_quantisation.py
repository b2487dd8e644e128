import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.precision import precision_file
from ros2_hand_action.models.quantisation import LEAST_SAMPLES, compare, quantise


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Return a file whose network multiplies rows of 8 by a matrix and cuts below 0."""
    monkeypatch.setenv('HAND_ACTION_CACHE', str(tmp_path / 'cache'))
    weights = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node('MatMul', ['x', 'w'], ['product'], name='product'),
            helper.make_node('Relu', ['product'], ['y'], name='relu'),
        ],
        'tiny', [helper.make_tensor_value_info('x', TensorProto.FLOAT, ['N', 8])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, ['N', 4])],
        [numpy_helper.from_array(weights, 'w')],
    )
    opset = helper.make_opsetid('', 17)
    path = tmp_path / 'tiny.onnx'
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def samples(count=40, scale=1.0):
    rng = np.random.default_rng(1)
    return [{'x': scale * rng.uniform(-1, 1, (1, 8)).astype(np.float32)} for _ in range(count)]


def test_quantised_network_is_near_and_found_from_then_on(network):
    shares = []
    made = quantise(network, samples(), shares.append)
    target, [difference] = made.path, made.differences
    assert sum(shares) == pytest.approx(1)
    assert (made.layers, made.of) == (1, 1)
    assert precision_file(network, 'int8') == target
    assert difference.name == 'y'
    assert 0 < difference.p95 < 0.05 * difference.spread
    kinds = {node.op_type for node in onnx.load(target).graph.node}
    assert {'QuantizeLinear', 'DequantizeLinear'} <= kinds


def test_ranges_come_from_the_samples(network):
    """Inputs ten times as large as those calibrated on are cut off."""
    made = quantise(network, samples())
    target, [fitting] = made.path, made.differences
    [clipped] = compare(network, target, samples(scale=10.0))
    assert clipped.p95 / clipped.spread > 5 * fitting.p95 / fitting.spread


def test_too_few_samples_are_refused(network):
    with pytest.raises(ModelError, match=rf"only 19 inputs of 'tiny'.*{LEAST_SAMPLES} are needed"):
        quantise(network, samples(LEAST_SAMPLES - 1))


def test_file_that_is_no_network_is_named(network):
    network.write_bytes(b'no network')
    with pytest.raises(ModelError, match=r"tiny.onnx' cannot be quantised.*use fp16"):
        quantise(network, samples())

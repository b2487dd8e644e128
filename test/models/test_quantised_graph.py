"""Networks in 8 bits: which layers, and that nothing else changes."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.layer_choice import (
    LARGEST_ERROR,
    best_cut,
    choose_layers,
    equalise,
    measure_ranges,
)
from ros2_hand_action.models.quantised_graph import (
    find_layers,
    find_scalable,
    name_nodes,
    quantise_layers,
)

RNG = np.random.default_rng(5)
CHANNELS = 6


def make_network(nodes, weights, shape=('N', 3, 8, 8), opset=17, outputs=('y',)):
    graph = helper.make_graph(
        nodes, 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(w, np.float32), n) for n, w in weights.items()],
    )
    network = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', opset)], ir_version=8
    )
    name_nodes(network)
    return network


@pytest.fixture
def separable():
    """Return a convolution, one of each channel by itself with uneven channels, and a third."""
    uneven = 10.0 ** np.linspace(-2, 2, CHANNELS)
    weights = {
        'w0': RNG.normal(size=(CHANNELS, 3, 3, 3)), 'b': np.full(CHANNELS, 0.1),
        'w1': RNG.normal(size=(CHANNELS, 1, 3, 3)) * uneven[:, None, None, None],
        'w2': RNG.normal(size=(4, CHANNELS, 1, 1)) / uneven[None, :, None, None],
    }
    return make_network([
        helper.make_node('Conv', ['x', 'w0', 'b'], ['a']),
        helper.make_node('Conv', ['a', 'w1', 'b'], ['c'], group=CHANNELS),
        helper.make_node('Relu', ['c'], ['d']),
        helper.make_node('Conv', ['d', 'w2'], ['y']),
    ], weights)


def samples(count=24):
    return [{'x': RNG.normal(size=(1, 3, 8, 8)).astype(np.float32)} for _ in range(count)]


def run(network, feeds):
    session = onnxruntime.InferenceSession(
        network.SerializeToString(), providers=['CPUExecutionProvider']
    )
    return session.run(None, feeds)[0]


def error(network, other, given):
    wanted = np.stack([run(network, each) for each in given])
    found = np.stack([run(other, each) for each in given])
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def quantise(network, given):
    layers = find_layers(network)
    return quantise_layers(network, layers, measure_ranges(network, layers, given))


def test_convolutions_of_each_channel_by_itself_stay_as_they_are(separable):
    assert [layer.weights for layer in find_layers(separable)] == ['w0', 'w2']


def test_layers_are_found_with_the_axis_of_their_outputs():
    network = make_network(
        [
            helper.make_node('MatMul', ['x', 'm'], ['a']),
            helper.make_node('Gemm', ['a', 'g', 'b'], ['c'], transB=1),
            helper.make_node('Gemm', ['c', 'h'], ['d']),
            helper.make_node('MatMul', ['d', 'd'], ['y']),  # no weights
        ],
        {'m': np.ones((4, 5)), 'g': np.ones((6, 5)), 'b': np.ones(6), 'h': np.ones((6, 2))},
        shape=('N', 4),
    )
    found = [(layer.weights, layer.axis) for layer in find_layers(network)]
    assert found == [('m', 1), ('g', 0), ('h', 1)]


def test_scaled_channels_are_the_same_function(separable):
    given = samples()
    layers = find_layers(separable)
    assert list(find_scalable(separable, layers)) == ['d']
    scaled = equalise(separable, layers, given)
    assert error(separable, scaled, given) < 1e-5
    assert not np.allclose(
        numpy_helper.to_array(scaled.graph.initializer[3]),
        numpy_helper.to_array(separable.graph.initializer[3]),
    )


def test_scaled_channels_lose_less_in_8_bits(separable):
    given = samples()
    scaled = equalise(separable, find_layers(separable), given)
    as_it_is = error(separable, quantise(separable, given), given)
    assert error(separable, quantise(scaled, given), given) < as_it_is / 5


def test_what_several_layers_read_is_not_scaled():
    network = make_network([
        helper.make_node('Conv', ['x', 'w0'], ['a']),
        helper.make_node('Conv', ['a', 'w1'], ['b']),
        helper.make_node('Conv', ['a', 'w2'], ['c']),
        helper.make_node('Add', ['b', 'c'], ['y']),
    ], {name: RNG.normal(size=(3, 3, 1, 1)) for name in ('w0', 'w1', 'w2')})
    layers = find_layers(network)
    assert not find_scalable(network, layers)
    given = samples()
    assert error(network, equalise(network, layers, given), given) == 0
    changed = quantise(network, given)
    kinds = [node.op_type for node in changed.graph.node]
    assert kinds.count('QuantizeLinear') == 2  # x and a, which is rounded once for both
    assert kinds.count('DequantizeLinear') == 5
    assert error(network, changed, given) < 0.03


def test_layer_that_bears_no_8_bits_is_left_out():
    """One channel is a thousand times the others, and the next layer looks at those."""
    weights = {
        'w0': RNG.normal(size=(CHANNELS, 3, 1, 1)), 'w1': RNG.normal(size=(4, CHANNELS, 1, 1)),
    }
    weights['w0'][0] *= 1000
    weights['w1'][:, 0] = 0
    network = make_network([
        helper.make_node('Conv', ['x', 'w0'], ['a']),
        helper.make_node('Sigmoid', ['a'], ['unused']),  # so that its channels are not scaled
        helper.make_node('Conv', ['a', 'w1'], ['y']),
    ], weights, outputs=('y', 'unused'))
    given, shares = samples(), []
    layers = find_layers(network)
    ranges = measure_ranges(network, layers, given)
    chosen = choose_layers(network, layers, ranges, given, shares.append)
    assert [layer.weights for layer in chosen] == ['w0']
    assert sum(shares) == pytest.approx(1)
    assert error(network, quantise_layers(network, chosen, ranges), given) < LARGEST_ERROR


def test_cut_gives_up_rare_large_values_for_the_many():
    sizes = np.concatenate([np.abs(RNG.normal(size=100_000)), [100.0]])
    assert 30 < best_cut(sizes, 100.0) < 80
    assert best_cut(np.linspace(0, 1, 1000), 1.0) == pytest.approx(1, abs=0.02)
    assert best_cut(np.zeros(5), 0.0) > 0


def test_weights_that_old_exports_list_as_inputs_are_constants():
    network = make_network(
        [helper.make_node('Conv', ['x', 'w'], ['y'])], {'w': RNG.normal(size=(4, 3, 1, 1))}
    )
    network.graph.input.append(
        helper.make_tensor_value_info('w', TensorProto.FLOAT, (4, 3, 1, 1))
    )
    given = samples()
    changed = quantise(network, given)
    assert [value.name for value in changed.graph.input] == ['x']
    assert error(network, changed, given) < 0.03


def test_old_network_is_named():
    with pytest.raises(ModelError, match='opset 11, 8 bits need 13: export it again'):
        make_network([helper.make_node('Relu', ['x'], ['y'])], {}, opset=11)

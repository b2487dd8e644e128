"""Which layers of a network can be in 8 bits, and how the graph says that they are.

QuantizeLinear and DequantizeLinear nodes before a layer make every runtime that knows them
compute it in 8 bits, and others round as if. All scales are symmetric, as TensorRT wants them:
one for an activation, one for each output channel of the weights.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import ModelError

LEVELS = 127
"""-128 is not used, so that 8 bits are symmetric."""
_OLDEST_OPSET = 13
"""The first whose DequantizeLinear takes a scale for each channel."""
_LEAST_SCALE = 1e-12
_LARGEST_RATIO = 1e3


class Layer(NamedTuple):
    """A layer that multiplies an activation by constant weights.

    Attributes
    ----------
    node : str
    activation, weights : str
        Names of its tensors.
    axis : int
        That of the weights' output channels.
    """

    node: str
    activation: str
    weights: str
    axis: int


def name_nodes(network: Any) -> None:
    """Give each node a name of its own; raises ModelError if the network is too old for 8 bits."""
    [opset] = [entry.version for entry in network.opset_import if entry.domain in ('', 'ai.onnx')]
    if opset < _OLDEST_OPSET:
        raise ModelError(
            f'the network has opset {opset}, 8 bits need {_OLDEST_OPSET}: export it again'
        )
    for place, node in enumerate(network.graph.node):
        node.name = f'{place}_{node.op_type}'


def find_layers(network: Any) -> list[Layer]:
    """Return the dense layers of a network with named nodes.

    Convolutions of each channel by itself are left out: they are a small part of the work and
    lose most, as all channels share the scale of their activation.
    """
    arrays = _arrays(network)
    layers = []
    for node in network.graph.node:
        if node.op_type not in ('Conv', 'Gemm', 'MatMul') or node.input[1] not in arrays:
            continue
        settings = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if settings.get('group', 1) == 1 and not settings.get('transA'):
            is_first = node.op_type == 'Conv' or bool(settings.get('transB'))
            axis = 0 if is_first else len(arrays[node.input[1]].dims) - 1
            layers.append(Layer(node.name, node.input[0], node.input[1], axis))
    return layers


def with_outputs(network: Any, names: Iterable[str]) -> Any:
    """Return a copy that also gives out inner activations."""
    probe = _copy(network)
    known = {value.name for value in (*probe.graph.output, *probe.graph.input)}
    probe.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in dict.fromkeys(names) if name not in known
    )
    return probe


def find_scalable(network: Any, layers: Sequence[Layer]) -> dict[str, str]:
    """Return activations whose channels can be scaled for free, and the convolutions they are of.

    Nothing but a Relu lies between that convolution and the only layer that reads the activation.
    """
    arrays = _arrays(network)
    uses = Counter(name for node in network.graph.node for name in node.input)
    uses.update(value.name for value in network.graph.output)
    makers = {name: node for node in network.graph.node for name in node.output}
    nodes = {node.name: node for node in network.graph.node}
    found = {}
    for layer in layers:
        inner = layer.activation
        maker = makers.get(inner)
        if maker is not None and maker.op_type == 'Relu' and uses[inner] == 1:
            inner = maker.input[0]
            maker = makers.get(inner)
        if (
            maker is not None and maker.op_type == nodes[layer.node].op_type == 'Conv'
            and uses[layer.activation] == uses[inner] == 1
            and maker.input[1] in arrays and uses[maker.input[1]] == uses[layer.weights] == 1
        ):
            found[layer.activation] = maker.name
    return found


def equalise_channels(
    network: Any, layers: Sequence[Layer], peaks: Mapping[str, np.ndarray]
) -> Any:
    """Return the same function with the channels of some activations scaled.

    A channel is divided, and the weights that read it are multiplied, by the root of peak over
    largest weight, so that both share the loss of 8 bits (SmoothQuant,
    https://arxiv.org/abs/2211.10438, with alpha 0.5; the division goes into the convolution
    before it as in https://arxiv.org/abs/1906.04721).

    Parameters
    ----------
    peaks : mapping
        Activation of `find_scalable` -> largest absolute value of each channel.
    """
    scaled = _copy(network)
    arrays, makers = _arrays(scaled), find_scalable(network, layers)
    nodes = {node.name: node for node in scaled.graph.node}
    for layer in layers:
        if layer.activation not in peaks:
            continue
        weights = numpy_helper.to_array(arrays[layer.weights])
        largest = np.abs(weights).max(axis=(0, *range(2, weights.ndim)))
        ratio = np.sqrt(np.maximum(peaks[layer.activation], 1e-6) / np.maximum(largest, 1e-6))
        ratio /= np.exp(np.log(ratio).mean())
        ratio = np.clip(ratio, 1 / _LARGEST_RATIO, _LARGEST_RATIO).astype(np.float32)
        _replace(arrays[layer.weights], weights * ratio.reshape(1, -1, *[1] * (weights.ndim - 2)))
        _divide_outputs(scaled, nodes[makers[layer.activation]], arrays, ratio)
    return scaled


def quantise_layers(network: Any, layers: Sequence[Layer], ranges: Mapping[str, float]) -> Any:
    """Return a copy with these layers in 8 bits.

    Parameters
    ----------
    ranges : mapping
        Activation -> the absolute value at which it is cut.
    """
    changed = _copy(network)
    arrays = _arrays(changed)
    chosen = {layer.node: layer for layer in layers}
    before: dict[str, list[Any]] = {}
    for layer in chosen.values():
        if layer.activation not in before:
            before[layer.activation] = _round_activation(
                changed, layer.activation, ranges[layer.activation]
            )
        if layer.weights not in before:
            before[layer.weights] = _round_weights(changed, arrays[layer.weights], layer.axis)
    nodes = []
    for node in changed.graph.node:
        if node.name in chosen:
            for place in (0, 1):
                nodes += before[node.input[place]]
                before[node.input[place]] = []
                node.input[place] += '_rounded'
        nodes.append(node)
    del changed.graph.node[:]
    changed.graph.node.extend(nodes)
    _drop_unused(changed)
    return changed


def _divide_outputs(network: Any, node: Any, arrays: dict[str, Any], ratio: np.ndarray) -> None:
    """Divide the output channels of a convolution."""
    weights = numpy_helper.to_array(arrays[node.input[1]])
    _replace(arrays[node.input[1]], weights / ratio.reshape(-1, *[1] * (weights.ndim - 1)))
    if len(node.input) > 2 and node.input[2]:  # others may share the bias
        bias = numpy_helper.to_array(arrays[node.input[2]]) / ratio
        node.input[2] = f'{node.name}_bias'
        network.graph.initializer.append(numpy_helper.from_array(bias, node.input[2]))


def _round_activation(network: Any, name: str, limit: float) -> list[Any]:
    scale = np.array(max(limit / LEVELS, _LEAST_SCALE), np.float32)
    scales = _add_scales(network, name, scale)
    return [
        helper.make_node('QuantizeLinear', [name, *scales], [f'{name}_8_bits']),
        helper.make_node('DequantizeLinear', [f'{name}_8_bits', *scales], [f'{name}_rounded']),
    ]


def _round_weights(network: Any, tensor: Any, axis: int) -> list[Any]:
    weights = numpy_helper.to_array(tensor)
    others = tuple(each for each in range(weights.ndim) if each != axis)
    scale = np.maximum(np.abs(weights).max(axis=others) / LEVELS, _LEAST_SCALE)
    along = scale.reshape([-1 if each == axis else 1 for each in range(weights.ndim)])
    rounded = np.rint(weights / along).astype(np.int8)
    name = tensor.name
    network.graph.initializer.append(numpy_helper.from_array(rounded, f'{name}_8_bits'))
    scales = _add_scales(network, name, scale.astype(np.float32))
    return [helper.make_node(
        'DequantizeLinear', [f'{name}_8_bits', *scales], [f'{name}_rounded'], axis=axis
    )]


def _add_scales(network: Any, name: str, scale: np.ndarray) -> list[str]:
    names = [f'{name}_scale', f'{name}_zero']
    network.graph.initializer.extend([
        numpy_helper.from_array(scale, names[0]),
        numpy_helper.from_array(np.zeros(scale.shape, np.int8), names[1]),
    ])
    return names


def _drop_unused(network: Any) -> None:
    """Drop constants that nothing reads, also where old exports list them as inputs."""
    used = {name for node in network.graph.node for name in node.input}
    used.update(value.name for value in network.graph.output)
    dropped = {tensor.name for tensor in network.graph.initializer} - used
    for values in (network.graph.initializer, network.graph.input):
        kept = [value for value in values if value.name not in dropped]
        del values[:]
        values.extend(kept)


def _replace(tensor: Any, array: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(array, np.float32), tensor.name))


def _arrays(network: Any) -> dict[str, Any]:
    return {tensor.name: tensor for tensor in network.graph.initializer}


def _copy(network: Any) -> Any:
    copy = onnx.ModelProto()
    copy.CopyFrom(network)
    return copy

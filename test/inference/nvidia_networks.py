"""Networks with the signatures of NVIDIA's that users bring, as the catalogue has them.

Convolutions, in three dimensions for clips, and fully connected layers with made-up weights:
what they say means nothing, but every input has a part in every output.
"""

from math import prod
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.models.catalogue import Model, Registry, load_models

SIGNATURES = {
    name: model for name, model in load_models().items()
    if model.package.registry is Registry.NGC
}
_CHANNELS = 8


def write_network(path: Path, model: Model, batch: int | str = 'N') -> Path:
    """Write a network with the inputs and outputs of a model of the catalogue."""
    random = np.random.default_rng(0)
    nodes, weights, seen = [], {}, []

    def add(kind: str, inputs: list[str], output: str, **settings: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **settings))
        return output

    def weight(name: str, *shape: int) -> str:
        scale = prod(shape[1:]) ** -0.5
        weights[name] = random.normal(0, scale, shape).astype(np.float32)
        return name

    for entry in model.inputs:
        value, sizes = entry.name, [int(size) for size in entry.shape[1:]]
        if len(sizes) >= 3:
            kernel = [3] * (len(sizes) - 1)
            filters = weight(f'{value}_w', _CHANNELS, sizes[0], *kernel)
            value = add('Conv', [value, filters], f'{value}_conv', kernel_shape=kernel,
                        strides=[4] * len(kernel))
            value = add('Relu', [value], f'{value}_relu')
            value = add('GlobalAveragePool', [value], f'{value}_mean')
            sizes = [_CHANNELS]
        value = add('Flatten', [value], f'{value}_flat')
        dense = weight(f'{value}_w', _CHANNELS, prod(sizes))
        seen.append(add('Gemm', [value, dense], f'{value}_dense', transB=1))
    joined = add('Concat', seen, 'joined', axis=1) if len(seen) > 1 else seen[0]
    for entry in model.outputs:
        sizes = [int(size) for size in entry.shape[1:]]
        dense = weight(f'{entry.name}_w', prod(sizes), _CHANNELS * len(seen))
        flat = add('Gemm', [joined, dense], f'{entry.name}_flat', transB=1)
        weights[f'{entry.name}_shape'] = np.array([-1, *sizes])
        add('Reshape', [flat, f'{entry.name}_shape'], entry.name)

    def describe(entries: tuple) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(
                entry.name, TensorProto.FLOAT, [batch, *entry.shape[1:]]
            ) for entry in entries
        ]

    graph = helper.make_graph(
        nodes, model.name, describe(model.inputs), describe(model.outputs),
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(network)
    onnx.save(network, str(path))
    return path


def make_feeds(model: Model, batch: int) -> dict[str, np.ndarray]:
    """Return noise for each input."""
    random = np.random.default_rng(batch)
    return {
        entry.name: random.normal(size=(batch, *entry.shape[1:])).astype(np.float32)
        for entry in model.inputs
    }

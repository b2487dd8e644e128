"""Stand-ins for networks on clips: ONNX files of the same signature that answer what they see."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 224


def write_stand_in(
    path: Path, shape: tuple[int, ...], *, name: str = 'input_rgb', output: str = 'fc_pred',
    weights: np.ndarray,
) -> Path:
    """Write a network whose logits are weighted means of its input's planes.

    Parameters
    ----------
    shape : tuple of int
        Of the input, without the batch and the two axes of a plane; 0 is free.
    weights : np.ndarray
        (planes, labels), planes in the order in which they lie in memory.
    """
    axes = [size or f'free_{axis}' for axis, size in enumerate(shape)]
    nodes = [
        helper.make_node('ReduceMean', [name], ['means'], axes=[-2, -1], keepdims=0),
        helper.make_node('Reshape', ['means', 'flat'], ['planes']),
        helper.make_node('MatMul', ['planes', 'weights'], [output]),
    ]
    graph = helper.make_graph(
        nodes, 'stand_in',
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ['N', *axes, SIDE, SIDE])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ['N', weights.shape[1]])],
        [
            numpy_helper.from_array(np.array([0, -1]), 'flat'),
            numpy_helper.from_array(weights.astype(np.float32), 'weights'),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def pick(planes: int, chosen: list[int], *, labels: int = 5, scale: float = 1.0) -> np.ndarray:
    """Return weights by which logit i is the mean of plane `chosen[i]`."""
    weights = np.zeros((planes, labels), np.float32)
    for label, plane in enumerate(chosen):
        weights[plane, label] = scale
    return weights

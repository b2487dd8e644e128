"""A backbone that sees the mean brightness and colour of crops."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

COUNT = 6


def write_backbone(path: Path, *, output='features') -> Path:
    """Write a network like the hand landmark network: `image`, 0 to 1, to two outputs.

    Features are the means of the colours and of what is above half of each.
    """
    kernel = np.concatenate([np.eye(3), np.eye(3)])[..., None, None]
    bias = np.array([0, 0, 0, -0.5, -0.5, -0.5])
    nodes = [
        helper.make_node('Conv', ['image', 'kernel', 'bias'], ['colours']),
        helper.make_node('Relu', ['colours'], ['bright']),
        helper.make_node('GlobalAveragePool', ['bright'], ['means']),
        helper.make_node('Flatten', ['means'], [output]),
        helper.make_node('ReduceMean', [output], ['presence'], axes=[1]),
    ]
    graph = helper.make_graph(
        nodes, 'backbone',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, ['N', 3, 224, 224])],
        [helper.make_tensor_value_info('presence', TensorProto.FLOAT, ['N', 1]),
         helper.make_tensor_value_info(output, TensorProto.FLOAT, ['N', COUNT])],
        [numpy_helper.from_array(kernel.astype(np.float32), 'kernel'),
         numpy_helper.from_array(bias.astype(np.float32), 'bias')],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
    onnx.save(model, path)
    return path

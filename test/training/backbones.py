"""A stand-in of the hand landmark network that sees the colours of crops."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

COUNT = 6
HAND_SEEN = np.random.default_rng(5).normal((112, 70, 0), (30, 20, 5), (21, 3)).astype(np.float32)
"""Landmarks that it sees, moved a little by the colours; the wrist is below."""
HAND_SEEN[0] = (112, 190, 0)


def write_backbone(path: Path, *, features='features') -> Path:
    """Write a network like the hand landmark network: `image`, 0 to 1, to its outputs.

    Features are the means of the colours and of what is above half of each. The presence is the
    share of the picture's upper half in its light: hands are where the light is up.
    """
    random = np.random.default_rng(6)
    kernel = np.concatenate([np.eye(3), np.eye(3)])[..., None, None]
    bias = np.array([0, 0, 0, -0.5, -0.5, -0.5])
    rows = np.zeros((1, 1, 224, 1))
    rows[:, :, :112] = 1
    arrays = {
        'kernel': kernel, 'bias': bias, 'rows': rows, 'hand': HAND_SEEN.reshape(1, 63),
        'metre': np.array(0.001), 'dark': np.array(1e-6),
        'moves': random.normal(0, 3, (COUNT, 63)),
    }
    nodes = [
        helper.make_node('Conv', ['image', 'kernel', 'bias'], ['colours']),
        helper.make_node('Relu', ['colours'], ['bright']),
        helper.make_node('GlobalAveragePool', ['bright'], ['means']),
        helper.make_node('Flatten', ['means'], [features]),
        helper.make_node('MatMul', [features, 'moves'], ['moved']),
        helper.make_node('Add', ['moved', 'hand'], ['landmarks']),
        helper.make_node('Mul', ['landmarks', 'metre'], ['world_landmarks']),
        helper.make_node('Mul', ['image', 'rows'], ['upper']),
        helper.make_node('ReduceMean', ['upper'], ['upper_light'], axes=[1, 2, 3], keepdims=0),
        helper.make_node('ReduceMean', ['image'], ['light'], axes=[1, 2, 3], keepdims=0),
        helper.make_node('Add', ['light', 'dark'], ['some_light']),
        helper.make_node('Div', ['upper_light', 'some_light'], ['share']),
        helper.make_node('Unsqueeze', ['share', 'one'], ['presence']),
    ]
    shapes = {'presence': 1, 'landmarks': 63, 'world_landmarks': 63, features: COUNT}
    graph = helper.make_graph(
        nodes, 'backbone',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, ['N', 3, 224, 224])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ['N', size])
         for name, size in shapes.items()],
        [
            numpy_helper.from_array(np.array([1]), 'one'),
            *(numpy_helper.from_array(array.astype(np.float32), name)
              for name, array in arrays.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.save(model, path)
    return path

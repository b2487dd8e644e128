"""Write classifiers as ONNX files that carry their labels."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.action_features import FEATURE_COUNT, POSE_CLIP
from ros2_hand_action.perception.gesture_features import GEOMETRY, GEOMETRY_SIZE
from ros2_hand_action.perception.gestures import LABELS_KEY, OUTPUT
from ros2_hand_action.perception.labels import ACTIONS
from ros2_hand_action.training.action_training import LARGEST, ActionHead
from ros2_hand_action.training.gesture_head import GestureHead
from ros2_hand_action.training.network import Layer

_OPSET = 13
_IR_VERSION = 8
"""Old enough for every ONNX Runtime and TensorRT that is supported."""


def build_head_model(head: GestureHead) -> onnx.ModelProto:
    """Return the classifier as an ONNX model: geometry features in, probabilities out."""
    return _build_model([], head.layers, GEOMETRY, GEOMETRY_SIZE, head.labels)


def build_action_model(head: ActionHead) -> onnx.ModelProto:
    """Return the recogniser as an ONNX model: features of clips in, probabilities out."""
    standardise = [
        ('Sub', {'mean': head.mean}), ('Mul', {'scale': head.scale}),
        ('Clip', {'least': np.array(-LARGEST), 'most': np.array(LARGEST)}),
    ]
    return _build_model(standardise, head.layers, POSE_CLIP, FEATURE_COUNT, ACTIONS)


def _build_model(
    before: Sequence[tuple[str, dict[str, np.ndarray]]], layers: Sequence[Layer],
    feature_name: str, feature_count: int, labels: Sequence[str],
) -> onnx.ModelProto:
    """Return a model: operators with their constants, fully connected layers, softmax."""
    steps = list(before)
    for place, layer in enumerate(layers):
        steps.append(('Gemm', {f'weight_{place}': layer.weight, f'bias_{place}': layer.bias}))
        if place < len(layers) - 1:
            steps.append(('Relu', {}))
    nodes, weights, value = [], [], feature_name
    for place, (operator, arrays) in enumerate(steps):
        weights += [
            numpy_helper.from_array(np.asarray(array, np.float32, order='C'), name)
            for name, array in arrays.items()
        ]
        nodes.append(helper.make_node(operator, [value, *arrays], [f'step_{place}']))
        value = f'step_{place}'
    nodes.append(helper.make_node('Softmax', [value], [OUTPUT], axis=1))
    graph = helper.make_graph(
        nodes, 'classifier',
        [helper.make_tensor_value_info(feature_name, TensorProto.FLOAT, ['N', feature_count])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ['N', len(labels)])],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', _OPSET)], ir_version=_IR_VERSION,
        producer_name='ros2_hand_action',
    )
    helper.set_model_props(model, {LABELS_KEY: json.dumps(list(labels))})
    onnx.checker.check_model(model)
    return model


def save_head(head: GestureHead, path: Path) -> None:
    """Write a classifier of gestures; a file that was there stays whole until the new one is.

    Raises
    ------
    DatasetError
        If the file cannot be written.
    """
    save_model(build_head_model(head), path)


def save_action_head(head: ActionHead, path: Path) -> None:
    """Write a recogniser of actions, as `save_head`."""
    save_model(build_action_model(head), path)


def save_model(model: onnx.ModelProto, path: Path) -> None:
    """Write a network, as `save_head`."""
    content = model.SerializeToString()
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as error:
        raise DatasetError(f'cannot write {str(path)!r}: {error}; choose another --out') from error

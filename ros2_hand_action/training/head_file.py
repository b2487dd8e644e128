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

_Step = tuple[str, dict[str, np.ndarray]]
"""An operator and its constants by name."""

_OPSET = 13
_IR_VERSION = 8
"""Old enough for every ONNX Runtime and TensorRT that is supported."""


def build_head_model(head: GestureHead) -> onnx.ModelProto:
    """Return the classifier as an ONNX model: geometry features in, probabilities out."""
    return _build_model([], [head.layers], GEOMETRY, GEOMETRY_SIZE, head.labels)


def build_action_model(head: ActionHead) -> onnx.ModelProto:
    """Return the recogniser as an ONNX model: features of clips in, probabilities out."""
    standardise = [
        ('Sub', {'mean': head.mean}), ('Mul', {'scale': head.scale}),
        ('Clip', {'least': np.array(-LARGEST), 'most': np.array(LARGEST)}),
    ]
    return _build_model(standardise, head.members, POSE_CLIP, FEATURE_COUNT, ACTIONS)


def _build_model(
    before: Sequence[_Step], members: Sequence[Sequence[Layer]],
    feature_name: str, feature_count: int, labels: Sequence[str],
) -> onnx.ModelProto:
    """Return a model: operators with their constants, then the mean of all networks."""
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    value = _add_steps(before, feature_name, 'step', nodes, weights)
    outputs = []
    for number, layers in enumerate(members):
        name = f'member_{number}' if len(members) > 1 else 'layer'
        logits = _add_steps(_list_steps(layers, name), value, name, nodes, weights)
        outputs.append(OUTPUT if len(members) == 1 else f'{name}_{OUTPUT}')
        nodes.append(helper.make_node('Softmax', [logits], outputs[-1:], axis=1))
    if len(members) > 1:
        nodes.append(helper.make_node('Mean', outputs, [OUTPUT]))
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


def _list_steps(layers: Sequence[Layer], name: str) -> list[_Step]:
    """Return the operators of fully connected layers up to the logits."""
    steps: list[_Step] = []
    for place, layer in enumerate(layers):
        steps.append(('Gemm', {
            f'{name}_weight_{place}': layer.weight, f'{name}_bias_{place}': layer.bias
        }))
        if place < len(layers) - 1:
            steps.append(('Relu', {}))
    return steps


def _add_steps(
    steps: Sequence[_Step], value: str, name: str,
    nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto],
) -> str:
    """Append operators that follow each other; returns the name of the last one's output."""
    for place, (operator, arrays) in enumerate(steps):
        weights += [
            numpy_helper.from_array(np.asarray(array, np.float32, order='C'), constant)
            for constant, array in arrays.items()
        ]
        nodes.append(helper.make_node(operator, [value, *arrays], [f'{name}_{place}']))
        value = f'{name}_{place}'
    return value


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

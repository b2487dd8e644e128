"""Write a gesture classifier as an ONNX file that carries its labels."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.gesture_features import GEOMETRY, GEOMETRY_SIZE
from ros2_hand_action.perception.gestures import LABELS_KEY, OUTPUT
from ros2_hand_action.training.gesture_head import GestureHead

_OPSET = 13
_IR_VERSION = 8
"""Old enough for every ONNX Runtime and TensorRT that is supported."""


def build_head_model(head: GestureHead) -> onnx.ModelProto:
    """Return the classifier as an ONNX model: geometry features in, probabilities out."""
    nodes, weights, value = [], [], GEOMETRY
    for place, layer in enumerate(head.layers):
        names = [f'weight_{place}', f'bias_{place}']
        arrays = [np.ascontiguousarray(array, dtype=np.float32) for array in layer]
        weights += [numpy_helper.from_array(array, name) for array, name in zip(arrays, names)]
        nodes.append(helper.make_node('Gemm', [value, *names], [f'sum_{place}']))
        value = f'sum_{place}'
        if place < len(head.layers) - 1:
            nodes.append(helper.make_node('Relu', [value], [f'hidden_{place}']))
            value = f'hidden_{place}'
    nodes.append(helper.make_node('Softmax', [value], [OUTPUT], axis=1))
    graph = helper.make_graph(
        nodes, 'gesture_head',
        [helper.make_tensor_value_info(GEOMETRY, TensorProto.FLOAT, ['N', GEOMETRY_SIZE])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ['N', len(head.labels)])],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', _OPSET)], ir_version=_IR_VERSION,
        producer_name='ros2_hand_action',
    )
    helper.set_model_props(model, {LABELS_KEY: json.dumps(list(head.labels))})
    onnx.checker.check_model(model)
    return model


def save_head(head: GestureHead, path: Path) -> None:
    """Write the classifier; a file that was there stays whole until the new one is.

    Raises
    ------
    DatasetError
        If the file cannot be written.
    """
    content = build_head_model(head).SerializeToString()
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as error:
        raise DatasetError(f'cannot write {str(path)!r}: {error}; choose another --out') from error

"""A network with GestureNet's signature that shows what it was fed."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.perception.gesture_net import OUTPUT
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT, LABELS_KEY


def write_stand_in(
    path: Path, *, labels=6, side=160, name=GESTURE_NET_INPUT, output=OUTPUT, metadata=None
) -> Path:
    """Write a network whose i-th probability grows with the mean of the i-th of its three planes.

    So red crops are thumbs_up, green ones fist, blue ones stop.
    """
    weight = np.zeros((3, labels), np.float32)
    weight[:3, :3] = 20 * np.eye(3)
    nodes = [
        helper.make_node('GlobalAveragePool', [name], ['mean']),
        helper.make_node('Flatten', ['mean'], ['flat']),
        helper.make_node('MatMul', ['flat', 'weight'], ['logits']),
        helper.make_node('Softmax', ['logits'], [output], axis=1),
    ]
    graph = helper.make_graph(
        nodes, 'stand_in',
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ['N', 3, side, side])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ['N', labels])],
        [numpy_helper.from_array(weight, 'weight')],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
    if metadata is not None:
        helper.set_model_props(model, {LABELS_KEY: json.dumps(metadata)})
    onnx.save(model, path)
    return path

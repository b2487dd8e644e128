"""The open GestureNet as an ONNX file: inputs, outputs and labels are those of NVIDIA's.

    input_1 (N, 3, 160, 160) -> stem 3x3/2, 16
      -> for each of WIDTHS: 3x3/2, then a residual block of two 3x3
      -> mean over the places -> six numbers -> softmax: activation_18 (N, 6)

Each convolution is followed by a ReLU, that of the block's second by its sum first.
"""

import json
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.perception.gesture_net import OUTPUT
from ros2_hand_action.perception.gesture_net_crop import SIDE_PX
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT, LABELS_KEY
from ros2_hand_action.perception.labels import GESTURES

STEM_WIDTH = 16
WIDTHS = (24, 48, 96, 128)
CONVOLUTIONS = 1 + 3 * len(WIDTHS)
_OPSET = 13
_IR_VERSION = 8
"""Old enough for every ONNX Runtime and TensorRT that is supported."""


class Weights(NamedTuple):
    """A learnt network, batch normalisation folded into the convolutions.

    Attributes
    ----------
    convolutions : tuple of pairs
        CONVOLUTIONS times: float32 (outputs, inputs, 3, 3) and (outputs,), in their order.
    last : tuple of np.ndarray
        float32 (6, WIDTHS[-1]) and (6,).
    """

    convolutions: tuple[tuple[np.ndarray, np.ndarray], ...]
    last: tuple[np.ndarray, np.ndarray]


class _Graph:
    """Collects operators and their constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(
        self, operator: str, *inputs: str, output: str = '', **attributes: Any
    ) -> str:
        """Add an operator and return its output's name."""
        name = output or f'{operator.lower()}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add a constant and return its name."""
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name


def build_gesture_net(weights: Weights) -> onnx.ModelProto:
    """Return the network as an ONNX model of any batch."""
    graph = _Graph()
    layers = iter(enumerate(weights.convolutions))

    def convolve(value: str, stride: int) -> str:
        place, (kernel, bias) = next(layers)
        names = graph.constant(f'kernel_{place}', kernel), graph.constant(f'bias_{place}', bias)
        return graph.add(
            'Conv', value, *names, kernel_shape=[3, 3], pads=[1] * 4, strides=[stride] * 2
        )

    value = graph.add('Relu', convolve(GESTURE_NET_INPUT, 2))
    for _ in WIDTHS:
        before = graph.add('Relu', convolve(value, 2))
        inner = graph.add('Relu', convolve(before, 1))
        value = graph.add('Relu', graph.add('Add', convolve(inner, 1), before))
    value = graph.add('Flatten', graph.add('GlobalAveragePool', value), axis=1)
    last = graph.constant('kernel_last', weights.last[0].T), graph.constant(
        'bias_last', weights.last[1]
    )
    graph.add('Softmax', graph.add('Gemm', value, *last), output=OUTPUT, axis=1)
    return _make_model(graph)


def _make_model(graph: _Graph) -> onnx.ModelProto:
    shape: list[str | int | None] = ['N', 3, SIDE_PX, SIDE_PX]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, 'open_gesture_net',
            [helper.make_tensor_value_info(GESTURE_NET_INPUT, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ['N', len(GESTURES)])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid('', _OPSET)], ir_version=_IR_VERSION,
        producer_name='ros2_hand_action',
    )
    helper.set_model_props(model, {LABELS_KEY: json.dumps(list(GESTURES))})
    onnx.checker.check_model(model)
    return model

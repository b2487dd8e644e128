"""The open GestureNet as an ONNX file: inputs, outputs and labels are those of NVIDIA's.

    input_1 (N, 3, 160, 160), as NVIDIA's programs scale it -> 0 to 1
      -> the convolutions of MediaPipe's hand landmark network -> mean over the places
      -> fully connected layers -> softmax: activation_18 (N, 6)
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, utils

from ros2_hand_action.errors import ModelError
from ros2_hand_action.perception.gesture_net import OUTPUT
from ros2_hand_action.perception.gesture_net_crop import PRESETS, SIDE_PX
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT, LABELS_KEY
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.network import Layer

PRESET = PRESETS['deepstream']
"""The open network takes pixels as this gives them."""

BACKBONE = 'hand_landmark_lite'
"""The network in the catalogue whose convolutions, and what they have learnt, are taken over."""

FEATURES = 'features'
"""The backbone's output: (N, features), means over the places."""

_IMAGE = 'image'
_IR_VERSION = 8
"""Old enough for every ONNX Runtime and TensorRT that is supported."""


def build_features(backbone: Path) -> onnx.ModelProto:
    """Return the part before the fully connected layers: `input_1` in, `features` out.

    Convolutions take any size, so that the backbone sees 160 pixels, not its own 224: this is
    twice as fast, and crops named by what it then gives are named better (see the model card).

    Parameters
    ----------
    backbone : Path
        A network with the input `image`, RGB 0 to 1, and the output `features`.

    Raises
    ------
    ModelError
        If the file has no such input or output.
    """
    try:
        source = onnx.load(str(backbone))
        part = utils.Extractor(source).extract_model([_IMAGE], [FEATURES])
    except Exception as error:  # protobuf's, ONNX's and the system's share no base class
        raise ModelError(
            f'{str(backbone)!r} has no convolutions from {_IMAGE!r} to {FEATURES!r}: {error}'
        ) from error
    to_unit = {  # (pixel - offset) * scale -> pixel / 255
        'unit_scale': 1 / (255 * PRESET.scale), 'unit_offset': PRESET.offset / 255,
    }
    nodes = [
        helper.make_node('Mul', [GESTURE_NET_INPUT, 'unit_scale'], ['unit_scaled']),
        helper.make_node('Add', ['unit_scaled', 'unit_offset'], [_IMAGE]),
        *part.graph.node,
    ]
    constants = [
        numpy_helper.from_array(np.array([value], np.float32), name)
        for name, value in to_unit.items()
    ]
    count = part.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    return _make_model(
        nodes, [*constants, *part.graph.initializer], FEATURES, count, list(source.opset_import)
    )


def build_gesture_net(features: onnx.ModelProto, layers: Sequence[Layer]) -> onnx.ModelProto:
    """Return the whole network: `build_features` and fully connected layers, with its labels."""
    nodes, constants = list(features.graph.node), list(features.graph.initializer)
    value = FEATURES
    for place, layer in enumerate(layers):
        names = [f'weight_{place}', f'bias_{place}']
        constants += [
            numpy_helper.from_array(np.asarray(array, np.float32, order='C'), name)
            for array, name in zip(layer, names)
        ]
        nodes.append(helper.make_node('Gemm', [value, *names], [f'layer_{place}']))
        value = f'layer_{place}'
        if place < len(layers) - 1:
            nodes.append(helper.make_node('Relu', [value], [f'rectified_{place}']))
            value = f'rectified_{place}'
    nodes.append(helper.make_node('Softmax', [value], [OUTPUT], axis=1))
    model = _make_model(nodes, constants, OUTPUT, len(GESTURES), list(features.opset_import))
    helper.set_model_props(model, {LABELS_KEY: json.dumps(list(GESTURES))})
    return model


def _make_model(
    nodes: Sequence[onnx.NodeProto], constants: Sequence[onnx.TensorProto], output: str,
    count: int, opsets: Sequence[onnx.OperatorSetIdProto],
) -> onnx.ModelProto:
    shape: list[str | int | None] = ['N', 3, SIDE_PX, SIDE_PX]
    graph = helper.make_graph(
        nodes, 'open_gesture_net',
        [helper.make_tensor_value_info(GESTURE_NET_INPUT, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ['N', count])],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name='ros2_hand_action'
    )
    onnx.checker.check_model(model)
    return model

"""The open GestureNet as an ONNX file: inputs, outputs and labels are those of NVIDIA's.

    input_1 (N, 3, 160, 160), as NVIDIA's programs scale it -> 0 to 1
      -> the convolutions of MediaPipe's hand landmark network, means of the places -> layers
      -> where the hand points -> the crop turned so that this is up
      -> the whole hand landmark network -> geometry of the landmarks, as they lie in the crop
      -> layers -> softmax: activation_18 (N, 6)
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, utils

from ros2_hand_action.errors import ModelError
from ros2_hand_action.perception.gesture_net import OUTPUT
from ros2_hand_action.perception.gesture_net_crop import PRESETS, SIDE_PX
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT, LABELS_KEY
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_graph import (
    Graph,
    add_geometry,
    add_layers,
    add_turn,
)
from ros2_hand_action.training.network import Layer

PRESET = PRESETS['deepstream']
"""The open network takes pixels as this gives them."""

BACKBONE = 'hand_landmark_lite'
"""The network in the catalogue that is taken over with what it has learnt."""

APPEARANCE = 'appearance'
"""Output of `build_appearance`: (N, means of places)."""

DIRECTION = 'direction'
"""Input of `build_view`: (N, 2), x and y of where the hand points in the crop."""

HAND = ('landmarks', 'world_landmarks', 'presence')
"""Outputs of `build_view` and `build_hands`: those of the backbone, of the turned crop."""

ROTATION = 'rotation'
"""Another one: (N, 2, 2), what turns them back, as row vectors."""

DIRECTIONS = np.stack([np.sin(turns := np.arange(16) * np.pi / 8), -np.cos(turns)], axis=1)
"""(16, 2): the directions that are told apart; what lies between is a mean of them."""

_IMAGE, _MEANS = 'image', 'features'
_IR_VERSION = 8
"""Old enough for every ONNX Runtime and TensorRT that is supported."""


class GestureNetBuilder:
    """Builds the open GestureNet, and the parts of it that its learning needs.

    Parameters
    ----------
    backbone : Path
        A hand landmark network: `image`, RGB 0 to 1, to `features`, `landmarks`,
        `world_landmarks` and `presence`.

    Raises
    ------
    ModelError
        If the file is no such network.
    """

    def __init__(self, backbone: Path) -> None:
        try:
            source = onnx.load(str(backbone))
            extractor = utils.Extractor(source)
            self._means, self._hand = (
                extractor.extract_model([_IMAGE], list(outputs)).graph
                for outputs in ((_MEANS,), HAND)
            )
        except Exception as error:  # protobuf's, ONNX's and the system's share no base class
            raise ModelError(
                f'{str(backbone)!r} is no hand landmark network with the input {_IMAGE!r} and '
                f'the outputs {(_MEANS, *HAND)!r}: {error}'
            ) from error
        self._opsets = list(source.opset_import)

    def build_appearance(self) -> onnx.ModelProto:
        """Return the first part: `input_1` in, `appearance` out."""
        graph = Graph()
        self._add_appearance(graph)
        return self._finish(graph, [APPEARANCE])

    def build_view(self) -> onnx.ModelProto:
        """Return the part behind: `input_1` and `direction` in, `HAND` and `rotation` out."""
        graph = Graph()
        self._add_hand(graph, _add_image(graph), DIRECTION)
        return self._finish(graph, [*HAND, ROTATION], {DIRECTION: [2]})

    def build_hands(self, directions: Sequence[Layer]) -> onnx.ModelProto:
        """Return all before the geometry: `input_1` in, `HAND` and `rotation` out."""
        graph = Graph()
        self._add_turned_hand(graph, directions)
        return self._finish(graph, [*HAND, ROTATION])

    def build(self, directions: Sequence[Layer], layers: Sequence[Layer]) -> onnx.ModelProto:
        """Return the whole network, with its labels; `layers` name gestures by geometry."""
        graph = Graph()
        self._add_turned_hand(graph, directions)
        add_layers(graph, add_geometry(graph, *HAND[:2], ROTATION), layers, OUTPUT)
        model = self._finish(graph, [OUTPUT])
        helper.set_model_props(model, {LABELS_KEY: json.dumps(list(GESTURES))})
        return model

    def _add_turned_hand(self, graph: Graph, directions: Sequence[Layer]) -> None:
        image = self._add_appearance(graph)
        shares = add_layers(graph, APPEARANCE, directions)
        direction = graph.add('MatMul', shares, DIRECTIONS.astype(np.float32))
        self._add_hand(graph, image, direction)

    def _add_appearance(self, graph: Graph) -> str:
        """Append the convolutions, on 160 pixels: they take any size. Returns the image."""
        image = _add_image(graph)
        [means] = graph.insert(self._means, image, 'first_')
        graph.add('Identity', means, output=APPEARANCE)
        return image

    def _add_hand(self, graph: Graph, image: str, direction: str) -> None:
        turned, rotation = add_turn(graph, image, direction)
        for found, name in zip(graph.insert(self._hand, turned, 'second_'), HAND):
            graph.add('Identity', found, output=name)
        graph.add('Identity', rotation, output=ROTATION)

    def _finish(
        self, graph: Graph, outputs: Sequence[str],
        more_inputs: Mapping[str, Sequence[int]] | None = None,
    ) -> onnx.ModelProto:
        inputs = {GESTURE_NET_INPUT: (3, SIDE_PX, SIDE_PX), **(more_inputs or {})}
        network = helper.make_graph(
            graph.nodes, 'open_gesture_net',
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ['N', *shape])
                for name, shape in inputs.items()
            ],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
                for name in outputs
            ],
            list(graph.constants.values()),
        )
        model = helper.make_model(
            network, opset_imports=self._opsets, ir_version=_IR_VERSION,
            producer_name='ros2_hand_action',
        )
        model = onnx.shape_inference.infer_shapes(model)  # of the outputs
        del model.graph.value_info[:]
        onnx.checker.check_model(model)
        return model


def _add_image(graph: Graph) -> str:
    """Append what makes (pixel - offset) * scale a colour from 0 to 1."""
    scale, offset = np.array([[1 / PRESET.scale], [PRESET.offset]], np.float32) / np.float32(255)
    return graph.add('Add', graph.add('Mul', GESTURE_NET_INPUT, scale), offset)

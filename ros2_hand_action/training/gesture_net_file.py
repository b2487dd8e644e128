"""The open GestureNet as an ONNX file: inputs, outputs and labels are those of NVIDIA's.

    input_1 (N, 3, 160, 160), as NVIDIA's programs scale it -> 0 to 1
      -> the convolutions of MediaPipe's light hand landmark network, means of the places -> layers
      -> where the hand points -> the crop turned so that this is up
      -> the whole of the full one -> geometry of the landmarks, as they lie in the crop, and how
         sure it is that there is a hand
      -> layers, learnt several times -> softmax, mean: activation_18 (N, 6)

Weights that half precision holds exactly lie in it so, and are made single before they are used.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, utils

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.packing import pack_weights
from ros2_hand_action.perception.gesture_net import OUTPUT
from ros2_hand_action.perception.gesture_net_crop import PRESETS, SIDE_PX
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT, LABELS_KEY
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_graph import (
    Graph,
    add_geometry,
    add_layers,
    add_mean,
    add_turn,
)
from ros2_hand_action.training.network import Layer

PRESET = PRESETS['deepstream']
"""The open network takes pixels as this gives them."""

POINTER, LANDMARKER = 'hand_landmark_lite', 'hand_landmark_full'
"""The networks in the catalogue that are taken over with what they have learnt: they see where a
hand points, and its landmarks. The light one is right more often about hands that lie down."""

APPEARANCE = 'appearance'
"""Output of `build_appearance`: (N, means of places)."""

DIRECTION = 'direction'
"""Input of `build_view`: (N, 2), x and y of where the hand points in the crop."""

HAND = ('landmarks', 'world_landmarks', 'presence')
"""Outputs of `build_view` and `build_hands`: those of LANDMARKER, of the turned crop."""

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
    pointer, landmarker : Path
        Hand landmark networks: `image`, RGB 0 to 1, to `features`, and to `landmarks`,
        `world_landmarks` and `presence`.

    Raises
    ------
    ModelError
        If a file is no such network.
    """

    def __init__(self, *, pointer: Path, landmarker: Path) -> None:
        self._means = _load_part(pointer, (_MEANS,))
        self._hand = _load_part(landmarker, HAND)

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

    def build(
        self, directions: Sequence[Layer], heads: Sequence[Sequence[Layer]]
    ) -> onnx.ModelProto:
        """Return the whole network, with its labels.

        Each of `heads` names gestures by geometry and presence; their mean counts.
        """
        graph = Graph()
        self._add_turned_hand(graph, directions)
        geometry = add_geometry(graph, *HAND[:2], ROTATION)
        inputs = graph.add('Concat', geometry, HAND[2], axis=1)
        add_mean(graph, [add_layers(graph, inputs, layers) for layers in heads], OUTPUT)
        model = pack_weights(self._finish(graph, [OUTPUT]))
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
        [means] = graph.insert(self._means.graph, image, 'first_')
        graph.add('Identity', means, output=APPEARANCE)
        return image

    def _add_hand(self, graph: Graph, image: str, direction: str) -> None:
        turned, rotation = add_turn(graph, image, direction)
        for found, name in zip(graph.insert(self._hand.graph, turned, 'second_'), HAND):
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
            network, opset_imports=self._hand.opset_import, ir_version=_IR_VERSION,
            producer_name='ros2_hand_action',
        )
        model = onnx.shape_inference.infer_shapes(model)  # of the outputs
        del model.graph.value_info[:]
        onnx.checker.check_model(model)
        return model


def _load_part(path: Path, outputs: Sequence[str]) -> onnx.ModelProto:
    """Return what of a hand landmark network leads to some of its outputs."""
    try:
        return utils.Extractor(onnx.load(str(path))).extract_model([_IMAGE], list(outputs))
    except Exception as error:  # protobuf's, ONNX's and the system's share no base class
        raise ModelError(
            f'{str(path)!r} is no hand landmark network with the input {_IMAGE!r} and the '
            f'outputs {tuple(outputs)!r}: {error}'
        ) from error


def _add_image(graph: Graph) -> str:
    """Append what makes (pixel - offset) * scale a colour from 0 to 1."""
    scale, offset = np.array([[1 / PRESET.scale], [PRESET.offset]], np.float32) / np.float32(255)
    return graph.add('Add', graph.add('Mul', GESTURE_NET_INPUT, scale), offset)

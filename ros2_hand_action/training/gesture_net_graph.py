"""The open GestureNet's steps as ONNX operators: turn a crop, measure its hand, name a gesture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ros2_hand_action.perception import gesture_features as gestures
from ros2_hand_action.perception.hand_landmarks import INPUT_SIZE, LANDMARKS
from ros2_hand_action.training.network import Layer

_SAMPLED_PX = 144
"""Side of the turned crop before it is enlarged: sampling costs more than the difference shows."""

_COVER = 1.2
"""Side of what is seen of the turned crop, in the crop's: corners with a hand stay inside."""

_TINY = np.array(1e-6, np.float32)
_UNITS = np.array([1 / INPUT_SIZE, 10], np.float32).reshape(1, 2, 1, 1)
"""Landmarks in pixels and in metres as numbers near 1, whose squares fit in half precision."""

_KNUCKLES = np.arange(LANDMARKS)[gestures.KNUCKLES]
_TURN_BACK = np.array([-1, 1, -1, -1], np.float32)
_TURN_UP = np.array([-1, -1, 1, -1], np.float32)
"""Of (y, x, x, y): rotation matrices of row vectors, from upright to a direction and back."""


class Graph:
    """Operators that are added one by one.

    Attributes
    ----------
    nodes : list of onnx.NodeProto
    constants : dict of onnx.TensorProto
        By name.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def add(
        self, operator: str, *inputs: 'str | np.ndarray', output: str = '', **settings: Any
    ) -> str:
        """Append an operator on named values and constants; returns the name of its output."""
        output = output or f'{operator.lower()}_{len(self.nodes)}'
        names = [value if isinstance(value, str) else self._keep(value) for value in inputs]
        self.nodes.append(helper.make_node(operator, names, [output], **settings))
        return output

    def insert(self, network: onnx.GraphProto, image: str, prefix: str) -> list[str]:
        """Append a network on an image; `prefix` keeps its names apart from another's."""
        names = {network.input[0].name: image}
        for array in network.initializer:
            names[array.name] = prefix + array.name
            self.constants[prefix + array.name] = numpy_helper.from_array(
                numpy_helper.to_array(array), prefix + array.name
            )
        for node in network.node:
            names |= {name: prefix + name for name in node.output}
        for node in network.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.input[:] = [names.get(name, name) for name in node.input]
            copy.output[:] = [names[name] for name in node.output]
            copy.name = ''
            self.nodes.append(copy)
        return [names[value.name] for value in network.output]

    def _keep(self, array: np.ndarray) -> str:
        name = f'value_{len(self.constants)}'
        self.constants[name] = numpy_helper.from_array(np.asarray(array, order='C'), name)
        return name


def add_turn(graph: Graph, image: str, direction: str) -> tuple[str, str]:
    """Turn square images so that a direction in them is up, and fit them to the backbone.

    Parameters
    ----------
    graph : Graph
    image, direction : str
        (N, 3, side, side), and (N, 2): x and y, of any length.

    Returns
    -------
    turned, rotation : str
        (N, 3, INPUT_SIZE, INPUT_SIZE), the image's edge beyond it; and (N, 2, 2): the rotation
        of row vectors back to the image.
    """
    rotation = _add_rotation(graph, _add_unit(graph, direction), _TURN_BACK, [0, 2, 2])
    places = (((np.arange(_SAMPLED_PX) + 0.5) * 2 / _SAMPLED_PX - 1) * _COVER).astype(np.float32)
    along_x, along_y = (
        graph.add('Unsqueeze', _add_slice(graph, rotation, row, row + 1, axis=1), np.array([1]))
        for row in (0, 1)
    )
    grid = graph.add(
        'Add',
        graph.add('Mul', along_x, places.reshape(1, 1, -1, 1)),
        graph.add('Mul', along_y, places.reshape(1, -1, 1, 1)),
    )
    sampled = graph.add('GridSample', image, grid, mode='bilinear', padding_mode='border')
    return add_resize(graph, sampled, INPUT_SIZE / _SAMPLED_PX), rotation


def add_resize(graph: Graph, image: str, scale: float) -> str:
    """Enlarge images (N, 3, height, width) by bilinear interpolation."""
    scales = np.array([1, 1, scale, scale], np.float32)
    return graph.add('Resize', image, '', scales, mode='linear')


def add_geometry(graph: Graph, landmarks: str, world: str, rotation: str) -> str:
    """Describe hands as `gesture_features.geometry_features` does.

    Parameters
    ----------
    graph : Graph
    landmarks, world : str
        (N, 63): the backbone's, in pixels and in metres.
    rotation : str
        (N, 2, 2): from `add_turn`.

    Returns
    -------
    str
        (N, GEOMETRY_SIZE).
    """
    both = graph.add('Concat', landmarks, world, axis=1)
    points = graph.add('Reshape', both, np.array([0, 2, LANDMARKS, 3]))
    points = _add_slice(graph, points, 0, 2, axis=3)
    points = graph.add('Sub', points, _add_slice(graph, points, 0, 1, axis=2))
    points = graph.add('Mul', points, _UNITS)
    rotation = graph.add('Unsqueeze', rotation, np.array([1]))
    points = graph.add('MatMul', points, rotation)
    up, thumb = _add_directions(graph, _add_slice(graph, points, 0, 1, axis=1))
    turn = _add_rotation(graph, up, _TURN_UP, [0, 1, 2, 2])
    points = graph.add('MatMul', graph.add('Div', points, _add_scales(graph, points)), turn)
    lengths, cosines = _add_spans(graph, graph.add('Reshape', points, np.array([0, -1, 2])))
    fingers = _add_slice(graph, points, 1, LANDMARKS, axis=2)
    return graph.add(
        'Concat',
        graph.add('Flatten', fingers),
        _add_slice(graph, cosines, 0, gestures.BENDS, axis=1),
        _add_slice(graph, lengths, gestures.DISTANCES_START, len(gestures.SPANS), axis=1),
        _add_slice(graph, cosines, gestures.BENDS, len(gestures.ANGLES), axis=1),
        up, thumb, axis=1,
    )


def add_layers(graph: Graph, value: str, layers: Sequence[Layer], output: str = '') -> str:
    """Append fully connected layers, Relu between them, softmax behind."""
    for place, layer in enumerate(layers):
        if place:
            value = graph.add('Relu', value)
        weight, bias = (np.asarray(array, np.float32) for array in layer)
        value = graph.add('Gemm', value, weight, bias)
    return graph.add('Softmax', value, output=output, axis=1)


def add_mean(graph: Graph, values: Sequence[str], output: str) -> str:
    """Append the mean of values of the same shape."""
    share = np.array(1 / len(values), np.float32)
    return graph.add('Mul', graph.add('Sum', *values), share, output=output)


def _add_directions(graph: Graph, image_points: str) -> tuple[str, str]:
    """Return the unit vectors (N, 2) of hand and thumb."""
    knuckles = graph.add('Gather', image_points, _KNUCKLES, axis=2)
    up = graph.add('ReduceMean', knuckles, axes=[1, 2], keepdims=0)
    tip, base = (
        graph.add('Flatten', _add_slice(graph, image_points, joint, joint + 1, axis=2))
        for joint in (gestures.THUMB_TIP, gestures.THUMB_MCP)
    )
    return _add_unit(graph, up), _add_unit(graph, graph.add('Sub', tip, base))


def _add_scales(graph: Graph, points: str) -> str:
    """Return (N, 2, 1, 1): root mean square of the image landmarks, the palm's metric length."""
    sizes = graph.add('ReduceL2', points, axes=[2, 3], keepdims=1)
    sizes = graph.add('Mul', sizes, np.array([1 / np.sqrt(LANDMARKS)], np.float32))
    knuckles = graph.add('Gather', points, _KNUCKLES, axis=2)
    lengths = graph.add('ReduceL2', knuckles, axes=[3], keepdims=1)
    palms = graph.add('ReduceMean', lengths, axes=[2], keepdims=1)
    scales = graph.add(
        'Concat', _add_slice(graph, sizes, 0, 1, axis=1), _add_slice(graph, palms, 1, 2, axis=1),
        axis=1,
    )
    return graph.add('Add', scales, _TINY)


def _add_spans(graph: Graph, points: str) -> tuple[str, str]:
    """Return the lengths (N, spans) of SPANS and the cosines (N, angles) of ANGLES."""
    start, end = (graph.add('Gather', points, joints, axis=1) for joints in gestures.SPANS.T)
    spans = graph.add('Sub', end, start)
    lengths = graph.add('ReduceL2', spans, axes=[2], keepdims=1)
    units = graph.add('Div', spans, graph.add('Add', lengths, _TINY))
    first, second = (graph.add('Gather', units, pair, axis=1) for pair in gestures.ANGLES.T)
    products = graph.add('Mul', first, second)
    cosines = graph.add('ReduceSum', products, np.array([2]), keepdims=0)
    return graph.add('Flatten', lengths), cosines


def _add_rotation(graph: Graph, direction: str, signs: np.ndarray, shape: list[int]) -> str:
    """Return rotation matrices, of `shape`, by unit vectors (N, 2)."""
    entries = graph.add('Gather', direction, np.array([1, 0, 0, 1]), axis=1)
    return graph.add('Reshape', graph.add('Mul', entries, signs), np.array(shape))


def _add_unit(graph: Graph, vectors: str) -> str:
    """Return vectors (N, 2) over their lengths."""
    lengths = graph.add('ReduceL2', vectors, axes=[1], keepdims=1)
    return graph.add('Div', vectors, graph.add('Add', lengths, _TINY))


def _add_slice(graph: Graph, value: str, start: int, end: int, *, axis: int) -> str:
    return graph.add('Slice', value, *(np.array([number]) for number in (start, end, axis)))

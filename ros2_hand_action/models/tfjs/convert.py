"""Frozen models of TensorFlow.js written as ONNX: NCHW, folded, the batch free."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.tfjs import TFJS_CONVERTER_VERSION
from ros2_hand_action.models.tfjs.reader import Graph, Node, read_graph

_OPSET = 17
_IR_VERSION = 8
_TO_NHWC = (0, 2, 3, 1)
_Shape = tuple[int | str, ...]


def convert_tfjs(
    data: bytes,
    *,
    source: str,
    inputs: Mapping[str, tuple[str, _Shape]],
    outputs: Mapping[str, tuple[str, _Shape]],
) -> onnx.ModelProto:
    """Return a frozen model of TensorFlow.js as ONNX; the same bytes give the same model.

    Images are (N, channels, height, width) in the result. Scales and offsets behind convolutions
    (batch normalisation) are folded into them.

    Parameters
    ----------
    data : bytes
        Tarball of the model's files.
    source : str
        Its name, for messages.
    inputs, outputs : mapping of str to (str, shape)
        Name in the result -> node in the file, and shape in the result. What the outputs do not
        need is left out; inputs are images.

    Raises
    ------
    ModelError
        Naming file and node, where the model cannot be expressed.
    """
    graph = read_graph(data, source=source)
    writer = _Writer(graph)
    for name, (node_name, shape) in inputs.items():
        writer.values[node_name] = name
        writer.sizes[name] = (int(shape[2]), int(shape[3]))
    for node in _sort_nodes(graph, set(writer.values), [node for node, _ in outputs.values()]):
        if node.name not in writer.values and node.name not in graph.constants:
            writer.convert(node)
    for name, (node_name, _) in outputs.items():
        writer.nodes.append(helper.make_node('Identity', [writer.values[node_name]], [name]))
    model = helper.make_model(
        helper.make_graph(
            writer.nodes, 'main', _describe(inputs), _describe(outputs),
            [numpy_helper.from_array(np.ascontiguousarray(array), name)
             for name, array in writer.constants.items()],
        ),
        opset_imports=[helper.make_opsetid('', _OPSET)], ir_version=_IR_VERSION,
        producer_name='ros2_hand_action', producer_version=str(TFJS_CONVERTER_VERSION),
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _describe(entries: Mapping[str, tuple[str, _Shape]]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, (_, shape) in entries.items()
    ]


def _sort_nodes(graph: Graph, known: set[str], wanted: Sequence[str]) -> list[Node]:
    """Return the nodes that the wanted ones need, in order, without what is behind known ones."""
    needs: dict[str, tuple[str, ...]] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in graph.nodes:
            raise ModelError(f'{graph.source!r} has no node {name!r}: correct the catalogue')
        if name not in needs:
            is_end = name in known or graph.nodes[name].kind == 'Shape'
            needs[name] = () if is_end else graph.nodes[name].inputs
            waiting += needs[name]
    try:
        return [graph.nodes[name] for name in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        raise ModelError(f'{graph.source!r} has a loop at {error.args[1][0]!r}') from error


class _Writer:
    """Nodes and constants of the ONNX graph.

    Attributes
    ----------
    values : dict of str to str
        Node in the file -> value in the result.
    sizes : dict of str to (int, int)
        Height and width of values that are images.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._convolutions: dict[str, onnx.NodeProto] = {}
        self._sums: dict[str, tuple[str, ...]] = {}
        self._uses = Counter(name for node in graph.nodes.values() for name in node.inputs)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.values: dict[str, str] = {}
        self.sizes: dict[str, tuple[int, int]] = {}

    def convert(self, node: Node) -> None:
        """Write a node; raises ModelError where that cannot be."""
        if node.kind in _SHAPE_KINDS:
            return
        if node.kind not in _CONVERTERS:
            raise self._failure(node, f'operator {node.kind!r} is not known')
        try:
            self.values[node.name] = _CONVERTERS[node.kind](self, node)
        except (LookupError, ValueError, TypeError) as error:
            raise self._failure(node, repr(error)) from error

    def convolve(self, node: Node) -> str:
        """Conv2D, DepthwiseConv2dNative."""
        value, kernel = self.values[node.inputs[0]], self._constant(node.inputs[1])
        if node.text('data_format') not in ('', 'NHWC') or set(node.integers('dilations')) > {1}:
            raise self._failure(node, 'its images are not NHWC, or its kernel is dilated')
        groups = 1
        if node.kind == 'DepthwiseConv2dNative':
            groups = kernel.shape[2]
            kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
        strides = node.integers('strides')[1:3]
        sides = [
            _pad(length, side, stride, node.text('padding'))
            for length, side, stride in zip(self.sizes[value], kernel.shape, strides)
        ]
        (height, top, bottom), (width, left, right) = sides
        added = self._add(
            'Conv', [value, self._keep(kernel.transpose(3, 2, 0, 1)),
                     self._keep(np.zeros(kernel.shape[3], np.float32))],
            kernel_shape=kernel.shape[:2], strides=strides, group=groups,
            pads=(top, left, bottom, right),
        )
        self.sizes[added] = height, width
        self._convolutions[added] = self.nodes[-1]
        return added

    def scale(self, node: Node) -> str:
        """Mul by a constant of what a convolution gives."""
        name, factors = self._split(node)
        _, kernel, bias = self._find_convolution(name, node).input
        self.constants[kernel] *= factors.reshape(-1, 1, 1, 1)
        self.constants[bias] *= factors
        return self.values[name]

    def shift(self, node: Node) -> str:
        """BiasAdd, Add of a constant: to a convolution, or to a sum in which there is one."""
        name, offsets = self._split(node)
        target = name
        while self.values[target] in self._sums and self._uses[target] == 1:
            addends = self._sums[self.values[target]]
            target = next(filter(self._is_foldable, addends), addends[0])
        self.constants[self._find_convolution(target, node).input[2]] += offsets
        return self.values[name]

    def add(self, node: Node) -> str:
        """Add, AddN of two images; Add of a constant."""
        if any(name in self._graph.constants for name in node.inputs):
            return self.shift(node)
        first, second = (self.values[name] for name in node.inputs)
        added = self._add('Add', [first, second])
        self.sizes[added] = self.sizes[first]
        self._sums[added] = node.inputs
        return added

    def clip(self, node: Node) -> str:
        """Relu6."""
        value = self.values[node.inputs[0]]
        limits = [self._keep(np.float32(limit), f'limit_{limit}') for limit in (0, 6)]
        added = self._add('Clip', [value, *limits])
        self.sizes[added] = self.sizes[value]
        return added

    def reshape(self, node: Node) -> str:
        """Reshape of an image to (batch, ...), its shape made by Pack."""
        shape = [0]  # 0: as in the input
        for name in self._graph.nodes[node.inputs[1]].inputs[1:]:
            shape.append(int(self._constant(name)))
        value = self._add('Transpose', [self.values[node.inputs[0]]], perm=_TO_NHWC)
        return self._add('Reshape', [value, self._keep(np.array(shape, np.int64))])

    def squeeze(self, node: Node) -> str:
        """Squeeze of axes that are named."""
        axes = self._keep(np.array(node.integers('squeeze_dims'), np.int64))
        return self._add('Squeeze', [self.values[node.inputs[0]], axes])

    def concatenate(self, node: Node) -> str:
        """ConcatV2 of values that are no images."""
        *names, axis = node.inputs
        values = [self.values[name] for name in names]
        if self.sizes.keys() & set(values):
            raise self._failure(node, 'it joins images')
        return self._add('Concat', values, axis=int(self._constant(axis)))

    def _split(self, node: Node) -> tuple[str, np.ndarray]:
        """Return the input that is computed, and the constant (channels,) beside it."""
        (name,) = (name for name in node.inputs if name in self.values)
        (constant,) = (name for name in node.inputs if name in self._graph.constants)
        return name, self._constant(constant).ravel()

    def _is_foldable(self, name: str) -> bool:
        """Return whether a convolution gives this for one node alone."""
        return self.values[name] in self._convolutions and self._uses[name] == 1

    def _find_convolution(self, name: str, node: Node) -> onnx.NodeProto:
        """Return the convolution into which `node`, its only user, can be folded."""
        if not self._is_foldable(name):
            raise self._failure(node, f'{name!r} is no convolution of its own to fold it into')
        return self._convolutions[self.values[name]]

    def _constant(self, name: str) -> np.ndarray:
        return self._graph.constants[name]

    def _keep(self, array: Any, name: str = '') -> str:
        """Add a constant of its own, as it may be changed, and return its name."""
        name = name or f'constant_{len(self.constants)}'
        self.constants[name] = np.array(array)
        return name

    def _add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f'{kind.lower()}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def _failure(self, node: Node, reason: str) -> ModelError:
        return ModelError(
            f'{self._graph.source!r}: node {node.name!r} cannot be converted: {reason}'
        )


def _pad(length: int, side: int, stride: int, padding: str) -> tuple[int, int, int]:
    """Return a convolution's output length, and TensorFlow's padding before and behind."""
    if padding == 'VALID':
        return (length - side) // stride + 1, 0, 0
    if padding != 'SAME':
        raise ValueError(f'padding {padding!r}')
    count = -(-length // stride)
    total = max((count - 1) * stride + side - length, 0)
    return count, total // 2, total - total // 2


_SHAPE_KINDS = ('Shape', 'StridedSlice', 'Pack')
"""These only make the shapes of Reshape, which reads them itself."""

_CONVERTERS: dict[str, Callable[[_Writer, Node], str]] = {
    'Conv2D': _Writer.convolve,
    'DepthwiseConv2dNative': _Writer.convolve,
    'Mul': _Writer.scale,
    'Add': _Writer.add,
    'AddN': _Writer.add,
    'BiasAdd': _Writer.shift,
    'Relu6': _Writer.clip,
    'Reshape': _Writer.reshape,
    'Squeeze': _Writer.squeeze,
    'ConcatV2': _Writer.concatenate,
}

"""An ONNX graph under construction from a TensorFlow Lite graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.tflite.reader import Graph, Operator, Tensor

TO_NCHW = (0, 3, 1, 2)
TO_NHWC = (0, 2, 3, 1)
BATCH = 'N'


class GraphBuilder:
    """Nodes and constants of the ONNX graph, and which of its values stands for which tensor.

    Every activation of rank 4 is held as NCHW; those of other ranks as the file has them.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self._names: dict[int, str] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._producers = {
            output: operator for operator in graph.operators for output in operator.outputs
        }

    def tensor(self, index: int) -> Tensor:
        """Return a tensor of the TensorFlow Lite graph."""
        return self.graph.tensors[index]

    def producer(self, index: int, kind: str) -> Operator | None:
        """Return the operator that makes a tensor, if it is one of `kind`."""
        operator = self._producers.get(index)
        return operator if operator is not None and operator.kind == kind else None

    def fail(self, operator: Operator, reason: str) -> ModelError:
        """Return an error that names the file, the operator and its first tensor."""
        tensor = self.tensor(operator.outputs[0])
        return ModelError(
            f'{self.graph.source!r}: operator {operator.kind!r} that makes tensor '
            f'{tensor.name!r} {tensor.shape} cannot be converted: {reason}'
        )

    def value(self, index: int) -> str:
        """Return the name of the ONNX value that holds a tensor."""
        if index in self.graph.constants:
            return self.constant(self.graph.constants[index])
        return self._names[index]

    def bind(self, index: int, name: str) -> None:
        """Say that the ONNX value `name` holds a tensor."""
        self._names[index] = name

    def constant(self, array: np.ndarray) -> str:
        """Add a constant, or find the same one again, and return its name."""
        array = np.asarray(array, order='C')  # ascontiguousarray would make scalars vectors
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = f'constant_{len(self._known)}'
            self._known[key] = name
            self.initializers[name] = numpy_helper.from_array(array, name)
        return self._known[key]

    def floats(self, *values: float) -> str:
        """Add a constant vector of float32."""
        return self.constant(np.array(values, np.float32))

    def integers(self, *values: int) -> str:
        """Add a constant vector of int64."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """Add a float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.add_split(kind, inputs, 1, **attributes)[0]

    def add_split(
        self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs and return their names."""
        stem = f'{kind.lower()}_{len(self.nodes)}'
        names = [stem if outputs == 1 else f'{stem}_{output}' for output in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=stem, **attributes))
        return names

    def kind(self, value: str) -> str:
        """Return the kind of node that makes a value; '' for inputs and constants."""
        return next((node.op_type for node in self.nodes[::-1] if value in node.output), '')

    def used_nodes(self, outputs: Sequence[str]) -> list[onnx.NodeProto]:
        """Return the nodes that the outputs depend on, in order."""
        needed = set(outputs)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        return kept[::-1]


def nchw_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape of the file as the ONNX graph has it, the batch still as written."""
    return tuple(shape[axis] for axis in TO_NCHW) if len(shape) == 4 else shape


def nchw_axis(axis: int, rank: int) -> int:
    """Return where an axis of the file lies in the ONNX graph."""
    axis = axis % rank
    return TO_NCHW.index(axis) if rank == 4 else axis

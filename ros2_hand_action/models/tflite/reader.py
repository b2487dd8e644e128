"""A TensorFlow Lite file as plain records, its constants decoded."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.tflite.sparse import expand_sparse

OPERATOR_NAMES = {
    code: name
    for name, code in vars(tflite.BuiltinOperator).items()
    if not name.startswith('_') and isinstance(code, int)
}
_DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.INT64: np.int64,
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph; `shape` is the file's own, with channels last."""

    index: int
    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Operator:
    """An operator and its tensors; an index of -1 is an optional input that is not given."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    table: Any

    def options(self, kind: type) -> Any:
        """Return the operator's options, read as the class `kind` of the tflite package."""
        options = kind()
        if self.table is None:
            raise ModelError(f'operator {self.kind!r} has no options: the file is damaged')
        options.Init(self.table.Bytes, self.table.Pos)
        return options


@dataclass(frozen=True)
class Graph:
    """A model's one subgraph.

    Attributes
    ----------
    source : str
        Name of the file, for messages.
    tensors : tuple of Tensor
    operators : tuple of Operator
        In order of execution, without those that only decode constants.
    constants : dict
        Tensor index -> its array, half precision and sparse ones as dense float32.
    inputs, outputs : tuple of int
        Tensor indices.
    """

    source: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    constants: dict[int, np.ndarray]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graph(data: bytes, *, source: str) -> Graph:
    """Return the graph of a TensorFlow Lite file; raises ModelError where it is not one."""
    if data[4:8] != b'TFL3':
        raise ModelError(f'{source!r} is not a TensorFlow Lite file: fetch it again')
    try:
        return _read_subgraph(tflite.Model.GetRootAs(data, 0), source)
    except (struct.error, LookupError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f'{source!r} is a damaged TensorFlow Lite file ({error}): fetch it again'
        ) from error


def _read_subgraph(model: Any, source: str) -> Graph:
    if model.SubgraphsLength() != 1:
        raise ModelError(f'{source!r} has {model.SubgraphsLength()} subgraphs, expected 1')
    subgraph = model.Subgraphs(0)
    tensors = tuple(
        _read_tensor(subgraph.Tensors(index), index) for index in range(subgraph.TensorsLength())
    )
    constants: dict[int, np.ndarray] = {}
    for tensor in tensors:
        array = _read_constant(model, subgraph.Tensors(tensor.index), tensor, source)
        if array is not None:
            constants[tensor.index] = array
    operators = []
    for index in range(subgraph.OperatorsLength()):
        operator = _read_operator(model, subgraph.Operators(index))
        first = operator.inputs[0] if operator.inputs else -1
        if operator.kind in ('DEQUANTIZE', 'DENSIFY') and first in constants:
            constants[operator.outputs[0]] = constants[first]
        else:
            operators.append(operator)
    return Graph(
        source=source,
        tensors=tensors,
        operators=tuple(operators),
        constants=constants,
        inputs=tuple(int(index) for index in subgraph.InputsAsNumpy()),
        outputs=tuple(int(index) for index in subgraph.OutputsAsNumpy()),
    )


def _read_tensor(tensor: Any, index: int) -> Tensor:
    shape = tuple(int(size) for size in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    return Tensor(index, (tensor.Name() or b'').decode(errors='replace'), shape)


def _read_constant(model: Any, tensor: Any, record: Tensor, source: str) -> np.ndarray | None:
    buffer = model.Buffers(tensor.Buffer())
    if not buffer.DataLength():
        return None
    if tensor.Type() not in _DTYPES:
        raise ModelError(
            f'{source!r}: constant {record.name!r} has tensor type {tensor.Type()}; only float '
            'and index constants are converted, so take the unquantised model'
        )
    values = np.frombuffer(buffer.DataAsNumpy().tobytes(), _DTYPES[tensor.Type()])
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    sparsity = tensor.Sparsity()
    return values.reshape(record.shape) if sparsity is None else expand_sparse(
        values, record.shape, sparsity
    )


def _read_operator(model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = OPERATOR_NAMES.get(number, f'number {number}')
    if kind == 'CUSTOM':
        kind = f'CUSTOM {(code.CustomCode() or b"").decode(errors="replace")}'
    return Operator(
        kind=kind,
        inputs=tuple(int(index) for index in operator.InputsAsNumpy()),
        outputs=tuple(int(index) for index in operator.OutputsAsNumpy()),
        table=operator.BuiltinOptions(),
    )

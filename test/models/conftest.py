"""Tiny TensorFlow Lite models written by hand, and LiteRT to run them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
import tflite
import yaml

from ros2_hand_action.models import catalogue

_TYPES = {
    np.dtype(np.float32): tflite.TensorType.FLOAT32,
    np.dtype(np.float16): tflite.TensorType.FLOAT16,
    np.dtype(np.int32): tflite.TensorType.INT32,
}


@dataclass
class TinyModel:
    """A graph written tensor by tensor; `data` is its file."""

    tensors: list[tuple[tuple[int, ...], Any, Any]] = field(default_factory=list)
    sparsities: dict[int, Callable[[flatbuffers.Builder], int]] = field(default_factory=dict)
    operators: list[tuple[str, list[int], list[int], str, dict[str, int]]] = field(
        default_factory=list
    )
    inputs: list[int] = field(default_factory=list)

    def input(self, *shape: int) -> int:
        self.inputs.append(self._tensor(shape, None, np.dtype(np.float32)))
        return self.inputs[-1]

    def constant(self, array: Any, *, sparsity: Any = None, shape: Any = None) -> int:
        array = np.asarray(array)
        index = self._tensor(array.shape if shape is None else shape, array, array.dtype)
        if sparsity is not None:
            self.sparsities[index] = sparsity
        return index

    def add(
        self, kind: str, inputs: Sequence[int], *shapes: tuple[int, ...],
        options: str = '', dtype: Any = np.float32, **fields: int,
    ) -> Any:
        outputs = [self._tensor(shape, None, np.dtype(dtype)) for shape in shapes]
        self.operators.append((kind, list(inputs), outputs, options, fields))
        return outputs[0] if len(outputs) == 1 else outputs

    def _tensor(self, shape: Sequence[int], array: Any, dtype: Any) -> int:
        self.tensors.append((tuple(shape), array, dtype))
        return len(self.tensors) - 1

    def data(self, *outputs: int) -> bytes:
        builder = flatbuffers.Builder(1 << 16)
        buffers = [_buffer(builder, b'')]
        tensors = []
        for index, (shape, array, dtype) in enumerate(self.tensors):
            if array is not None:
                buffers.append(_buffer(builder, array.tobytes()))
            sparsity = self.sparsities[index](builder) if index in self.sparsities else None
            name = builder.CreateString(f't{index}')
            shape_vector = _ints(builder, shape)
            tflite.TensorStart(builder)
            tflite.TensorAddShape(builder, shape_vector)
            tflite.TensorAddType(builder, _TYPES[np.dtype(dtype)])
            tflite.TensorAddBuffer(builder, 0 if array is None else len(buffers) - 1)
            tflite.TensorAddName(builder, name)
            if sparsity is not None:
                tflite.TensorAddSparsity(builder, sparsity)
            tensors.append(tflite.TensorEnd(builder))
        kinds = sorted({operator[0] for operator in self.operators})
        codes = [_code(builder, kind) for kind in kinds]
        operators = [_operator(builder, kinds, *operator) for operator in self.operators]
        parts = [
            _offsets(builder, tensors), _ints(builder, self.inputs), _ints(builder, outputs),
            _offsets(builder, operators),
        ]
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, parts[0])
        tflite.SubGraphAddInputs(builder, parts[1])
        tflite.SubGraphAddOutputs(builder, parts[2])
        tflite.SubGraphAddOperators(builder, parts[3])
        subgraphs = _offsets(builder, [tflite.SubGraphEnd(builder)])
        all_codes, all_buffers = _offsets(builder, codes), _offsets(builder, buffers)
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        tflite.ModelAddOperatorCodes(builder, all_codes)
        tflite.ModelAddSubgraphs(builder, subgraphs)
        tflite.ModelAddBuffers(builder, all_buffers)
        builder.Finish(tflite.ModelEnd(builder), b'TFL3')
        return bytes(builder.Output())


def _code(builder: Any, kind: str) -> int:
    number = getattr(tflite.BuiltinOperator, kind)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    tflite.OperatorCodeAddVersion(builder, 3 if kind == 'DEQUANTIZE' else 1)
    return tflite.OperatorCodeEnd(builder)


def _operator(
    builder: Any, kinds: list[str], kind: str, inputs: list[int], outputs: list[int],
    options: str, fields: dict[str, int],
) -> int:
    table = None
    if options:
        getattr(tflite, f'{options}Start')(builder)
        for name, value in fields.items():
            getattr(tflite, f'{options}Add{name}')(builder, value)
        table = getattr(tflite, f'{options}End')(builder)
    input_vector, output_vector = _ints(builder, inputs), _ints(builder, outputs)
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, kinds.index(kind))
    tflite.OperatorAddInputs(builder, input_vector)
    tflite.OperatorAddOutputs(builder, output_vector)
    if table is not None:
        number = getattr(tflite.BuiltinOptions, options)
        tflite.OperatorAddBuiltinOptionsType(builder, number)
        tflite.OperatorAddBuiltinOptions(builder, table)
    return tflite.OperatorEnd(builder)


def _buffer(builder: Any, data: bytes) -> int:
    vector = builder.CreateByteVector(data) if data else None
    tflite.BufferStart(builder)
    if vector is not None:
        tflite.BufferAddData(builder, vector)
    return tflite.BufferEnd(builder)


def _ints(builder: Any, values: Sequence[int]) -> int:
    return builder.CreateNumpyVector(np.array(values, np.int32))


def _offsets(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


@pytest.fixture
def tiny() -> TinyModel:
    return TinyModel()


@pytest.fixture(scope='session')
def run_litert() -> Any:
    """Return a function that runs a model in LiteRT: inputs by name -> outputs by name."""
    interpreter_class = pytest.importorskip('ai_edge_litert.interpreter').Interpreter

    def run(data: bytes, feeds: dict[str, np.ndarray], names: Sequence[str] = ()) -> Any:
        keep_all = bool(names)
        interpreter = interpreter_class(
            model_content=data, num_threads=1, experimental_preserve_all_tensors=keep_all
        )
        interpreter.allocate_tensors()
        for entry in interpreter.get_input_details():
            interpreter.set_tensor(entry['index'], feeds[entry['name']])
        interpreter.invoke()
        entries = interpreter.get_tensor_details() if keep_all else (
            interpreter.get_output_details()
        )
        return {
            entry['name']: interpreter.get_tensor(entry['index'])
            for entry in entries if not keep_all or entry['name'] in names
        }

    return run


class TinyCatalogue:
    """A catalogue of our own, in place of the package's, and an empty store."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / 'cache'
        self.content: dict[str, Any] = {'packages': {}, 'models': {}}
        self.media: dict[str, Any] = {'packages': {}, 'media': {}}
        self.folder = folder / 'config'
        self.folder.mkdir()

    def add_package(self, key: str, **entry: str) -> None:
        self.content['packages'][key] = self.media['packages'][key] = entry
        self.write()

    def add_model(self, name: str, data: bytes, **entry: Any) -> None:
        """Add a model with one input t0 and one output t1."""
        self.content['models'][name] = {
            'task': 'testing', 'licence': 'MIT', 'converter': 'tflite', 'size': len(data),
            'sha256': sha256(data).hexdigest(),
            'inputs': {'x': {'tensor': 't0', 'shape': ['N', 4]}},
            'outputs': {'y': {'tensor': 't1', 'shape': ['N', 4]}}, **entry,
        }
        self.write()

    def add_medium(self, name: str, data: bytes, **entry: Any) -> None:
        self.media['media'][name] = {
            'shows': 'noise', 'licence': 'MIT', 'size': len(data),
            'sha256': sha256(data).hexdigest(), **entry,
        }
        self.write()

    def write(self) -> None:
        (self.folder / 'models.yaml').write_text(yaml.safe_dump(self.content))
        (self.folder / 'media.yaml').write_text(yaml.safe_dump(self.media))
        catalogue.load_models.cache_clear()
        catalogue.load_media.cache_clear()


@pytest.fixture
def own_catalogue(tmp_path, monkeypatch):
    own = TinyCatalogue(tmp_path)
    monkeypatch.setattr(catalogue, 'config_path', lambda name: own.folder / name)
    monkeypatch.setenv('HAND_ACTION_CACHE', str(own.cache))
    own.write()
    yield own
    monkeypatch.undo()
    catalogue.load_models.cache_clear()
    catalogue.load_media.cache_clear()


@pytest.fixture
def tflite_data(tiny) -> bytes:
    """Return a model whose output t1 is RELU of its input t0, (1, 4)."""
    return tiny.data(tiny.add('RELU', [tiny.input(1, 4)], (1, 4)))

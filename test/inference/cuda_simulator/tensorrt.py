"""A stand-in for TensorRT's Python module: engines are ONNX Runtime sessions.

It has the calls that are the same from 10.3 to 11 and fails as the real one does, by None and
False. Its `execute_async_v3` puts ONNX Runtime on the simulated stream, reading and writing the
addresses that were set. TENSORRT_FAULT names a call that is to fail.
"""

import ctypes
import io
import json
import os
import signal
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime

__version__ = os.environ.get('TENSORRT_VERSION', '10.3.0')
_MAGIC = b'stand-in plan '
_driver = ctypes.CDLL('libcuda.so.1')
_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_TYPES = {'tensor(float)': np.float32, 'tensor(int64)': np.int64, 'tensor(float16)': np.float16}


def _fails(name: str) -> bool:
    return os.environ.get('TENSORRT_FAULT') == name


class ILogger:
    class Severity(IntEnum):
        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2
        INFO = 3

    INTERNAL_ERROR, ERROR = Severity.INTERNAL_ERROR, Severity.ERROR


class IProgressMonitor:
    pass


class MemoryPoolType(IntEnum):
    WORKSPACE = 0


class TensorIOMode(IntEnum):
    INPUT = 1
    OUTPUT = 2


if int(__version__.split('.')[0]) < 10:
    NetworkDefinitionCreationFlag = IntEnum(
        'NetworkDefinitionCreationFlag', {'EXPLICIT_BATCH': 0}
    )
    BuilderFlag = IntEnum('BuilderFlag', {'FP16': 0, 'INT8': 1})
else:
    NetworkDefinitionCreationFlag = IntEnum(
        'NetworkDefinitionCreationFlag', {'STRONGLY_TYPED': 1}
    )


def nptype(kind: str) -> type:
    if kind not in _TYPES:
        raise TypeError(f'Could not resolve TensorRT datatype {kind}')
    return _TYPES[kind]


class Builder:
    def __init__(self, logger):
        self._logger = logger

    def create_network(self, flags):
        if _fails('create_network'):
            self._logger.log(ILogger.ERROR, 'no memory for a network')
            return None
        return SimpleNamespace(flags=flags, num_inputs=0, data=b'')

    def create_builder_config(self):
        return _Config()

    def create_optimization_profile(self):
        return SimpleNamespace(shapes={}, set_shape=lambda *_: None)

    def build_serialized_network(self, network, config):
        if _fails('killed'):  # as by the kernel where memory has run out
            os.kill(os.getpid(), signal.SIGKILL)
        if _fails('build'):
            self._logger.log(ILogger.ERROR, 'Could not find any implementation for node Conv_0')
            return None
        config.progress_monitor.phase_start('building', None, 2)
        config.progress_monitor.phase_start('inner', 'building', 9)
        for step in range(2):
            config.progress_monitor.step_complete('building', step)
        config.progress_monitor.phase_finish('building')
        with Path(os.environ['TENSORRT_BUILDS']).open('a') as file:
            file.write(f'{json.dumps({"flags": network.flags, "allowed": config.allowed})}\n')
        return _MAGIC + __version__.encode() + b'\0' + network.data


class _Config:
    def __init__(self):
        self.progress_monitor, self.allowed = None, []

    def set_memory_pool_limit(self, pool, size):
        pass

    def set_flag(self, flag):
        self.allowed.append(flag.name)

    def create_timing_cache(self, data):
        return SimpleNamespace(serialize=lambda: data or b'timings')

    def set_timing_cache(self, cache, ignore_mismatch):
        return True

    def add_optimization_profile(self, profile):
        return -1 if _fails('profile') else 0


class OnnxParser:
    def __init__(self, network, logger):
        self._network = network
        self.num_errors = 0

    def parse_from_file(self, path):
        if _fails('parse'):
            self.num_errors = 1
            return False
        self._network.data = Path(path).read_bytes()
        values = onnx.load_from_string(self._network.data).graph.input
        self._network.num_inputs = len(values)
        self._network.get_input = lambda index: SimpleNamespace(
            name=values[index].name,
            shape=[axis.dim_value or -1 for axis in values[index].type.tensor_type.shape.dim],
        )
        return True

    def get_error(self, index):
        return 'In node 3 (importHardmax): UNSUPPORTED_NODE'


class Runtime:
    def __init__(self, logger):
        self._logger = logger

    def deserialize_cuda_engine(self, plan):
        prefix = _MAGIC + __version__.encode() + b'\0'
        if not plan.startswith(prefix) or _fails('deserialize'):
            self._logger.log(ILogger.ERROR, 'Serialization assertion failed')
            return None
        return _Engine(plan[len(prefix):], self._logger)


class _Engine:
    def __init__(self, data, logger):
        self.logger = logger
        self.session = onnxruntime.InferenceSession(
            io.BytesIO(data).getvalue(), providers=['CPUExecutionProvider']
        )
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        self.tensors = {node.name: node for node in [*inputs, *outputs]}
        self.modes = {node.name: TensorIOMode.INPUT for node in inputs}
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, index):
        return list(self.tensors)[index]

    def get_tensor_shape(self, name):
        return tuple(
            size if isinstance(size, int) else -1 for size in self.tensors[name].shape
        )

    def get_tensor_mode(self, name):
        return self.modes.get(name, TensorIOMode.OUTPUT)

    def get_tensor_dtype(self, name):
        return 'DataType.BF16' if _fails('dtype') else self.tensors[name].type

    def create_execution_context(self):
        if _fails('context'):
            self.logger.log(ILogger.ERROR, 'out of memory')
            return None
        return _Execution(self)


class _Execution:
    def __init__(self, engine):
        self._engine = engine
        self._shapes, self._addresses, self._calls = {}, {}, []

    def set_input_shape(self, name, shape):
        self._shapes[name] = tuple(shape)
        return not _fails('shape')

    def get_tensor_shape(self, name):
        if _fails('output_shape'):
            return (-1, 3)
        shape = self._engine.get_tensor_shape(name)
        batch = next(iter(self._shapes.values()))[0] if self._shapes else 1
        return tuple(batch if size < 0 else size for size in shape)

    def set_tensor_address(self, name, address):
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream):
        if _fails('execute'):
            self._engine.logger.log(ILogger.ERROR, 'Cask convolution execution')
            return False
        work = _Work(self._engine, self._array, dict(self._addresses))
        self._calls.append(work)  # as kernels of a recorded graph, it is called again
        return _driver.simLaunch(ctypes.c_void_p(stream), work.callback, None) == 0

    def _array(self, name, address):
        node = self._engine.tensors[name]
        shape = self._shapes.get(name) or self.get_tensor_shape(name)
        dtype = np.dtype(_TYPES[node.type])
        size = int(np.prod(shape)) * dtype.itemsize
        memory = (ctypes.c_char * size).from_address(address)
        return np.frombuffer(memory, dtype).reshape(shape)


class _Work:
    """One launch, its shapes fixed as those of a kernel."""

    def __init__(self, engine, array, addresses):
        session = engine.session
        arrays = {name: array(name, address) for name, address in addresses.items()}
        feeds = {node.name: arrays[node.name] for node in session.get_inputs()}

        def call(_):
            for node, result in zip(session.get_outputs(), session.run(None, feeds)):
                arrays[node.name][...] = result

        self.callback = _CALLBACK(call)

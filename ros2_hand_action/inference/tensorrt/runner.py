"""An engine on the device: memory, stream, recorded runs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.session import TensorSpec
from ros2_hand_action.inference.tensorrt.bindings import Bindings
from ros2_hand_action.inference.tensorrt.engine import describe_tensors, largest_batch
from ros2_hand_action.inference.tensorrt.graph import CaptureError, RecordedRun
from ros2_hand_action.inference.tensorrt.memory import BufferSet, Shape

_SLOTS = 2
"""While a call's one batch is on the device, the host fills or reads the other's memory."""
_NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING."""


class Slot:
    """Memory for one batch, and its recorded runs by the batch's size."""

    def __init__(self, cuda: Any, largest: Mapping[str, tuple[Shape, np.dtype]]) -> None:
        self.buffers = BufferSet(cuda, largest)
        self.done = cuda.Event()
        self.recorded: dict[int, RecordedRun] = {}

    def free(self) -> None:
        """Give everything back."""
        for run in self.recorded.values():
            run.free()
        self.recorded = {}
        self.buffers.free()
        del self.done


class EngineRunner:
    """An engine with its stream, memory and recorded runs; every call needs the context.

    Parameters
    ----------
    bindings : Bindings
    engine : tensorrt.ICudaEngine
    logger
        Of `log.make_logger`.
    where : Path
        The network's file, for messages.
    graphs : bool
        Whether runs are recorded as CUDA graphs where the driver allows it.
    """

    def __init__(
        self, bindings: Bindings, engine: Any, *, logger: Any, where: Path, graphs: bool = True
    ) -> None:
        self._cuda, self._logger, self._where = bindings.cuda, logger, where
        self.inputs, self.outputs = describe_tensors(bindings.trt, engine)
        self._engine = engine
        self._execution = self._expect(engine.create_execution_context(), 'start')
        self._stream = self._cuda.Stream(_NON_BLOCKING)
        self.max_batch = largest_batch(self.inputs)
        self._batch = 0
        self._shapes: dict[str, Shape] = {}
        self._set_batch(self.max_batch)
        largest = {
            spec.name: (self._shapes[spec.name], spec.dtype)
            for spec in (*self.inputs, *self.outputs)
        }
        self._slots: list[Slot] = []
        try:
            for _ in range(_SLOTS):
                self._slots.append(Slot(self._cuda, largest))
        except ModelError:
            self.free()
            raise
        self.capture_problem = '' if graphs else 'not asked for'

    def start(self, index: int, feeds: Mapping[str, np.ndarray], batch: int) -> None:
        """Put a batch on the stream without waiting for it."""
        slot = self._slots[index % _SLOTS]
        for name, array in feeds.items():
            np.copyto(slot.buffers[name].host(array.shape), array)
        recorded = slot.recorded.get(batch) or self._record(slot, batch)
        if recorded is None:
            self._enqueue(slot, batch)
        else:
            recorded.launch()
        slot.done.record(self._stream)

    def finish(self, index: int, batch: int) -> dict[str, np.ndarray]:
        """Wait for a batch and return copies of its outputs."""
        slot = self._slots[index % _SLOTS]
        slot.done.synchronize()
        return {
            spec.name: slot.buffers[spec.name].host(_sized(spec, self._shapes, batch)).copy()
            for spec in self.outputs
        }

    def free(self) -> None:
        """Give everything back."""
        if self._stream is not None:
            self._stream.synchronize()
        for slot in self._slots:
            slot.free()
        self._slots = []
        self._execution = self._engine = self._stream = None

    def _record(self, slot: Slot, batch: int) -> RecordedRun | None:
        """Record a run of this size; None where that cannot be done."""
        if self.capture_problem:
            return None
        self._enqueue(slot, batch)  # TensorRT finishes its own set-up in a first run
        self._stream.synchronize()
        try:
            slot.recorded[batch] = RecordedRun(
                self._stream.handle, lambda: self._enqueue(slot, batch)
            )
        except (CaptureError, ModelError, self._cuda.Error) as error:
            self.capture_problem = str(error)
            print(
                f'no CUDA graph for {str(self._where)!r}: {error}; its runs are started call by '
                'call', file=sys.stderr,
            )
            return None
        return slot.recorded[batch]

    def _enqueue(self, slot: Slot, batch: int) -> None:
        self._set_batch(batch)
        for name, buffer in slot.buffers.items():
            self._expect(self._execution.set_tensor_address(name, buffer.address), 'address')
        for spec in self.inputs:
            slot.buffers[spec.name].upload(self._shapes[spec.name], self._stream)
        self._expect(self._execution.execute_async_v3(self._stream.handle), 'run')
        for spec in self.outputs:
            slot.buffers[spec.name].download(self._shapes[spec.name], self._stream)

    def _set_batch(self, batch: int) -> None:
        """Tell TensorRT the inputs' shapes and learn those of the outputs."""
        if batch == self._batch:
            return
        for spec in self.inputs:
            shape = tuple(batch if size is None else size for size in spec.shape)
            self._expect(self._execution.set_input_shape(spec.name, shape), f'take {shape} in')
            self._shapes[spec.name] = shape
        for spec in self.outputs:
            shape = tuple(self._execution.get_tensor_shape(spec.name))
            if min(shape, default=0) < 0:
                raise ModelError(
                    f'{str(self._where)!r}: output {spec.name!r} has shape {shape}, which depends '
                    'on the data: cut the network before it'
                )
            self._shapes[spec.name] = shape
        self._batch = batch

    def _expect(self, result: Any, action: str) -> Any:
        """Return what TensorRT gave, which is None or False where it failed."""
        if result is None or result is False:
            raise ModelError(
                f'TensorRT cannot {action} {str(self._where)!r}: {self._logger.explain()}'
            )
        return result


def _sized(spec: TensorSpec, shapes: Mapping[str, Shape], batch: int) -> Shape:
    """Return an output's shape for a batch of this size."""
    return tuple(
        batch if size is None and axis == 0 else known
        for axis, (size, known) in enumerate(zip(spec.shape, shapes[spec.name]))
    )

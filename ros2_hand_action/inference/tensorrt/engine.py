"""Engines: built from ONNX, loaded from a plan, and what their tensors are."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.session import TensorSpec, format_shape

MAX_BATCH = 8
"""Largest first dimension where that is free; engines are tuned for OPTIMAL_BATCH."""
OPTIMAL_BATCH = 2
_INPUT_BYTES = 64 << 20
"""An input has at most so many: a clip of 32 images has 19 MB, and is there four times."""
_WORKSPACE_BYTES = 1 << 30

Progress = Callable[[str, float], object]
"""Called with the phase's name and how much of it is done, 0 to 1."""


@dataclass(frozen=True)
class Profile:
    """The shapes that an input may have, as TensorRT's optimisation profiles."""

    name: str
    least: tuple[int, ...]
    optimal: tuple[int, ...]
    largest: tuple[int, ...]


def build_plan(
    trt: Any, logger: Any, onnx_file: Path, *, precision: str = 'fp32', timing_cache: bytes = b'',
    progress: Progress = lambda _name, _done: None,
) -> tuple[bytes, bytes]:
    """Return the serialised engine of a network and the timings that were measured for it.

    Precision is that of the graph, the only way that TensorRT 11 has; before 10, `precision` also
    has to allow it.

    Raises
    ------
    ModelError
        With TensorRT's own words where it cannot read or build the network.
    """
    builder = _expect(trt.Builder(logger), 'make a builder', onnx_file, logger)
    network = _expect(builder.create_network(_network_flags(trt)), 'start', onnx_file, logger)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(onnx_file)):
        raise _failure('read', onnx_file, _parser_errors(parser) or logger.explain())
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE_BYTES)
    if not _has_strong_types(trt) and precision != 'fp32':
        config.set_flag(getattr(trt.BuilderFlag, precision.upper()))
    timings = config.create_timing_cache(timing_cache)
    config.set_timing_cache(timings, ignore_mismatch=False)
    _add_profile(builder, config, network, onnx_file)
    if hasattr(trt, 'IProgressMonitor'):
        config.progress_monitor = _make_monitor(trt, progress)
    plan = _expect(
        builder.build_serialized_network(network, config), 'build', onnx_file, logger
    )
    return bytes(plan), bytes(timings.serialize())


def largest_batch(specs: Sequence[TensorSpec]) -> int:
    """Return the largest first dimension of inputs: 1 where it is fixed, up to MAX_BATCH."""
    if not any(None in spec.shape for spec in specs):
        return 1
    row_bytes = max(
        math.prod(size or 1 for size in spec.shape[1:]) * spec.dtype.itemsize for spec in specs
    )
    return max(1, min(MAX_BATCH, _INPUT_BYTES // max(row_bytes, 1)))


def make_profiles(specs: Sequence[TensorSpec], *, where: object) -> list[Profile]:
    """Return the profiles of inputs whose first dimension may be free, and no other."""
    profiles = []
    largest = largest_batch(specs)
    for spec in specs:
        if None in spec.shape[1:]:
            raise ModelError(
                f'{str(where)!r}: input {spec.name!r} has shape {format_shape(spec.shape)}; only '
                'its first dimension may be free: export it with fixed sizes'
            )
        if None in spec.shape:
            rest = tuple(size for size in spec.shape[1:] if size is not None)
            optimal = min(OPTIMAL_BATCH, largest)
            profiles.append(Profile(spec.name, (1, *rest), (optimal, *rest), (largest, *rest)))
    return profiles


def load_engine(trt: Any, logger: Any, plan: bytes) -> Any:
    """Return an engine out of a plan, None where it is not one of this TensorRT and GPU."""
    return trt.Runtime(logger).deserialize_cuda_engine(plan)


def describe_tensors(trt: Any, engine: Any) -> tuple[list[TensorSpec], list[TensorSpec]]:
    """Return inputs and outputs; raises ModelError for a type that numpy does not have."""
    inputs: list[TensorSpec] = []
    outputs: list[TensorSpec] = []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        shape = tuple(None if size < 0 else size for size in engine.get_tensor_shape(name))
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        (inputs if is_input else outputs).append(
            TensorSpec(name, shape, _dtype(trt, engine, name))
        )
    return inputs, outputs


def _dtype(trt: Any, engine: Any, name: str) -> np.dtype:
    kind = engine.get_tensor_dtype(name)
    try:
        return np.dtype(trt.nptype(kind))
    except TypeError as error:
        raise ModelError(
            f'tensor {name!r} is {kind}, which numpy does not have: export the network with '
            'float32 inputs and outputs'
        ) from error


def _network_flags(trt: Any) -> int:
    """Return the flag for the types of the graph, or before 10 that for its free dimensions."""
    kinds = trt.NetworkDefinitionCreationFlag
    kind = kinds.STRONGLY_TYPED if _has_strong_types(trt) else kinds.EXPLICIT_BATCH
    return 1 << int(kind)


def _has_strong_types(trt: Any) -> bool:
    return hasattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')


def _add_profile(builder: Any, config: Any, network: Any, onnx_file: Path) -> None:
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    specs = [
        TensorSpec(
            tensor.name, tuple(None if size < 0 else size for size in tensor.shape),
            np.dtype(np.float32),
        )
        for tensor in inputs
    ]
    profiles = make_profiles(specs, where=onnx_file)
    if not profiles:
        return
    shapes = builder.create_optimization_profile()
    for profile in profiles:
        shapes.set_shape(profile.name, profile.least, profile.optimal, profile.largest)
    if config.add_optimization_profile(shapes) < 0:
        raise ModelError(f'{str(onnx_file)!r}: TensorRT refuses the shapes {profiles}')


def _make_monitor(trt: Any, progress: Progress) -> Any:
    """Return a monitor that tells how far the outermost phase is."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # chosen at run time
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            if parent is None:
                self._steps[name] = max(steps, 1)

        def step_complete(self, name: str, step: int) -> bool:
            if name in self._steps:
                progress(name, min((step + 1) / self._steps[name], 1.0))
            return True

        def phase_finish(self, name: str) -> None:
            if self._steps.pop(name, None):
                progress(name, 1.0)

    return Monitor()


def _parser_errors(parser: Any) -> str:
    return '; '.join(str(parser.get_error(index)) for index in range(parser.num_errors))


def _expect(result: Any, action: str, onnx_file: Path, logger: Any) -> Any:
    """Return what TensorRT gave, which is None where it failed."""
    if result is None:
        raise _failure(action, onnx_file, logger.explain())
    return result


def _failure(action: str, onnx_file: Path, reason: str) -> ModelError:
    return ModelError(
        f'TensorRT cannot {action} {str(onnx_file)!r}: {reason}; use backend: onnxruntime for it'
    )

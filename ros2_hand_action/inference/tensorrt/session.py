"""TensorRT as an inference back end: the session, and how one is opened."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ros2_hand_action.errors import ModelError, NotBuiltError, TensorMismatchError
from ros2_hand_action.inference.backend_session import BackendSession
from ros2_hand_action.inference.session import SessionOptions, check_feeds
from ros2_hand_action.inference.tensorrt.bindings import Bindings, load_bindings
from ros2_hand_action.inference.tensorrt.cache import EngineCache, EngineKey, network_sha256
from ros2_hand_action.inference.tensorrt.context import DeviceContext
from ros2_hand_action.inference.tensorrt.driver import probe_driver
from ros2_hand_action.inference.tensorrt.engine import (
    MAX_BATCH,
    Progress,
    build_plan,
    load_engine,
)
from ros2_hand_action.inference.tensorrt.graph import CaptureError
from ros2_hand_action.inference.tensorrt.log import make_logger
from ros2_hand_action.inference.tensorrt.runner import EngineRunner


class TensorRtSession(BackendSession):
    """An `InferenceSession` on a GPU; `TensorRtSession.open` makes one.

    Threads may share one: they take turns, and `close` waits for a run.

    Parameters
    ----------
    runner : EngineRunner
    context : DeviceContext
    cuda_error : type
        PyCUDA's base of all errors.
    where : Path
        The network's file, for messages.
    description : str
    """

    def __init__(
        self,
        runner: EngineRunner,
        context: DeviceContext,
        *,
        cuda_error: type[Exception],
        where: Path,
        description: str,
    ) -> None:
        super().__init__(
            where, inputs=runner.inputs, outputs=runner.outputs, description=description
        )
        self._runner: EngineRunner | None = runner
        self._turn = threading.Lock()  # memory, stream and shapes are those of one run at a time
        self._context, self._cuda_error = context, cuda_error
        self._max_batch = runner.max_batch

    @classmethod
    def open(
        cls, path: Path, options: SessionOptions, *, graphs: bool = True
    ) -> 'TensorRtSession':
        """Load a network, building its engine where the cache has none and `options` allow it.

        Building takes minutes on a Jetson: `hand-action models build` does it beforehand.
        `graphs`: whether runs are recorded as CUDA graphs where the driver allows it.

        Raises
        ------
        NotBuiltError
            If the engine is missing or stale and is not to be built.
        """
        bindings = load_bindings()
        logger = make_logger(bindings.trt)
        context = DeviceContext(bindings)
        progress = _say_progress if options.build else None
        with context.active():
            engine = _obtain_engine(bindings, logger, path, options.precision, progress)
            runner = EngineRunner(
                bindings, engine, logger=logger, where=path, graphs=graphs
            )
        return cls(
            runner, context, cuda_error=bindings.cuda.Error, where=path,
            description=(
                f'tensorrt {bindings.trt.__version__} {_device().name} {options.precision}'
            ),
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the network; more than the largest batch in several, one prepared meanwhile.

        Raises
        ------
        TensorMismatchError
            If `feeds` does not fit the inputs.
        ModelError
            If the session is closed, or TensorRT or the driver fails.
        """
        with self._turn:
            runner = self._opened()
            check_feeds(self._inputs, feeds)
            total = self._total(feeds)
            try:
                with self._context.active():
                    parts = self._run_parts(runner, feeds, total)
            except (self._cuda_error, CaptureError) as error:
                raise ModelError(f'the GPU failed in {str(self._path)!r}: {error}') from error
        if len(parts) == 1:
            return parts[0]
        return {
            spec.name: np.concatenate([part[spec.name] for part in parts])
            for spec in self._outputs
        }

    @property
    def max_batch(self) -> int:
        """Rows that go to the device at once; more are run in parts."""
        return self._max_batch

    @property
    def capture_problem(self) -> str:
        """Why runs are not recorded as CUDA graphs; '' where they are, or none was made yet."""
        return self._opened().capture_problem

    def close(self) -> None:
        """Free the network; may be called again, and in any thread."""
        with self._turn:
            if self._runner is not None:
                with self._context.active():
                    self._runner.free()
                self._runner = None

    def _opened(self) -> EngineRunner:
        if self._runner is None:
            raise self._make_closed_error()
        return self._runner

    def _total(self, feeds: Mapping[str, np.ndarray]) -> int:
        """Return the first dimension of the inputs where it is free, else 1."""
        sizes = {len(feeds[spec.name]) for spec in self._inputs if None in spec.shape}
        if len(sizes) > 1 or 0 in sizes:
            raise TensorMismatchError(
                f'inputs of {str(self._path)!r} have first dimensions {sorted(sizes)}: give all '
                'the same, at least 1'
            )
        return sizes.pop() if sizes else 1

    def _run_parts(
        self, runner: EngineRunner, feeds: Mapping[str, np.ndarray], total: int
    ) -> list[dict[str, np.ndarray]]:
        starts = range(0, total, self._max_batch)
        sizes = [min(self._max_batch, total - start) for start in starts]
        results: list[dict[str, np.ndarray]] = []
        for index, (start, size) in enumerate(zip(starts, sizes)):
            part = feeds if len(sizes) == 1 else {
                spec.name: feeds[spec.name][start:start + size] for spec in self._inputs
            }
            runner.start(index, part, size)
            if index:
                results.append(runner.finish(index - 1, sizes[index - 1]))
        return [*results, runner.finish(len(sizes) - 1, sizes[-1])]


def prepare_engine(path: Path, *, precision: str, progress: Progress) -> bool:
    """Build a network's engine into the cache; returns whether that was necessary.

    Raises
    ------
    ModelError
        If it cannot be built, or the driver fails.
    """
    bindings = load_bindings()
    phases: set[str] = set()

    def note(name: str, done: float) -> None:
        phases.add(name)
        progress(name, done)

    try:
        with DeviceContext(bindings).active():
            _obtain_engine(bindings, make_logger(bindings.trt), path, precision, note)
    except bindings.cuda.Error as error:
        raise ModelError(f'the GPU failed in {str(path)!r}: {error}') from error
    return bool(phases)


def _obtain_engine(
    bindings: Bindings, logger: Any, path: Path, precision: str, progress: Progress | None
) -> Any:
    """Return the engine; without `progress` it is not built."""
    trt, cache = bindings.trt, EngineCache()
    device = _device()
    key = EngineKey(
        network_sha256=network_sha256(path), tensorrt=trt.__version__,
        device=f'{device.name} sm_{device.capability[0]}{device.capability[1]}',
        precision=precision, largest_batch=MAX_BATCH,
    )
    engines: list[Any] = []

    def accept(plan: bytes) -> bool:
        engines[:] = [load_engine(trt, logger, plan)]
        return engines[0] is not None

    if progress is None:
        if not cache.find(key, accept):
            raise NotBuiltError(path, precision)
        return engines[0]
    tell = progress

    def build() -> bytes:
        tell('waiting for TensorRT', 0.0)
        plan, timings = build_plan(
            trt, logger, path, precision=precision, timing_cache=cache.read_timings(key),
            progress=tell,
        )
        cache.write_timings(key, timings)
        return plan

    cache.load(key, build=build, accept=accept)
    return engines[0]


def _device() -> Any:
    return probe_driver().devices[0]


def _say_progress(name: str, done: float) -> None:
    print(f'building a TensorRT engine: {name} {done:.0%}', file=sys.stderr)

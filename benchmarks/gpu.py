"""Build, check and time every network on a GPU; say what could not be done, and why.

    hand-action models fetch --all
    python benchmarks/gpu.py --json gpu.json [--only NAME|FILE.onnx ...]

With TensorRT: engines are built anew, their answers are held against ONNX Runtime's on the
processor, and runs are timed with and without CUDA graphs. Without it, ONNX Runtime's CUDA
provider is timed where there is one: the networks' floor on that device. Times are those of a
whole call, copies to and from the device among them. Networks in 8 bits take part where
`hand-action models quantize` has made them.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from gpu_report import NotDone, Row, describe_machine, format_table, write_figures
from own_cache import own_cache
from tqdm import tqdm

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.inference import find_problem
from ros2_hand_action.inference.onnxruntime_backend import OnnxRuntimeSession
from ros2_hand_action.inference.session import PRECISIONS, InferenceSession, SessionOptions
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.precision import precision_file
from ros2_hand_action.models.store import State, model_path, model_state

BATCHES = (1, 4, 16)
BOUNDS = {'fp32': 0.01, 'fp16': 0.03, 'int8': 0.3}
"""Largest difference of an output from single precision on the processor, as a part of its
norm. TensorRT rounds to 10 bits (TF32) inside of single precision; the inputs are noise, on
which 8 bits lose more than on pictures."""
WARM_UP = 5
_CUDA = 'CUDAExecutionProvider'


Opened = tuple[str, InferenceSession, float]
"""Runtime, session and the seconds that it took to open it."""
OpenAll = Callable[[Path, str], Iterator[Opened | NotDone]]
"""Opens a network in a precision in each way that there is."""


def open_tensorrt(path: Path, precision: str) -> Iterator[Opened | NotDone]:
    """Yield a session that records CUDA graphs, then one that does not."""
    from ros2_hand_action.inference.tensorrt.session import TensorRtSession

    options = SessionOptions(backend='tensorrt', precision=precision)
    for graphs in (True, False):
        begun = time.perf_counter()
        session = TensorRtSession.open(precision_file(path, precision), options, graphs=graphs)
        try:
            took_s = time.perf_counter() - begun
            session.warm_up()
            if graphs and session.capture_problem:
                yield NotDone(
                    f'{path.stem} {precision}, graph', f'no CUDA graph: {session.capture_problem}'
                )
            else:
                yield 'tensorrt, graph' if graphs else 'tensorrt', session, took_s
        finally:
            session.close()


def open_onnxruntime(path: Path, precision: str) -> Iterator[Opened | NotDone]:
    """Yield a session on the device, or the processor where the provider is absent."""
    begun = time.perf_counter()
    options = SessionOptions(precision=precision)
    session = OnnxRuntimeSession(precision_file(path, precision), options)
    try:
        if _CUDA in onnxruntime.get_available_providers() and _CUDA not in session.description:
            raise HandActionError(f'{_CUDA} is there and does not load: {session.description}')
        runtime = session.description.rpartition(' ')[0]  # without the precision
        yield runtime, session, time.perf_counter() - begun
    finally:
        session.close()


def choose_runtime(processor: bool) -> tuple[OpenAll | None, list[NotDone]]:
    """Return how networks are opened, None where there is no way; and what that leaves out."""
    problem = find_problem('tensorrt')
    if not problem:
        return open_tensorrt, []
    left_out = [NotDone('TensorRT engines: build, check, time', problem)]
    if _CUDA in onnxruntime.get_available_providers():
        return open_onnxruntime, left_out
    reason = f'this ONNX Runtime has {onnxruntime.get_available_providers()}'
    left_out.append(NotDone("ONNX Runtime's CUDA provider", reason))
    return (open_onnxruntime if processor else None), left_out


def list_networks(names: Sequence[str]) -> tuple[dict[str, Path], list[NotDone]]:
    """Return the files of networks by name, and those that are not here."""
    files = {Path(name).stem: Path(name) for name in names if name.endswith('.onnx')}
    missing = []
    for name, model in load_models().items():
        if names and name not in names:
            continue
        if model_state(model) is State.READY:
            files[name] = model_path(name)
        else:
            missing.append(NotDone(name, model_state(model).value))
    return files, missing


def make_feeds(session: InferenceSession, batch: int) -> dict[str, np.ndarray] | None:
    """Return noise from 0 to 1, None where the network does not take that batch."""
    if any(spec.shape[0] not in (None, batch) for spec in session.inputs):
        return None
    random = np.random.default_rng(batch)
    return {
        spec.name: random.random((batch, *(size or 1 for size in spec.shape[1:]))).astype(
            spec.dtype
        ) for spec in session.inputs
    }


class Reference:
    """What ONNX Runtime says of a network on the processor, in single precision; run once."""

    def __init__(self, path: Path) -> None:
        self._session = onnxruntime.InferenceSession(
            str(path), providers=['CPUExecutionProvider']
        )
        self._names = [node.name for node in self._session.get_outputs()]
        self._known: dict[int, dict[str, np.ndarray]] = {}

    def run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of `make_feeds`, which are told apart by their batch."""
        batch = len(next(iter(feeds.values())))
        if batch not in self._known:
            outputs = self._session.run(self._names, feeds)
            self._known[batch] = dict(zip(self._names, outputs))
        return self._known[batch]


def measure_difference(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> float:
    """Return the largest difference of an output, as a part of its norm."""
    return max(
        float(np.linalg.norm(found[name] - array) / max(float(np.linalg.norm(array)), 1e-9))
        for name, array in wanted.items()
    )


def measure_ms(
    session: InferenceSession, feeds: dict[str, np.ndarray], seconds: float
) -> tuple[float, float]:
    """Return median and 95 % of the time of a call, over some seconds."""
    for _ in range(WARM_UP):
        session.run(feeds)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begun = time.perf_counter()
        session.run(feeds)
        times.append(time.perf_counter() - begun)
    median, p95 = np.percentile(times, [50, 95])
    return 1e3 * float(median), 1e3 * float(p95)


def look_at(
    name: str, reference: Reference, opened: Opened, *, precision: str, seconds: float
) -> Iterator[Row | NotDone]:
    """Yield a row for each batch, or why there is none."""
    runtime, session, build_s = opened
    largest = getattr(session, 'max_batch', max(BATCHES))
    for batch in BATCHES:
        feeds = make_feeds(session, batch)
        if feeds is None:
            shape = session.inputs[0].shape
            yield NotDone(f'{name} {precision} batch {batch}', f'it takes {shape} only')
            continue
        try:
            difference = measure_difference(session.run(feeds), reference.run(feeds))
            median, p95 = measure_ms(session, feeds, seconds)
        except HandActionError as error:
            yield NotDone(f'{name} {runtime} {precision} batch {batch}', str(error))
            continue
        yield Row(
            name, runtime, precision, batch, -(-batch // largest), build_s, difference,
            difference <= BOUNDS[precision], median, p95,
        )


def run_all(
    files: dict[str, Path], open_all: OpenAll, seconds: float
) -> Iterator[Row | NotDone]:
    """Yield what comes of each network in each precision."""
    for name, path in tqdm(files.items(), 'networks', file=sys.stderr):
        try:
            reference = Reference(path)
        except Exception as error:  # ONNX Runtime's own errors share no base class
            yield NotDone(name, str(error))
            continue
        for precision in PRECISIONS:
            try:
                for opened in open_all(path, precision):
                    if isinstance(opened, NotDone):
                        yield opened
                        continue
                    yield from look_at(
                        name, reference, opened, precision=precision, seconds=seconds
                    )
            except HandActionError as error:
                yield NotDone(f'{name} {precision}', str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all; status 1 if an answer is too far from the processor's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--only', nargs='+', default=[], metavar='NAME|FILE.onnx')
    parser.add_argument('--json', type=Path, metavar='FILE')
    parser.add_argument('--seconds', type=float, default=1.0, help='of each (%(default)s)')
    parser.add_argument(
        '--processor', action='store_true', help='without a GPU: time the processor'
    )
    parsed = parser.parse_args(arguments)
    machine = describe_machine()
    with own_cache('models', 'sources', 'derived'):
        open_all, not_done = choose_runtime(parsed.processor)
        files, missing = list_networks(parsed.only)
        rows: list[Row] = []
        not_done += missing
        for each in run_all(files, open_all, parsed.seconds) if open_all else ():
            if isinstance(each, Row):
                rows.append(each)
            else:
                not_done.append(each)
            if parsed.json:  # a machine that is lent may be taken away
                write_figures(parsed.json, machine, rows, not_done)
    print(', '.join(f'{name}: {value}' for name, value in machine.items()))
    print(format_table(rows))
    print('\nnot done:')
    for what, why in not_done:
        print(f'- {what}: {why}')
    if parsed.json:
        write_figures(parsed.json, machine, rows, not_done)
    return int(not all(row.is_near for row in rows))


if __name__ == '__main__':
    sys.exit(main())

"""Time the converted networks in ONNX Runtime against LiteRT, and against another converter's.

    hand-action models fetch
    python benchmarks/networks.py [--other FOLDER]

FOLDER holds NAME.onnx as another converter wrote them, one input each. All are run on one thread
in turns and timed by that thread's own clock, so that a busy machine slows all alike; the fastest
tenth counts.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_path, model_state, source_file

ROUNDS = 200
QUANTILE = 0.1


def main() -> None:
    """Print one row per network that is here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--other', type=Path, help='folder of NAME.onnx by another converter')
    parser.add_argument('--rounds', type=int, default=ROUNDS, help='runs of each (%(default)s)')
    arguments = parser.parse_args()
    print(f'{"network":<26} {"ours":>8} {"LiteRT":>8} {"other":>8}   ms, one thread')
    for name, model in load_models().items():
        if model_state(model) is not State.READY or model.converter.value != 'tflite':
            continue
        runs = {'ours': onnx_run(model_path(name)), 'LiteRT': litert_run(source_file(model))}
        other = arguments.other / f'{name}.onnx' if arguments.other else None
        if other is not None and other.is_file():
            runs['other'] = onnx_run(other)
        times = time_in_turns(runs, arguments.rounds)
        cells = [f'{times[key]:8.2f}' if key in times else f'{"-":>8}' for key in (
            'ours', 'LiteRT', 'other')]
        print(f'{name:<26} {" ".join(cells)}', flush=True)


def onnx_run(path: Path) -> Callable[[], Any]:
    """Return a function that runs an ONNX file once on noise."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(path), options, providers=['CPUExecutionProvider']
    )
    feeds = {
        value.name: noise([size if isinstance(size, int) else 1 for size in value.shape])
        for value in session.get_inputs()
    }
    return lambda: session.run(None, feeds)


def litert_run(path: Path) -> Callable[[], Any]:
    """Return a function that runs a .tflite file once on noise."""
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    for entry in interpreter.get_input_details():
        interpreter.set_tensor(entry['index'], noise(entry['shape']))
    return lambda: interpreter.invoke()


def noise(shape: Any) -> np.ndarray:
    """Return float32 in 0 to 1."""
    return np.random.default_rng(0).random(tuple(shape), dtype=np.float32)


def time_in_turns(runs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the time of the fastest tenth of each function's runs, in ms."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.thread_time()
            run()
            taken[name].append(1e3 * (time.thread_time() - start))
    return {name: float(np.quantile(values, QUANTILE)) for name, values in taken.items()}


if __name__ == '__main__':
    main()

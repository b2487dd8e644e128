"""Where the activations of a network are cut in 8 bits, and which of its layers bear that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.quantised_graph import (
    LEVELS,
    Layer,
    equalise_channels,
    find_scalable,
    quantise_layers,
    with_outputs,
)

Feeds = Mapping[str, np.ndarray]

LARGEST_ERROR = 0.1
"""Layers are in 8 bits up to this sum of their errors (root of squares, of the outputs' own
variation). It is an upper bound: together they move outputs by about two thirds of it."""
_LOOKS = 8
"""Samples on which each layer is tried by itself."""
_BINS = 2048
_KEPT_VALUES = 8192
"""Values of an activation that are looked at in one sample."""
_CUTS = np.linspace(0.05, 1, 96)


def equalise(network: Any, layers: Sequence[Layer], samples: Sequence[Feeds]) -> Any:
    """Return the same function with channels scaled as 8 bits want them."""
    names = list(find_scalable(network, layers))
    peaks: dict[str, np.ndarray] = {}
    for values in _watch(network, names, samples):
        for name, array in values.items():
            largest = np.abs(array).max(axis=(0, *range(2, array.ndim)))
            peaks[name] = np.maximum(peaks.get(name, 0.0), largest)
    return equalise_channels(network, layers, peaks)


def measure_ranges(
    network: Any, layers: Sequence[Layer], samples: Sequence[Feeds]
) -> dict[str, float]:
    """Return where each layer's activation is best cut: least squared error in 8 bits."""
    names = list(dict.fromkeys(layer.activation for layer in layers))
    peaks = dict.fromkeys(names, 0.0)
    seen: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for values in _watch(network, names, samples):
        for name, array in values.items():
            sizes = np.abs(array).ravel()
            peaks[name] = max(peaks[name], float(sizes.max()))
            seen[name].append(sizes[::max(len(sizes) // _KEPT_VALUES, 1)].copy())
    return {name: best_cut(np.concatenate(seen[name]), peaks[name]) for name in names}


def best_cut(sizes: np.ndarray, peak: float) -> float:
    """Return the cut between 5 and 100 % of the peak that loses least of these sizes."""
    if peak <= 0:
        return 1.0
    counts, edges = np.histogram(sizes, _BINS, (0, peak))
    centers = (edges[:-1] + edges[1:]) / 2
    steps = _CUTS[:, None] * peak / LEVELS
    rounded = np.clip(np.rint(centers / steps), 0, LEVELS) * steps
    return float(_CUTS[np.argmin((counts * (centers - rounded)**2).sum(axis=1))] * peak)


def choose_layers(
    network: Any, layers: Sequence[Layer], ranges: Mapping[str, float],
    samples: Sequence[Feeds], progress: Callable[[float], object] = lambda share: None,
) -> list[Layer]:
    """Return the layers that are put in 8 bits: as many as LARGEST_ERROR allows, mildest first.

    Parameters
    ----------
    progress : callable
        Called with the share of the work just done.
    """
    few = samples[::max(len(samples) // _LOOKS, 1)][:_LOOKS]
    wanted = _run(network, few)
    errors = []
    for layer in layers:
        errors.append(_error(wanted, _run(quantise_layers(network, [layer], ranges), few)))
        progress(1 / len(layers))
    order = np.argsort(errors, kind='stable')
    total = np.sqrt(np.cumsum(np.square(np.array(errors)[order])))
    kept = set(order[total <= LARGEST_ERROR].tolist())
    return [layer for place, layer in enumerate(layers) if place in kept]


def _error(wanted: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """Return how far outputs (samples, n) are off, as a part of their variation."""
    parts = []
    for right, other in zip(wanted, found):
        spread = np.square(right - right.mean(axis=0)).sum() or np.square(right).sum() or 1.0
        parts.append(np.square(other - right).sum() / spread)
    return float(np.sqrt(np.mean(parts)))


def _run(network: Any, samples: Sequence[Feeds]) -> list[np.ndarray]:
    """Return each output (samples, n)."""
    session = _open(network)
    rows = [session.run(None, dict(feeds)) for feeds in samples]
    return [np.stack([np.ravel(output) for output in outputs]) for outputs in zip(*rows)]


def _watch(
    network: Any, names: Sequence[str], samples: Sequence[Feeds]
) -> Iterator[dict[str, np.ndarray]]:
    """Yield activations, inputs among them, for each sample."""
    if not names:
        return
    session = _open(with_outputs(network, names))
    inputs = {node.name for node in session.get_inputs()}
    inner = [name for name in names if name not in inputs]
    for feeds in samples:
        values = dict(zip(inner, session.run(inner, dict(feeds)))) if inner else {}
        yield {name: feeds[name] if name in inputs else values[name] for name in names}


def _open(network: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            network.SerializeToString(), sess_options=options, providers=['CPUExecutionProvider']
        )
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise ModelError(str(error).splitlines()[0]) from error

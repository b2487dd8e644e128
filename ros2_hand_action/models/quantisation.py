"""Networks in 8 bits, their ranges taken from what they see on the user's own pictures."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.models.layer_choice import choose_layers, equalise, measure_ranges
from ros2_hand_action.models.packing import unpack_weights
from ros2_hand_action.models.precision import derived_path, write_derived
from ros2_hand_action.models.quantised_graph import find_layers, name_nodes, quantise_layers

Feeds = Mapping[str, np.ndarray]

LEAST_SAMPLES = 20
"""Fewer inputs say little about the ranges inside a network."""
_CPU = SessionOptions(backend='onnxruntime')


class OutputDifference(NamedTuple):
    """What 8 bits change in one output, over inputs that were not calibrated on.

    Attributes
    ----------
    name : str
    median, p95 : float
        Of the absolute differences, in the output's own unit.
    spread : float
        Between the 1st and 99th percentile of the output itself.
    """

    name: str
    median: float
    p95: float
    spread: float


class Quantised(NamedTuple):
    """A network in 8 bits.

    Attributes
    ----------
    path : Path
        Its file, which `precision_file` finds.
    layers, of : int
        Layers in 8 bits, and how many could have been.
    differences : tuple of OutputDifference
    """

    path: Path
    layers: int
    of: int
    differences: tuple[OutputDifference, ...]


def quantise(
    onnx_file: Path, samples: Sequence[Feeds],
    progress: Callable[[float], object] = lambda share: None,
) -> Quantised:
    """Write a network in 8 bits, calibrated on half of the samples and compared on the others.

    Parameters
    ----------
    onnx_file : Path
        In single precision.
    samples : sequence of feeds
        Inputs of the network, first dimension 1; at least LEAST_SAMPLES.
    progress : callable
        Called with the share of the work just done.

    Raises
    ------
    ModelError
        If there are too few samples, or the network cannot be quantised.
    """
    if len(samples) < LEAST_SAMPLES:
        raise ModelError(
            f'only {len(samples)} inputs of {onnx_file.stem!r} were seen, at least '
            f'{LEAST_SAMPLES} are needed: give pictures that show hands or people'
        )
    calibration, held_back = samples[::2], samples[1::2]
    try:
        network, layers, of = _quantised(onnx_file, calibration, progress)
    except ModelError as error:
        raise ModelError(f'{str(onnx_file)!r} cannot be quantised: {error}; use fp16') from error
    target = derived_path(onnx_file, 'int8')
    record = {'calibration_sha256': _hash(calibration), 'samples': len(calibration)}
    write_derived(target, network, {**record, 'layers': layers, 'of': of})
    return Quantised(target, layers, of, tuple(compare(onnx_file, target, held_back)))


def compare(
    reference_file: Path, other_file: Path, samples: Sequence[Feeds]
) -> list[OutputDifference]:
    """Return how far two versions of a network are apart on the same inputs, on the processor."""
    reference, other = create_session(reference_file, _CPU), create_session(other_file, _CPU)
    try:
        wanted, found = _run(reference, samples), _run(other, samples)
    finally:
        reference.close()
        other.close()
    return [_difference(name, wanted[name], found[name]) for name in wanted]


def _quantised(
    onnx_file: Path, calibration: Sequence[Feeds], progress: Callable[[float], object]
) -> tuple[Any, int, int]:
    """Return the network, how many layers are in 8 bits, and how many could be."""
    try:
        network = unpack_weights(onnx.load(str(onnx_file)))
    except Exception as error:  # protobuf's and ONNX's share no base class
        raise ModelError(str(error) or 'it is no ONNX file') from error
    name_nodes(network)
    layers = find_layers(network)
    network = equalise(network, layers, calibration)
    ranges = measure_ranges(network, layers, calibration)
    chosen = choose_layers(network, layers, ranges, calibration, progress)
    if not chosen:
        raise ModelError('no layer of it bears 8 bits')
    return quantise_layers(network, chosen, ranges), len(chosen), len(layers)


def _hash(samples: Sequence[Feeds]) -> str:
    digest = sha256()
    for feeds in samples:
        for name in sorted(feeds):
            digest.update(np.ascontiguousarray(feeds[name]).tobytes())
    return digest.hexdigest()


def _run(session: InferenceSession, samples: Sequence[Feeds]) -> dict[str, np.ndarray]:
    results = [session.run(feeds) for feeds in samples]
    return {
        spec.name: np.stack([np.ravel(result[spec.name]) for result in results])
        for spec in session.outputs
    }


def _difference(name: str, wanted: np.ndarray, found: np.ndarray) -> OutputDifference:
    median, p95 = np.percentile(np.abs(found - wanted), [50, 95])
    low, high = np.percentile(wanted, [1, 99])
    return OutputDifference(name, float(median), float(p95), float(high - low))

"""Networks in 8 bits, their ranges taken from what they see on the user's own pictures."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.models.precision import derived_path, write_derived

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


def quantise(onnx_file: Path, samples: Sequence[Feeds]) -> tuple[Path, list[OutputDifference]]:
    """Write a network in 8 bits, calibrated on half of the samples and compared on the others.

    Weights per channel, activations per tensor, all symmetric, as TensorRT wants; QuantizeLinear
    and DequantizeLinear nodes say so in the graph.

    Parameters
    ----------
    onnx_file : Path
        In single precision.
    samples : sequence of feeds
        Inputs of the network, first dimension 1; at least LEAST_SAMPLES.

    Returns
    -------
    tuple
        The file, which `precision_file` finds from now on, and the differences of each output.

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
    network = _quantised(onnx_file, calibration)
    target = derived_path(onnx_file, 'int8')
    record = {'calibration_sha256': _hash(calibration), 'samples': len(calibration)}
    write_derived(target, network, record)
    return target, compare(onnx_file, target, held_back)


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


def _quantised(onnx_file: Path, calibration: Sequence[Feeds]) -> Any:
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # the library publishes no types
        def __init__(self) -> None:
            self._feeds: Iterator[Feeds] = iter(calibration)

        def get_next(self) -> dict[str, np.ndarray] | None:
            feeds = next(self._feeds, None)
            return None if feeds is None else dict(feeds)

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / 'quantised.onnx'
        logging.disable(logging.WARNING)  # it recommends what TensorRT does by itself
        try:
            quantize_static(
                str(onnx_file), str(target), Reader(), quant_format=QuantFormat.QDQ,
                per_channel=True, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
                extra_options={
                    'ActivationSymmetric': True, 'WeightSymmetric': True, 'QuantizeBias': False,
                },
            )
            return onnx.load(str(target))
        except Exception as error:  # the library's errors share no base class
            raise ModelError(
                f'{str(onnx_file)!r} cannot be quantised: {error}; use fp16'
            ) from error
        finally:
            logging.disable(logging.NOTSET)


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

"""Networks compiled by OpenVINO, kept on disk: compiling takes three times as long as loading.

A file holds the sha256 of all that follows, the size of a JSON text, that text, which tells the
inputs and outputs, and what OpenVINO exported. It is written whole or not at all, so processes
need no lock: two that compile a network write the same.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ros2_hand_action.errors import UnsupportedNetworkError
from ros2_hand_action.inference.openvino.library import (
    DEVICE,
    computes_bf16,
    device_name,
    load_core,
    load_openvino,
    version,
)
from ros2_hand_action.inference.session import SessionOptions, TensorSpec
from ros2_hand_action.models.store import cache_folder

_RECIPE = 3
"""Raised when networks are compiled in another way."""
_KEY_DIGITS = 16
_DIGEST_BYTES, _SIZE_BYTES = 32, 4
_ALIGNMENT = 64
"""Of what OpenVINO exported, in bytes: it takes weights from where they lie."""
_EXTERNAL_KEY = b'location'
"""Stands in an ONNX file before the name of each other file that has weights."""


class CompiledNetwork(NamedTuple):
    """A network for one row at a time, and how its file describes it.

    `memory` is what the model's weights lie in: it must outlive the model and all that runs it.
    """

    model: Any
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    memory: np.ndarray | None = None


def load_compiled(path: Path, options: SessionOptions) -> CompiledNetwork:
    """Return a network, compiled now or before.

    Raises
    ------
    UnsupportedNetworkError
        If OpenVINO cannot read or compile it, or does not compute in that precision here.
    """
    settings = _make_settings(options)
    try:
        _check_precision(options.precision)
        file = _find_place(path, options.precision)
        found = _read(file, settings) if file is not None else None
        if found is not None:
            return found
        compiled = _compile(path, settings)
    except Exception as error:  # of OpenVINO, or of loading it: they share no base class
        raise UnsupportedNetworkError(
            f'OpenVINO cannot load {str(path)!r} ({_last_line(error)}): check it with '
            '`hand-action models verify`, or use backend: onnxruntime'
        ) from error
    if file is not None:
        _write(file, compiled)
    return compiled


def _check_precision(precision: str) -> None:
    if precision == 'bf16' and not computes_bf16():
        raise ValueError('this processor does not compute in bf16: use precision: fp32')


def _make_settings(options: SessionOptions) -> dict[str, Any]:
    """Return settings for one small network among several busy nodes."""
    return {
        'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_NUM_THREADS': options.threads,
        'INFERENCE_PRECISION_HINT': 'bf16' if options.precision == 'bf16' else 'f32',
        'ENABLE_CPU_PINNING': False,  # the cores belong to the other nodes too
    }


def _compile(path: Path, settings: dict[str, Any]) -> CompiledNetwork:
    core = load_core()
    model = core.read_model(str(path))
    inputs, outputs = (
        tuple(_make_spec(port) for port in ports) for ports in (model.inputs, model.outputs)
    )
    if all(spec.shape[:1] == (None,) for spec in (*inputs, *outputs)):
        model.reshape({port: _one_row(port.partial_shape) for port in model.inputs})
    return CompiledNetwork(core.compile_model(model, DEVICE, settings), inputs, outputs)


def _one_row(shape: Any) -> Any:
    row = load_openvino().PartialShape(shape)
    row[0] = 1
    return row


def _make_spec(port: Any) -> TensorSpec:
    """Translate OpenVINO's description of an input or output."""
    rank = port.partial_shape.rank
    if rank.is_dynamic:
        raise ValueError(f'{port.any_name!r} has no fixed number of dimensions')
    shape = tuple(None if size.is_dynamic else size.get_length() for size in port.partial_shape)
    return TensorSpec(port.any_name, shape, np.dtype(port.element_type.to_dtype()))


def _find_place(path: Path, precision: str) -> Path | None:
    """Return where a compiled network belongs, named after all that it depends on."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if _EXTERNAL_KEY in data:  # files that change without this one
        return None
    facts = [_RECIPE, hashlib.sha256(data).hexdigest(), precision, version(), device_name()]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:_KEY_DIGITS]
    return cache_folder() / 'compiled' / f'{path.stem}-{key}.{precision}.openvino'


def _read(file: Path, settings: dict[str, Any]) -> CompiledNetwork | None:
    """Return what is in a file; None where it is missing, damaged, another user's, or refused."""
    try:
        if file.stat().st_uid not in (os.getuid(), 0):  # it is trusted as code is
            return None
        content = np.fromfile(file, np.uint8)  # read once, and never copied
        if content[:_DIGEST_BYTES].tobytes() != _digest(content[_DIGEST_BYTES:]):
            return None
        size = int(content[_DIGEST_BYTES:][:_SIZE_BYTES].view('<u4')[0])
        blob_start = _DIGEST_BYTES + _SIZE_BYTES + size
        tensors = json.loads(content[_DIGEST_BYTES + _SIZE_BYTES:blob_start].tobytes())
        inputs, outputs = (
            tuple(TensorSpec(name, tuple(shape), np.dtype(dtype)) for name, shape, dtype in specs)
            for specs in tensors
        )
        blob = load_openvino().Tensor(content[blob_start:], shared_memory=True)
        model = load_core().import_model(blob, DEVICE, settings)
    except (OSError, ValueError, RuntimeError):
        return None
    return CompiledNetwork(model, inputs, outputs, content)


def _write(file: Path, compiled: CompiledNetwork) -> None:
    """Keep a compiled network; it only saves time, so a full disk is no error."""
    from ros2_hand_action.models.fetch import write_atomically  # takes 40 ms, for nothing if read

    tensors = [
        [(spec.name, spec.shape, spec.dtype.str) for spec in specs]
        for specs in (compiled.inputs, compiled.outputs)
    ]
    with suppress(OSError, RuntimeError):
        blob = compiled.model.export_model().getvalue()
        text = json.dumps(tensors).encode()
        text += b' ' * (-(_DIGEST_BYTES + _SIZE_BYTES + len(text)) % _ALIGNMENT)
        rest = len(text).to_bytes(_SIZE_BYTES, 'little') + text + blob
        write_atomically(file, _digest(rest) + rest)


def _digest(data: Any) -> bytes:
    return hashlib.sha256(data).digest()


def _last_line(error: Exception) -> str:
    """Return the last line of an error's message: OpenVINO begins with where in its code it is."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

"""Networks in fewer bits: the precision lies in the ONNX file, which every back end reads."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.session import PRECISIONS
from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.models.store import cache_folder, file_sha256

_RECIPE = 2
"""Raised when networks are converted in another way."""


def precision_file(onnx_file: Path, precision: str) -> Path:
    """Return the file of a network in a precision; half precision is written where missing.

    Parameters
    ----------
    onnx_file : Path
        In single precision.
    precision : str
        One of PRECISIONS.

    Raises
    ------
    ModelError
        If it cannot be converted, or was not quantised yet: that needs pictures of the user's.
    """
    if precision not in PRECISIONS:
        raise ModelError(f'precision {precision!r} does not exist, choose one of {PRECISIONS}')
    if precision == 'fp32':
        return onnx_file
    target = derived_path(onnx_file, precision)
    if _is_ready(target):
        return target
    if precision == 'int8':
        raise ModelError(
            f'{str(onnx_file)!r} is not quantised; run: hand-action models quantize '
            f'{onnx_file.stem} --calibrate BAG_OR_FOLDER'
        )
    write_derived(target, half(onnx_file), {})
    return target


def is_quantised(onnx_file: Path) -> bool:
    """Return whether there are 8 bits of a network in single precision."""
    return _is_ready(derived_path(onnx_file, 'int8'))


def derived_path(onnx_file: Path, precision: str) -> Path:
    """Return where a network's version belongs: named after what it was made from."""
    key = sha256(f'{_RECIPE} {file_sha256(onnx_file)}'.encode()).hexdigest()[:16]
    return cache_folder() / 'derived' / f'{onnx_file.stem}-{key}.{precision}.onnx'


def write_derived(target: Path, network: Any, record: dict[str, Any]) -> None:
    """Write a network and what is to be known of it; raises ModelError if the disk is full."""
    data = network.SerializeToString(deterministic=True)
    content = json.dumps({**record, 'sha256': sha256(data).hexdigest()}, indent=2)
    try:
        write_atomically(target, data)
        write_atomically(target.with_suffix('.json'), content.encode())
    except OSError as error:
        raise ModelError(
            f'cannot write {str(target)!r}: {error}; make room, or set HAND_ACTION_CACHE'
        ) from error


def half(onnx_file: Path) -> Any:
    """Return a network in half precision; its inputs and outputs stay in single precision."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    from ros2_hand_action.models.packing import unpack_weights

    try:
        network = convert_float_to_float16(
            unpack_weights(onnx.load(str(onnx_file))), keep_io_types=True
        )
        _sort_nodes(network.graph)
        return network
    except Exception as error:  # protobuf's, ONNX's and the converter's share no base class
        raise ModelError(
            f'{str(onnx_file)!r} cannot be written in half precision: {error}; use fp32'
        ) from error


def _sort_nodes(graph: Any) -> None:
    """Put each node after those it reads: the converter appends its casts at the end."""
    known = {'', *(value.name for value in [*graph.input, *graph.initializer])}
    waiting, nodes = list(graph.node), []
    while waiting:
        late = []
        for node in waiting:
            if known.issuperset(node.input):
                known.update(node.output)
                nodes.append(node)
            else:
                late.append(node)
        if len(late) == len(waiting):
            raise ModelError(f'node {late[0].name!r} reads what no other node writes')
        waiting = late
    del graph.node[:]
    graph.node.extend(nodes)


def _is_ready(target: Path) -> bool:
    try:
        record = json.loads(target.with_suffix('.json').read_text())
        return bool(record['sha256'] == file_sha256(target))
    except (OSError, ValueError, KeyError, TypeError):
        return False

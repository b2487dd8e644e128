"""An ONNX file against what the catalogue says of it."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.catalogue import Model, TensorContract

Shape = tuple[int | str, ...]


def check_contract(path: Path, model: Model) -> None:
    """Raise ModelError unless the file has the inputs and outputs of the catalogue."""
    graph = _load(path).graph
    constants = {constant.name for constant in graph.initializer}
    sides = (
        ('input', model.inputs, [value for value in graph.input if value.name not in constants]),
        ('output', model.outputs, list(graph.output)),
    )
    for side, wanted, values in sides:
        found = {value.name: _shape(value) for value in values}
        for entry in wanted:
            if not _fits(entry, found.get(entry.name)):
                raise ModelError(
                    f'{str(path)!r}: {side} {entry.name!r} should have shape {entry.shape}, the '
                    f'file has {found}; take the version that the catalogue names'
                )


def export_model(path: Path, model: Model, target: Path) -> None:
    """Write a model's ONNX file with its origin, licence and contract as metadata."""
    network = _load(path)
    properties = {
        'name': model.name, 'task': model.about, 'licence': model.licence,
        'source': ' '.join([str(model.package), *model.path]), 'source_sha256': model.sha256,
    }
    for side, entries in (('input', model.inputs), ('output', model.outputs)):
        for entry in entries:
            shape = ', '.join(str(size) for size in entry.shape)
            properties[f'{side}.{entry.name}'] = f'({shape}) {entry.meaning}'.strip()
    onnx.helper.set_model_props(network, properties)
    part = target.with_name(f'.{target.name}.part')
    try:
        part.write_bytes(network.SerializeToString(deterministic=True))
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ModelError(f'cannot write {str(target)!r}: {error}; choose another --out') from error


def _load(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(str(path))
    except (OSError, DecodeError, ValueError) as error:
        raise ModelError(f'{str(path)!r} is not an ONNX file: {error}') from error


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(
        axis.dim_value if axis.HasField('dim_value') else axis.dim_param or '?'
        for axis in value.type.tensor_type.shape.dim
    )


def _fits(entry: TensorContract, found: Shape | None) -> bool:
    """Return whether shapes fit; an axis that is free on one side takes any size."""
    return found is not None and len(found) == len(entry.shape) and all(
        isinstance(want, str) or isinstance(got, str) or want == got
        for want, got in zip(entry.shape, found, strict=True)
    )

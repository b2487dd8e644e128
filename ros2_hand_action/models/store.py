"""The models and media on this machine. Nothing here downloads."""

import hashlib
import json
import os
from enum import Enum
from pathlib import Path

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.catalogue import (
    Asset,
    Converter,
    Model,
    Registry,
    find_asset,
    load_media,
    load_models,
)
from ros2_hand_action.models.i3d import I3D_CONVERTER_VERSION
from ros2_hand_action.models.tfjs import TFJS_CONVERTER_VERSION
from ros2_hand_action.models.tflite import CONVERTER_VERSION

CACHE_VARIABLE = 'HAND_ACTION_CACHE'
_BUNDLED = Path(__file__).resolve().parent
CONVERTER_VERSIONS = {
    Converter.TFLITE: CONVERTER_VERSION,
    Converter.I3D: I3D_CONVERTER_VERSION,
    Converter.TFJS: TFJS_CONVERTER_VERSION,
}


class State(Enum):
    """What is known of an asset on this machine."""

    READY = 'ready'
    MISSING = 'not fetched'
    STALE = 'conversion is out of date'
    DAMAGED = 'damaged'
    BY_HAND = 'bring by hand'


def cache_folder() -> Path:
    """Return the folder that holds everything fetched: $HAND_ACTION_CACHE or in ~/.cache."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(base).expanduser() / 'ros2_hand_action'


def model_path(name: str) -> Path:
    """Return the path of a model's ONNX file, checked.

    Raises
    ------
    ModelError
        If the model is unknown, not fetched, damaged or converted by an older version; the
        message names the command to run.
    """
    model = find_asset(load_models(), name)
    state = model_state(model)
    if state is State.BY_HAND:
        raise ModelError(f'model {name!r} must be brought by hand. {by_hand_steps(model)}')
    if state is not State.READY:
        raise ModelError(
            f'model {name!r}: {state.value}; run: hand-action models fetch {name}'
        )
    return onnx_path(model)


def media_path(name: str) -> Path:
    """Return the path of a picture or video, checked; raises ModelError as `model_path`."""
    asset = find_asset(load_media(), name)
    state = file_state(asset, media_file(asset))
    if state is not State.READY:
        raise ModelError(
            f'media {name!r}: {state.value}; run: hand-action models fetch {name}'
        )
    return media_file(asset)


def onnx_path(model: Model) -> Path:
    """Return where a model's ONNX file belongs."""
    if model.package.registry is Registry.BUNDLED:
        return _BUNDLED.joinpath(*model.path)
    return cache_folder() / 'models' / f'{model.name}.onnx'


def sidecar_path(model: Model) -> Path:
    """Return where the record of a model's conversion belongs."""
    return onnx_path(model).with_suffix('.json')


def source_file(asset: Asset) -> Path:
    """Return where a model's file as it was fetched belongs."""
    if asset.package.registry in (Registry.BUNDLED, Registry.NGC):
        raise ModelError(f'model {asset.name!r} is not fetched: it has no source file')
    return cache_folder() / 'sources' / asset.file_name


def media_file(asset: Asset) -> Path:
    """Return where a picture or video belongs."""
    return cache_folder() / 'media' / asset.file_name


def file_state(asset: Asset, path: Path) -> State:
    """Return READY, MISSING or DAMAGED, by size and sha256."""
    if not path.is_file():
        return State.MISSING
    fits = path.stat().st_size == asset.size and file_sha256(path) == asset.sha256
    return State.READY if fits else State.DAMAGED


def model_state(model: Model) -> State:
    """Return the state of a model's ONNX file; it is read and hashed once."""
    path = onnx_path(model)
    if model.package.registry is Registry.NGC:
        return State.READY if path.is_file() else State.BY_HAND
    if model.converter is Converter.NONE:
        return file_state(model, path)
    if not path.is_file():
        return State.MISSING
    try:
        record = json.loads(sidecar_path(model).read_text())
    except (OSError, ValueError):
        return State.DAMAGED
    if not isinstance(record, dict) or record != {**record, **conversion_key(model)}:
        return State.STALE
    return State.READY if record.get('onnx_sha256') == file_sha256(path) else State.DAMAGED


def conversion_key(model: Model) -> dict[str, str | int]:
    """Return what a conversion depends on; a record that differs is out of date."""
    contract = [[(entry.name, entry.tensor) for entry in side] for side in (
        model.inputs, model.outputs)]
    return {
        'source_sha256': model.sha256,
        'converter': CONVERTER_VERSIONS[model.converter],
        'contract_sha256': hashlib.sha256(json.dumps(contract).encode()).hexdigest(),
    }


def by_hand_steps(model: Model) -> str:
    """Return what a person has to do to bring a model that no client can fetch."""
    package = model.package
    return (
        f'Sign in at NVIDIA NGC, accept the licence, and download {package.name} version '
        f'{package.version}. {model.instructions} Save it as {onnx_path(model)}, then run: '
        f'hand-action models verify {model.name}'
    )


def file_sha256(path: Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

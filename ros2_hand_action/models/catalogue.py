"""What config/models.yaml and config/media.yaml say, checked and as records."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import yaml

from ros2_hand_action.errors import (
    ConfigError,
    HandActionError,
    ModelError,
    did_you_mean,
)
from ros2_hand_action.resources import config_path

_NAME = re.compile(r'[a-z0-9][a-z0-9_]*')
_SHA256 = re.compile(r'[0-9a-f]{64}')
_FILE = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.+-]*')


class Registry(Enum):
    """Where a package comes from."""

    PYPI = 'pypi'
    NPM = 'npm'
    NGC = 'ngc'
    BUNDLED = 'bundled'


class Converter(Enum):
    """How a source file becomes an ONNX file."""

    TFLITE = 'tflite'
    I3D = 'i3d'
    TFJS = 'tfjs'
    NONE = 'none'


@dataclass(frozen=True)
class Package:
    """A package of a registry; `file` is its file there, '' where the client needs no name."""

    registry: Registry
    name: str
    version: str
    file: str

    def __str__(self) -> str:
        if self.registry is Registry.BUNDLED:
            return 'in this package'
        return f'{self.registry.value} {self.name} {self.version}'


@dataclass(frozen=True)
class Asset:
    """A file out of a package.

    Attributes
    ----------
    name : str
        Lower case letters, digits, underscores.
    about : str
        Its task, or what can be seen in it.
    package : Package
    path : tuple of str
        Where it lies in the package's file; all but the last are archives inside it. Empty
        where it is brought by hand.
    files : tuple of str
        Where the last of `path` is a folder: the files in it that make up the asset, which is
        then a tarball of them. Otherwise empty.
    size, sha256 : int, str
        Of the file; 0 and '' where it is brought by hand.
    licence : str
    default : bool
        Fetched when no name is given.
    """

    name: str
    about: str
    package: Package
    path: tuple[str, ...]
    files: tuple[str, ...]
    size: int
    sha256: str
    licence: str
    default: bool

    @property
    def file_name(self) -> str:
        """Name of the file in the store."""
        if self.files:
            return f'{self.name}.tar'
        return self.name + PurePosixPath(self.path[-1] if self.path else '.onnx').suffix


@dataclass(frozen=True)
class TensorContract:
    """An input or output of a network; `tensor` is its name in the source file."""

    name: str
    tensor: str
    shape: tuple[int | str, ...]
    meaning: str


@dataclass(frozen=True)
class Model(Asset):
    """A network; `instructions` is what to do where it must be brought by hand."""

    converter: Converter
    inputs: tuple[TensorContract, ...]
    outputs: tuple[TensorContract, ...]
    instructions: str


AnyAsset = TypeVar('AnyAsset', bound=Asset)


@cache
def load_models(path: Path | None = None) -> dict[str, Model]:
    """Return the models by name; raises ConfigError where the file cannot be used."""
    path = path or config_path('models.yaml')
    return {
        name: _read_model(asset, entry, path)
        for name, (asset, entry) in _read_assets(path, 'models', 'task').items()
    }


@cache
def load_media(path: Path | None = None) -> dict[str, Asset]:
    """Return the media by name; raises ConfigError where the file cannot be used."""
    path = path or config_path('media.yaml')
    return {name: asset for name, (asset, _) in _read_assets(path, 'media', 'shows').items()}


def find_asset(assets: Mapping[str, AnyAsset], name: str) -> AnyAsset:
    """Return the asset called `name`; raises ModelError that lists near matches, if any."""
    if name not in assets:
        hint = did_you_mean(name, assets) or '; see: hand-action models list'
        raise ModelError(f'the catalogue has no {name!r}{hint}')
    return assets[name]


def _read_assets(path: Path, kind: str, about: str) -> dict[str, tuple[Asset, dict[str, Any]]]:
    try:
        content = yaml.safe_load(path.read_text())
        packages = {
            key: _read_package(entry) for key, entry in content['packages'].items()
        }
        return {
            name: (_read_asset(name, entry, packages, about), entry)
            for name, entry in content[kind].items()
        }
    except HandActionError as error:
        raise ConfigError(f'{str(path)!r}: {error}') from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f'{str(path)!r} cannot be used: {error!r}; correct it') from error


def _read_package(entry: dict[str, Any]) -> Package:
    package = Package(
        Registry(entry['registry']), entry.get('name', ''), str(entry.get('version', '')),
        entry.get('file', ''),
    )
    if package.registry is Registry.PYPI and not _FILE.fullmatch(package.file):
        raise ConfigError(f'package {package.name!r} has file {package.file!r}: give its name')
    return package


def _read_asset(
    name: str, entry: dict[str, Any], packages: Mapping[str, Package], about: str
) -> Asset:
    if not _NAME.fullmatch(name):
        raise ConfigError(f'{name!r} is not a name: use lower case letters, digits and _')
    package = packages[entry['package']]
    by_hand = package.registry is Registry.NGC
    sha256 = str(entry.get('sha256', ''))
    if not by_hand and not _SHA256.fullmatch(sha256):
        raise ConfigError(f'{name!r} has sha256 {sha256!r}: give 64 hexadecimal digits')
    return Asset(
        name=name, about=entry[about], package=package,
        path=() if by_hand else tuple(entry['path']), files=tuple(entry.get('files', ())),
        size=0 if by_hand else int(entry['size']), sha256=sha256,
        licence=entry['licence'], default=bool(entry.get('default', False)),
    )


def _read_model(asset: Asset, entry: dict[str, Any], path: Path) -> Model:
    try:
        return Model(
            **vars(asset), converter=Converter(entry['converter']),
            inputs=_read_tensors(entry['inputs']), outputs=_read_tensors(entry['outputs']),
            instructions=entry.get('instructions', ''),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f'{str(path)!r}: model {asset.name!r} cannot be used: {error!r}; correct it'
        ) from error


def _read_tensors(entries: dict[str, Any]) -> tuple[TensorContract, ...]:
    return tuple(
        TensorContract(
            name, entry.get('tensor', name), tuple(entry['shape']), entry.get('meaning', '')
        )
        for name, entry in entries.items()
    )

"""Engines on disk: built once for a network, a TensorRT and a GPU, and checked before use.

A plan is trusted code, so it lies in a folder that only its user can write, with its sha256 in a
file beside it.
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import onnx
from google.protobuf.message import DecodeError

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.models.store import cache_folder, file_sha256

_KEY_DIGITS = 32
_RECIPE = 2
"""Raised when engines are built in another way."""


class EngineKey(NamedTuple):
    """All that an engine depends on.

    Attributes
    ----------
    network_sha256 : str
        Of the ONNX file and its external data; calibration is part of that file.
    tensorrt, device : str
        Full version; name and compute capability.
    precision : str
    largest_batch : int
    """

    network_sha256: str
    tensorrt: str
    device: str
    precision: str
    largest_batch: int

    @property
    def digest(self) -> str:
        """Return the name of the engine's files."""
        text = json.dumps([_RECIPE, *self])
        return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def network_sha256(onnx_file: Path) -> str:
    """Return the sha256 of an ONNX file together with its external data."""
    try:
        network = onnx.load(str(onnx_file), load_external_data=False)
    except (OSError, DecodeError, ValueError) as error:
        raise ModelError(f'{str(onnx_file)!r} is not an ONNX file: {error}') from error
    found = hashlib.sha256(file_sha256(onnx_file).encode())
    names = {
        entry.value
        for tensor in network.graph.initializer
        for entry in tensor.external_data if entry.key == 'location'
    }
    for name in sorted(names):
        found.update(file_sha256(onnx_file.parent / name).encode())
    return found.hexdigest()


class EngineCache:
    """Plans by key in a folder of this user's.

    Parameters
    ----------
    folder : Path, optional
        `engines` in the models' cache if not given; where that cannot be written, a folder of
        this user's in the system's temporary one.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = _first_writable(folder or cache_folder() / 'engines')

    def has(self, key: EngineKey) -> bool:
        """Return whether an undamaged plan lies there."""
        return self._read(key) is not None

    def find(self, key: EngineKey, accept: Callable[[bytes], bool]) -> bool:
        """Give the plan of a key to `accept` if there is one; returns whether it was taken.

        Waits for nobody who builds it.
        """
        plan = self._read(key)
        return plan is not None and accept(plan)

    def load(
        self, key: EngineKey, *, build: Callable[[], bytes], accept: Callable[[bytes], bool]
    ) -> None:
        """Give the plan of a key to `accept`; builds it where there is none that it takes.

        Processes that want the same plan take turns, so that one builds it.

        Raises
        ------
        ModelError
            If even a fresh plan is not accepted.
        """
        with self._locked(key.digest):
            if self.find(key, accept):
                return
            self._forget(key)
            with self._locked('building'):  # one at a time: they take memory, and measure times
                plan = build()
            self._write(key, plan)
            if not accept(plan):
                self._forget(key)
                raise ModelError(
                    f'TensorRT {key.tensorrt} does not load the engine that it has just built for '
                    f'{key.device}; use backend: onnxruntime'
                )

    def read_timings(self, key: EngineKey) -> bytes:
        """Return what was measured when other engines were built; empty if nothing was."""
        path = self._timings_file(key)
        return path.read_bytes() if path.is_file() else b''

    def write_timings(self, key: EngineKey, timings: bytes) -> None:
        """Keep what was measured; it only saves time, so a full disk is no error."""
        try:
            write_atomically(self._timings_file(key), timings)
        except OSError:
            self._timings_file(key).unlink(missing_ok=True)

    def _timings_file(self, key: EngineKey) -> Path:
        name = hashlib.sha256(f'{key.tensorrt} {key.device}'.encode()).hexdigest()
        return self.folder / f'{name[:_KEY_DIGITS]}.timings'

    def _plan_file(self, key: EngineKey) -> Path:
        return self.folder / f'{key.digest}.plan'

    def _record_file(self, key: EngineKey) -> Path:
        return self.folder / f'{key.digest}.json'

    def _read(self, key: EngineKey) -> bytes | None:
        try:
            record = json.loads(self._record_file(key).read_text())
            plan = self._plan_file(key).read_bytes()
        except (OSError, ValueError):
            return None
        found = hashlib.sha256(plan).hexdigest()
        return plan if isinstance(record, dict) and record.get('sha256') == found else None

    def _write(self, key: EngineKey, plan: bytes) -> None:
        record = {**key._asdict(), 'sha256': hashlib.sha256(plan).hexdigest()}
        try:
            write_atomically(self._plan_file(key), plan)
            write_atomically(self._record_file(key), json.dumps(record, indent=2).encode())
        except OSError as error:
            raise ModelError(
                f'cannot write {len(plan):,} bytes to {str(self.folder)!r}: {error}; make room, '
                'or set HAND_ACTION_CACHE to another folder'
            ) from error

    def _forget(self, key: EngineKey) -> None:
        self._record_file(key).unlink(missing_ok=True)
        self._plan_file(key).unlink(missing_ok=True)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Hold a lock, which the kernel frees when the process ends."""
        with (self.folder / f'{name}.lock').open('w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _first_writable(wanted: Path) -> Path:
    fallback = Path(tempfile.gettempdir()) / f'ros2_hand_action_{os.getuid()}' / 'engines'
    problems = []
    for folder in (wanted, fallback):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid != os.getuid():
                raise PermissionError('it belongs to another user')
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            problems.append(f'{str(folder)!r} ({error})')
    raise ModelError(
        f'no folder for engines: {" and ".join(problems)} cannot be written; set '
        'HAND_ACTION_CACHE to one that can'
    )

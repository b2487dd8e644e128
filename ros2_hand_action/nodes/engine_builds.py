"""TensorRT engines that are missing, built while the node goes on answering."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from tempfile import TemporaryFile
from threading import Thread
from typing import IO

from ros2_hand_action.errors import NotBuiltError

_KILL_S = 5.0


def build_command(missing: NotBuiltError) -> list[str]:
    """Return what builds an engine into the cache."""
    module = 'ros2_hand_action.inference.tensorrt.build'
    return [sys.executable, '-m', module, str(missing.network), missing.precision]


def start_build(missing: NotBuiltError, errors: IO[str]) -> 'subprocess.Popen[str]':
    """Start a process that builds an engine; what it prints is for `read_progress`."""
    return subprocess.Popen(
        build_command(missing), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=errors, text=True,
    )


def read_progress(process: 'subprocess.Popen[str]') -> Iterator[tuple[int, str]]:
    """Yield the percentage that is done and the phase; TensorRT may print lines of its own."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            percent, _, phase = line.strip().partition(' ')
            if percent.isdecimal():
                yield int(percent), phase


class EngineBuild:
    """An engine that is being built, in a process of its own.

    Parameters
    ----------
    missing : NotBuiltError
    """

    def __init__(self, missing: NotBuiltError) -> None:
        self._what, self._progress = missing.network.stem, 'begun'
        self._errors = TemporaryFile('w+')  # noqa: SIM115 - closed by close
        self._process = start_build(missing, self._errors)
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def __str__(self) -> str:
        return f'building the TensorRT engine of {self._what}: {self._progress}'

    @property
    def is_done(self) -> bool:
        """Whether it is built, or has failed."""
        return self._process.poll() is not None

    def close(self) -> str:
        """End it, and return why it failed; '' where it did not."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # it may hang in the driver
            self._process.wait(_KILL_S)
        self._reader.join(_KILL_S)
        self._errors.seek(0)
        lines = self._errors.read().splitlines() or ['it said nothing']
        self._errors.close()
        if self._process.returncode == 0:
            return ''
        return f'cannot build {self._what}: {lines[-1]} (status {self._process.returncode})'

    def _read(self) -> None:
        """Keep the newest progress."""
        for percent, phase in read_progress(self._process):
            self._progress = f'{percent} % ({phase})'


class EngineBuilds:
    """The engines that a node waits for, one after the other.

    Parameters
    ----------
    on_end : callable
        Called by `follow` when an engine is built, with '', or could not be, with the reason.
    """

    def __init__(self, on_end: Callable[[str], None]) -> None:
        self._on_end = on_end
        self._build: EngineBuild | None = None

    @property
    def current(self) -> str:
        """What is being built and how far it is; '' if nothing is."""
        return str(self._build) if self._build is not None else ''

    def begin(self, missing: NotBuiltError) -> None:
        """Build an engine in the background."""
        self.close()
        self._build = EngineBuild(missing)

    def follow(self) -> None:
        """Look whether it is done, a few times a second."""
        if self._build is not None and self._build.is_done:
            self._on_end(self.close())

    def close(self) -> str:
        """End what is being built; returns why it failed."""
        build, self._build = self._build, None
        return build.close() if build is not None else ''

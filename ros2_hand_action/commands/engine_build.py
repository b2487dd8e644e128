"""One TensorRT engine, built in a process of its own."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from ros2_hand_action.errors import ModelError, NotBuiltError
from ros2_hand_action.nodes.engine_builds import build_command


def build_engine(
    file: Path, precision: str, progress: Callable[[str, float], object]
) -> bool:
    """Build an engine into the cache where it is missing; returns whether it was.

    In a process of its own: memory that runs out, or TensorRT that crashes, ends that one only.

    Parameters
    ----------
    file : Path
        The network, in that precision.
    precision : str
    progress : callable
        Called with each phase and how much of it is done, 0 to 1.

    Raises
    ------
    ModelError
        If it cannot be built.
    """
    was_missing = False
    with TemporaryFile('w+') as errors:
        with subprocess.Popen(
            build_command(NotBuiltError(file, precision)), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=errors, text=True,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    percent, _, phase = line.strip().partition(' ')
                    if percent.isdecimal():  # TensorRT may print lines of its own
                        was_missing = True
                        progress(phase, int(percent) / 100)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            errors.seek(0)
            raise ModelError(_explain(process.returncode, errors.read()))
    return was_missing


def _explain(status: int, errors: str) -> str:
    """Return why a process failed."""
    if status < 0:
        name = signal.Signals(-status).name
        hint = ', as the system does where memory has run out' if name == 'SIGKILL' else ''
        return f'{name} ended its process{hint}'
    return (errors.splitlines() or [f'its process says nothing, status {status}'])[-1]

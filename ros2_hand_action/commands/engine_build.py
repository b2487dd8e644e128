"""One TensorRT engine, built in a process of its own."""

import signal
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from ros2_hand_action.errors import ModelError, NotBuiltError
from ros2_hand_action.nodes.engine_builds import read_progress, start_build


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
        with start_build(NotBuiltError(file, precision), errors) as process:
            try:
                for percent, phase in read_progress(process):
                    was_missing = True
                    progress(phase, percent / 100)
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

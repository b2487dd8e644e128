"""Replays that are made once, however many tests and processes ask for them."""

import fcntl
import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.replay.demo_clips import PREFIX, make_demo_clip
from ros2_hand_action.replay.jobs import ReplayJob, make_jobs, run_job
from ros2_hand_action.replay.parameter_file import check_parameter_file
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.replay import ReplayOptions

_DONE = 'recording'
_LOCK = 'lock'


class ReplayCache:
    """Replays kept in a folder, by source and options.

    Processes that share the folder replay each of them once: the others wait for it.

    Parameters
    ----------
    folder : Path
        Of one test session: a source that changes afterwards is replayed again, but the code
        that replays must not change.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def replay(self, source: str | Path, options: ReplayOptions | None = None) -> ClipRecording:
        """Return what is seen in a path or in 'demo:NAME'.

        Raises
        ------
        HandActionError
            If it cannot be replayed; a ModelError if a medium of the demo is not fetched.
        """
        options = options or ReplayOptions()
        check_parameter_file(options.pipeline.params)
        if str(source).startswith(PREFIX):
            end_s = options.selection.start_s + options.selection.duration_s
            with self._locked(self._folder / 'demo') as folder:
                path = make_demo_clip(str(source), folder, seconds=end_s)
        else:
            path = Path(source).resolve()
        key = hashlib.sha256(repr((_identify(path), options)).encode()).hexdigest()[:16]
        with self._locked(self._folder / key) as folder:
            done = folder / _DONE
            if done.exists():
                clip: ClipRecording = pickle.loads(done.read_bytes())
                return clip
            (job,) = make_jobs([path], options, folder)
            clip = run_job(ReplayJob(path, job.name, options, folder))
            write_atomically(done, pickle.dumps(clip))
            return clip

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _LOCK).open('w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder


def _identify(path: Path) -> list[tuple[str, int, int]]:
    """Return name, size and time of change of each file of a source."""
    files = sorted(path.rglob('*')) if path.is_dir() else [path]
    return [
        (str(file), file.stat().st_size, file.stat().st_mtime_ns)
        for file in files if file.is_file()
    ] or [(str(path), 0, 0)]

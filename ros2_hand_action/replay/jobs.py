"""Sources replayed one after the other, or several at a time in processes of their own."""

import os
import pickle
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.replay import ReplayOptions, replay_source

JOB_NAME, OUTCOME_NAME = 'job', 'outcome'
_FRAMES_NAME, _LOG_NAME = 'frames', 'log'
_TAIL_LINES = 15

WORKER_ENVIRONMENT = {'OPENBLAS_NUM_THREADS': '1'}
"""As in `hand-action` itself: the same sums in every process."""


@dataclass(frozen=True)
class ReplayJob:
    """One source to replay.

    Attributes
    ----------
    path : Path
    name : str
        Of the clip, different from all other jobs'.
    options : ReplayOptions
    folder : Path
        For what the recording is kept in, of this job alone.
    bag : Path or None
        Folder for the results as a bag.
    """

    path: Path
    name: str
    options: ReplayOptions
    folder: Path
    bag: Path | None = None


@dataclass(frozen=True)
class JobOutcome:
    """What came of a job: a recording, or why there is none, and the seconds that it took."""

    job: ReplayJob
    clip: ClipRecording | None
    error: str = ''
    took_s: float = 0.0


def make_jobs(
    sources: Sequence[Path], options: ReplayOptions, scratch: Path, *, bags: Path | None = None
) -> list[ReplayJob]:
    """Return a job for each source, under names that differ.

    Parameters
    ----------
    sources : sequence of Path
    options : ReplayOptions
    scratch : Path
        Folder for the recordings.
    bags : Path, optional
        Folder for the results as bags, each in a folder of the job's name.
    """
    jobs: list[ReplayJob] = []
    for source in sources:
        stem = source.stem if source.is_file() else source.resolve().name
        taken = {job.name for job in jobs}
        names = (stem if number == 1 else f'{stem}_{number}' for number in range(1, 10**6))
        name = next(name for name in names if name not in taken)
        bag = bags / name if bags is not None else None
        jobs.append(ReplayJob(source, name, options, scratch / name, bag))
    return jobs


def run_job(job: ReplayJob, *, on_frame: Callable[[], object] = lambda: None) -> ClipRecording:
    """Replay a source in this process; raises HandActionError where nothing can be played."""
    job.folder.mkdir(parents=True, exist_ok=True)
    clip = replay_source(
        job.path, job.options, store=job.folder / _FRAMES_NAME, bag=job.bag,
        on_frame=lambda *_: on_frame(),
    )  # fmt: skip
    return replace(clip, name=job.name)


def run_jobs(
    jobs: Sequence[ReplayJob], *, workers: int = 1, on_frame: Callable[[], object] = lambda: None
) -> list[JobOutcome]:
    """Replay all sources; the outcomes are in the order of the jobs, whatever ends first.

    Parameters
    ----------
    jobs : sequence of ReplayJob
    workers : int
        Sources that are replayed at a time, each in a process of its own; 1 uses this process.
    on_frame : callable
        Called for each image of all of them.
    """
    if workers == 1:
        return [attempt(job, on_frame) for job in jobs]
    outcomes: dict[str, JobOutcome] = {}
    waiting, running = list(jobs), {}  # type: ignore[var-annotated]
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    worker = _Worker(waiting.pop(0))
                    running[worker.job.name] = worker
                    selector.register(worker.ticks, selectors.EVENT_READ, worker)
                for worker in _ready(selector):
                    count = worker.read_ticks()
                    for _ in range(count):
                        on_frame()
                    if not count:
                        selector.unregister(worker.ticks)
                        outcomes[worker.job.name] = worker.finish()
                        del running[worker.job.name]
        finally:
            for worker in running.values():
                worker.kill()
    return [outcomes[job.name] for job in jobs]


def run_in_process(job: ReplayJob) -> JobOutcome:
    """Replay a source in a process of its own and wait for it."""
    worker = _Worker(job)
    try:
        while worker.read_ticks():
            continue
        return worker.finish()
    finally:
        worker.kill()


def attempt(job: ReplayJob, on_frame: Callable[[], object]) -> JobOutcome:
    """Replay a source in this process; an error is the outcome."""
    begun_s = time.monotonic()
    try:
        clip = run_job(job, on_frame=on_frame)
        return JobOutcome(job, clip, took_s=time.monotonic() - begun_s)
    except HandActionError as error:
        return JobOutcome(job, None, str(error))


class _Worker:
    """A job in a process of its own."""

    def __init__(self, job: ReplayJob) -> None:
        self.job = job
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / JOB_NAME).write_bytes(pickle.dumps(job))
        with (job.folder / _LOG_NAME).open('wb') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'ros2_hand_action.replay.worker', str(job.folder)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, **WORKER_ENVIRONMENT},
            )  # fmt: skip
        assert self._process.stdout is not None
        self.ticks = self._process.stdout

    def read_ticks(self) -> int:
        """Return the number of images since the last call; 0 where the process has ended."""
        return len(self.ticks.read1(1 << 16))  # type: ignore[attr-defined]

    def finish(self) -> JobOutcome:
        """Return what the process left behind."""
        self.ticks.close()
        status = self._process.wait()
        kept = self.job.folder / OUTCOME_NAME
        if status == 0 and kept.is_file():
            outcome: JobOutcome = pickle.loads(kept.read_bytes())
            return outcome
        lines = (self.job.folder / _LOG_NAME).read_text(errors='replace').splitlines()
        told = '\n'.join(f'  {line}' for line in lines[-_TAIL_LINES:]) or '  (it wrote nothing)'
        return JobOutcome(
            self.job, None, f'the process for it ended with status {status}:\n{told}'
        )

    def kill(self) -> None:
        """End the process; may be called again."""
        self._process.kill()
        self._process.wait()
        self.ticks.close()


def _ready(selector: selectors.BaseSelector) -> Iterator[_Worker]:
    for key, _ in selector.select():
        yield key.data

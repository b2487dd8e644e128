"""Replay jobs on a cluster, through Dask distributed: the same jobs, the same results."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backports import zstd

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.replay.frame_store import FrameStore
from ros2_hand_action.replay.jobs import JobOutcome, ReplayJob, run_in_process

_CONNECT_TIMEOUT_S = 30
_RETRIES = 3
_FRAMES, _BAG = 'frames', 'bag'


@dataclass(frozen=True)
class _Parcel:
    """An outcome and the files that belong to it, compressed, by their path."""

    outcome: JobOutcome
    files: dict[str, bytes]


def run_on_cluster(
    jobs: Sequence[ReplayJob],
    scheduler: str,
    *,
    on_frame: Callable[[int], object] = lambda _: None,
) -> list[JobOutcome]:
    """Replay all sources on the workers of a cluster; outcomes are in the order of the jobs.

    A worker that dies loses nothing: another one begins its job anew. A job that three workers
    have died of is given up. Sources must have the same path on every worker, which has this
    package and the networks, too; results travel back.

    Parameters
    ----------
    jobs : sequence of ReplayJob
    scheduler : str
        Address, such as 'tcp://host:8786'.
    on_frame : callable
        Called with the number of images of each job that is done.

    Raises
    ------
    ConfigError
        If Dask is not installed, or no scheduler answers there.
    """
    try:
        import distributed
    except ImportError as error:
        raise ConfigError(
            '--scheduler needs Dask: python3 -m pip install "ros2_hand_action[dask]"'
        ) from error
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise ConfigError(f'no Dask scheduler answers at {scheduler!r}: {error}') from error
    with client:
        futures = {
            client.submit(_replay, job, key=f'replay-{job.name}-{index}', retries=_RETRIES): job
            for index, job in enumerate(jobs)
        }
        outcomes: dict[str, JobOutcome] = {}
        for future in distributed.as_completed(list(futures)):
            job = futures[future]
            outcome = outcomes[job.name] = _collect(future, job)
            on_frame(len(outcome.clip.frames) if outcome.clip else 0)
            future.release()
    return [outcomes[job.name] for job in jobs]


def _replay(job: ReplayJob) -> _Parcel:
    """Do a job on a worker, in a process of its own: as it is done without a cluster."""
    with tempfile.TemporaryDirectory(prefix='hand_action_replay_') as name:
        folder = Path(name)
        bag = folder / _BAG / job.bag.name if job.bag is not None else None
        outcome = run_in_process(replace(job, folder=folder / 'job', bag=bag))
        files = {}
        if outcome.clip is not None and isinstance(outcome.clip.frames, FrameStore):
            files[_FRAMES] = outcome.clip.frames.path
        if bag is not None and bag.is_dir():
            files.update({f'{_BAG}/{file.name}': file for file in bag.iterdir()})
        packed = {key: zstd.compress(path.read_bytes()) for key, path in files.items()}
        return _Parcel(replace(outcome, job=job), packed)


def _collect(future: Any, job: ReplayJob) -> JobOutcome:
    """Return the outcome of a job, its files put where they belong."""
    try:
        parcel: _Parcel = future.result()
    except Exception as error:  # KilledWorker, or whatever the worker could not do
        return JobOutcome(job, None, f'{str(job.path)!r}: the cluster gave it up: {error}')
    job.folder.mkdir(parents=True, exist_ok=True)
    for key, data in parcel.files.items():
        path = _place(job, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zstd.decompress(data))
    clip = parcel.outcome.clip
    if clip is not None and isinstance(clip.frames, FrameStore):
        clip = replace(clip, frames=clip.frames.moved_to(_place(job, _FRAMES)))
    return replace(parcel.outcome, clip=clip)


def _place(job: ReplayJob, key: str) -> Path:
    if key == _FRAMES or job.bag is None:
        return job.folder / _FRAMES
    return job.bag / Path(key).name

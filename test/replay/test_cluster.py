"""Jobs on a cluster of Dask: the same results as here, also where a worker is killed."""

import os
import signal
import threading
import time

import bags
import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_state
from ros2_hand_action.replay.cluster import run_on_cluster
from ros2_hand_action.replay.jobs import make_jobs, run_jobs
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.replay import ReplayOptions
from ros2_hand_action.replay.results import write_results

distributed = pytest.importorskip('distributed')
DEADLINE_S = 60.0


@pytest.fixture(autouse=True)
def needed():
    for model in load_models().values():
        if model.default and model_state(model) is not State.READY:
            pytest.skip(f'no model {model.name}: run `hand-action models fetch`')


def results(outcomes, path):
    clips = tuple(outcome.clip for outcome in outcomes)
    write_results(Recording(clips, clips[0].labels), path)
    return path.read_bytes()


def wait_for(condition, what):
    end_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end_s, f'missing after {DEADLINE_S} s: {what}'
        time.sleep(0.02)


def test_a_killed_worker_loses_nothing_and_results_are_those_of_a_local_run(tmp_path):
    sources = [bags.write_bag(tmp_path / f'bag{n}', bags.stream(20 + n)) for n in range(2)]
    options = ReplayOptions()
    here = run_jobs(make_jobs(sources, options, tmp_path / 'here', bags=tmp_path / 'bags_here'))
    jobs = make_jobs(sources, options, tmp_path / 'there', bags=tmp_path / 'bags_there')
    counts = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster, distributed.Client(cluster) as client:
        address = cluster.scheduler_address
        outcomes = []
        thread = threading.Thread(
            target=lambda: outcomes.extend(run_on_cluster(jobs, address, on_frame=counts.append))
        )
        (pid,) = client.run(os.getpid).values()
        thread.start()
        wait_for(lambda: any(client.processing().values()), 'a worker with a job')
        os.kill(pid, signal.SIGKILL)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
        assert pid not in client.run(os.getpid).values()
    assert not any(outcome.error for outcome in outcomes)
    assert sorted(counts) == [20, 21]
    assert results(outcomes, tmp_path / 'there.json') == results(here, tmp_path / 'here.json')
    for file in (tmp_path / 'bags_here').rglob('*.*'):
        other = tmp_path / 'bags_there' / file.relative_to(tmp_path / 'bags_here')
        assert other.read_bytes() == file.read_bytes()
    assert all(outcome.took_s > 0 for outcome in outcomes)


def test_no_scheduler(monkeypatch):
    monkeypatch.setattr('ros2_hand_action.replay.cluster._CONNECT_TIMEOUT_S', 0.2)
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        run_on_cluster([], 'tcp://127.0.0.1:9')

"""Replay tests as a team writes them, in a pytest of their own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_state
from ros2_hand_action.replay.video import VideoWriter

ROOT = Path(__file__).resolve().parents[2]

# Notes each replay that is really made.
CONFTEST = """
from pathlib import Path
from ros2_hand_action.replay import replay_cache

made = replay_cache.run_job

def run_job(job):
    with open(Path(__file__).with_name('made'), 'a') as file:
        print(job.path.name, job.options.selection.start_s, file=file)
    return made(job)

replay_cache.run_job = run_job
pytest_plugins = ['ros2_hand_action.replay.pytest_plugin']
"""

TESTS = """
import pytest

@pytest.mark.parametrize('number', range(4))
def test_nobody(replay, number):
    result = replay('grey.mp4')
    result.expect('hand count 0', 'never: gesture stop')
    assert result.hand_ids == [] and result.events == []

def test_somebody(replay):
    replay('grey.mp4').expect('hand count 1')

def test_wrong_option(replay):
    replay('grey.mp4', bodys=True)

def test_wrong_line(replay):
    replay('grey.mp4').expect('hand cont 1')

def test_media(replay, monkeypatch, tmp_path):
    monkeypatch.setenv('HAND_ACTION_CACHE', str(tmp_path))
    replay('demo:five_hands')
"""


@pytest.fixture
def folder(tmp_path):
    for model in load_models().values():
        if model.default and model_state(model) is not State.READY:
            pytest.skip(f'no model {model.name}: run `hand-action models fetch`')
    with VideoWriter(tmp_path / 'grey.mp4', width_px=160, height_px=120, fps=20.0) as writer:
        for level in range(6):
            writer.write(np.full((120, 160, 3), 10 * level, np.uint8))
    (tmp_path / 'conftest.py').write_text(CONFTEST)
    (tmp_path / 'test_clips.py').write_text(TESTS)
    (tmp_path / 'grey.replay.yaml').write_text('expect:\n  - hand count 0\n')
    (tmp_path / 'late.replay.yaml').write_text(
        'source: grey.mp4\nreplay: {start_s: 0.2}\nexpect:\n  - hand count 1\n  - body count 0\n')
    (tmp_path / 'lost.replay.yaml').write_text('expect:\n  - hand count 0\n')
    return tmp_path


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '-v', *arguments],
        cwd=folder, capture_output=True, text=True, timeout=200,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'TMPDIR': str(folder)},
    )
    assert not list(folder.glob('hand_action_replays_*')), 'replays are left behind'
    return done


@pytest.mark.parametrize('arguments', [(), ('-n', '2')], ids=['one process', 'two processes'])
def test_tests_and_files_are_run_and_each_replay_is_made_once(folder, arguments):
    if arguments:
        pytest.importorskip('xdist')
    told = run(folder, '-rs', *arguments).stdout
    assert '5 failed, 5 passed, 1 skipped' in told, told
    for words in (
        'line 1: expected hand count 1',  # of the test
        'line 4: expected hand count 1',  # of the file
        'no image was searched for bodies',
        "no source of the name 'lost'",
        'did you mean count?',
        "no replay option 'bodys'",
        'run: hand-action models fetch five_hands',
    ):
        assert words in told, told
    assert sorted((folder / 'made').read_text().splitlines()) == ['grey.mp4 0.0', 'grey.mp4 0.2']

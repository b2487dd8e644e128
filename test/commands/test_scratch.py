"""Scratch folders of killed processes are removed, and nobody else's."""

import signal
import subprocess
import sys

import pytest

from ros2_hand_action.commands.scratch import scratch_folder

OWNER = """
import sys, time
from pathlib import Path
from ros2_hand_action.commands.scratch import scratch_folder

with scratch_folder('mine_', Path(sys.argv[1])) as folder:
    (folder / 'job').mkdir()
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize('is_killed', [True, False])
def test_what_a_killed_process_left_is_removed(tmp_path, is_killed):
    owner = subprocess.Popen(
        [sys.executable, '-c', OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    name = owner.stdout.readline().strip()
    if is_killed:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    left = []
    try:
        with scratch_folder(
            'mine_', tmp_path, on_left=lambda each: left.extend(each.iterdir())
        ) as folder:
            there = {str(each) for each in tmp_path.iterdir()}
    finally:
        owner.kill()
        owner.wait()
        owner.stdout.close()
    assert there == ({str(folder)} if is_killed else {str(folder), name})
    assert bool(left) == is_killed
    assert not folder.exists()


def test_folders_that_nobody_locked_and_other_names_stay(tmp_path):
    for name in ('mine_old', 'others_1', 'mine_file'):
        (tmp_path / name).mkdir() if name != 'mine_file' else (tmp_path / name).touch()
    with scratch_folder('mine_', tmp_path):
        pass
    assert {each.name for each in tmp_path.iterdir()} == {'mine_old', 'others_1', 'mine_file'}

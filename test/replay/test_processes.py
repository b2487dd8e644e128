"""Node processes: what they wrote is told when they end too early, and none outlives its owner."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.replay.processes import NodeProcess

DEADLINE_S = 60


def wait_until_it_ends(process):
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        process.check_running()
        time.sleep(0.05)
    pytest.fail('the process still runs after 60 s')


def test_a_process_that_ends_is_told_with_its_log(tmp_path):
    with NodeProcess(['--nodes', 'no_such_node'], tmp_path / 'log') as process, pytest.raises(
        HandActionError, match=r"(?s)'hand-action run --nodes no_such_node' .*status 1.*no_such"
    ):
        wait_until_it_ends(process)


def test_a_process_can_be_stopped_twice_and_is_gone(tmp_path):
    process = NodeProcess(['--nodes', 'no_such_node'], tmp_path / 'log')
    process.stop()
    process.stop()
    with pytest.raises(HandActionError, match='ended with status'):
        process.check_running()


OWNER = """
import sys, time
from pathlib import Path
from ros2_hand_action.replay.processes import NodeProcess

arguments = ['--nodes', 'video_source', '--namespace', 'orphans', '-p', 'video_source.source:=no']
with NodeProcess(arguments, Path(sys.argv[1])) as nodes:
    print(nodes.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize('is_up', [False, True])
def test_nodes_end_with_a_process_that_is_killed(tmp_path, is_up):
    log = tmp_path / 'log'
    owner = subprocess.Popen(
        [sys.executable, '-c', OWNER, str(log)], stdout=subprocess.PIPE, text=True
    )
    pid = int(owner.stdout.readline())
    try:
        if is_up:
            wait_for(lambda: 'not started' in log.read_text(), 'the node')
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    wait_for(lambda: not is_running(pid), f'the end of process {pid}')


def wait_for(condition, what):
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, f'waited {DEADLINE_S} s in vain for {what}'
        time.sleep(0.05)


def is_running(pid):
    """Whether a process works; one that ended may wait for somebody to take note."""
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in 'ZX'

"""Node processes: what they wrote is told when they end too early."""

import time

import pytest

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.replay.processes import NodeProcess


def wait_until_it_ends(process):
    deadline_s = time.monotonic() + 60
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

import errno
import signal
import subprocess
import sys

import pytest

from ros2_hand_action import cli
from ros2_hand_action.cli import main
from ros2_hand_action.commands import replay


def test_full_disk_is_told_with_what_to_do(tmp_path, monkeypatch, capsys):
    def fail(_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(replay, 'execute', fail)
    assert main(['replay', 'wave', '--out', str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert 'No space left on device; make room' in said
    assert '--out' in said


def test_ctrl_c_while_a_command_is_still_being_imported(monkeypatch):
    def interrupt(_):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cli, 'import_module', interrupt)
    assert main(['replay', 'wave']) == 130


def test_sigterm_unwinds_a_command(monkeypatch):
    ended = []

    def wait(_):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            ended.append('all')

    monkeypatch.setattr(replay, 'execute', wait)
    with pytest.raises(SystemExit) as left:
        main(['replay', 'wave'])
    assert left.value.code == 143
    assert ended == ['all']


def test_output_that_nobody_reads_is_no_error():
    process = subprocess.Popen(
        [sys.executable, '-m', 'ros2_hand_action.cli', 'models', 'list'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b''
    assert process.wait(60) == 141

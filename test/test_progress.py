"""Progress bars on a terminal and in a log."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

PROGRAM = """
import time
from ros2_hand_action.cli import main
try:
    main(['--help'])
except SystemExit:
    pass
from tqdm import tqdm
for _ in tqdm(range(200)):
    time.sleep(0.005)
"""


def read_all(reader: int) -> bytes:
    written = b''
    try:
        while part := os.read(reader, 1 << 16):
            written += part
    except OSError:  # a terminal that is closed on the other side
        pass
    return written


@pytest.mark.parametrize(('is_terminal', 'given', 'is_calm'), [
    (True, None, False), (False, None, True), (False, '0.1', False),
])
def test_a_log_is_not_flooded(monkeypatch, is_terminal, given, is_calm):
    """Each phase once left some hundreds of bars in a log."""
    monkeypatch.delenv('TQDM_MININTERVAL', raising=False)
    if given:
        monkeypatch.setenv('TQDM_MININTERVAL', given)
    reader, writer = pty.openpty() if is_terminal else os.pipe()
    if is_terminal:
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack('4H', 25, 80, 0, 0))
    status = subprocess.run(
        [sys.executable, '-c', PROGRAM], stdout=subprocess.DEVNULL, stderr=writer, timeout=60
    )
    os.close(writer)
    written = read_all(reader)
    os.close(reader)
    assert status.returncode == 0
    assert b'200/200' in written  # the last state
    assert (written.count(b'\r') <= 4) == is_calm

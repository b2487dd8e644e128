"""Nodes in processes of their own, with their log kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ros2_hand_action.errors import HandActionError

_STOP_S = 10.0
_TAIL_LINES = 15
_COMMAND = (sys.executable, '-m', 'ros2_hand_action.cli', 'run', '--end-with-stdin')


class NodeProcess:
    """`hand-action run` in a process of its own, which ends with this one.

    Parameters
    ----------
    arguments : Sequence[str]
        Of `hand-action run`.
    log : Path
        Where all its output goes.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._log = log
        self._what = ' '.join(['hand-action', 'run', *arguments])
        with log.open('wb') as output:
            self._process = subprocess.Popen(
                [*_COMMAND, *arguments],
                stdin=subprocess.PIPE,  # ends when this process dies, even by SIGKILL
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'PYTHONUNBUFFERED': '1'},
                start_new_session=True,  # Ctrl-C is for this process, which ends them in order
            )

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def check_running(self) -> None:
        """Raise HandActionError with the end of its log where it has ended."""
        status = self._process.poll()
        if status is not None:
            raise HandActionError(f'{self._what!r} ended with status {status}:\n{self.log_tail()}')

    def check_not_failed(self) -> None:
        """Raise HandActionError with the end of its log where it has ended with an error."""
        if self._process.poll():
            self.check_running()

    def log_tail(self) -> str:
        """Return the last lines that it wrote."""
        lines = self._log.read_text(errors='replace').splitlines()[-_TAIL_LINES:]
        return '\n'.join(f'  {line}' for line in lines) or '  (it wrote nothing)'

    def stop(self) -> None:
        """End the process: it is asked, and killed where it does not obey."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def __enter__(self) -> 'NodeProcess':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

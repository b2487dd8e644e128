"""What `hand-action doctor` finds, and a process of its own for each check."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from tempfile import TemporaryFile
from typing import IO

_REAP_S = 1.0


class Level(Enum):
    """How bad a finding is."""

    OK = 'OK'
    WARN = 'WARN'
    FAIL = 'FAIL'


@dataclass(frozen=True)
class Finding:
    """One line: what was found, and what to do where that is not as it should be."""

    level: Level
    text: str
    fix: str = ''

    def __str__(self) -> str:
        return f'{self.text}. Fix: {self.fix}' if self.fix else self.text


def ok(text: str) -> Finding:
    """Return a finding that needs nothing to be done."""
    return Finding(Level.OK, text)


def warn(text: str, fix: str) -> Finding:
    """Return a finding that may be a trouble."""
    return Finding(Level.WARN, text, fix)


def fail(text: str, fix: str) -> Finding:
    """Return a finding with which the nodes do not work."""
    return Finding(Level.FAIL, text, fix)


def tell(findings: Iterable[Finding]) -> None:
    """Print findings for `Check.collect`, each as soon as it is there."""
    for finding in findings:
        line = json.dumps([finding.level.value, finding.text, finding.fix])
        print(line, flush=True)


class Check:
    """A check in a process of its own, which may crash or hang.

    Parameters
    ----------
    name : str
    command : sequence of str
        Prints its findings by `tell`; whatever else it prints is not looked at.
    """

    def __init__(self, name: str, command: Iterable[str]) -> None:
        self.name = name
        # files, as a pipe stays open in what a killed process has started
        self._output = TemporaryFile()  # noqa: SIM115 - closed by collect
        self._errors = TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._errors
        )

    def collect(self, deadline_s: float) -> list[Finding]:
        """Return what was found until it ended, or `time.monotonic()` is `deadline_s`."""
        status = self._wait(deadline_s)
        found = [each for each in map(_read, _lines(self._output)) if each is not None]
        if status != 0:
            found.append(self._describe_end(status))
        self._output.close()
        self._errors.close()
        return found

    def _wait(self, deadline_s: float) -> int | None:
        """Return the exit status, None where it hangs, perhaps in a driver even after a kill."""
        try:
            return self._process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
        try:
            self._process.wait(_REAP_S)
        except subprocess.TimeoutExpired:
            print(f'{self.name}: process {self._process.pid} does not end', file=sys.stderr)
        return None

    def _describe_end(self, status: int | None) -> Finding:
        if status is None:
            return fail(
                'no answer in time', 'unplug what hangs, or give a longer --timeout'
            )
        reason = (_lines(self._errors) or ['no message'])[-1].strip()
        if status < 0:
            reason = f'ended by {signal.Signals(-status).name} ({reason})'
        return fail(f'this check broke: {reason}', 'report it with the output of this command')


def _lines(file: IO[bytes]) -> list[str]:
    file.seek(0)
    return file.read().decode(errors='replace').splitlines()


def _read(line: str) -> Finding | None:
    """Return the finding of a line; None where a library printed it."""
    try:
        level, text, fix = json.loads(line)
        return Finding(Level(level), text, fix)
    except (ValueError, TypeError):
        return None

"""The processes of a launch, started again when they end, where there is no `ros2 launch`."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import yaml

from ros2_hand_action.nodes.launch_plan import ProcessPlan

STOP_S = 15.0


class RespawnedProcess:
    """A process that is started again at once when it ends, as with `respawn:=true`."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command, self._log = list(command), log
        self._lock, self._is_closed = threading.Lock(), False
        self.process = self._start()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def kill(self) -> int:
        """End the process with SIGKILL; returns its id."""
        pid = self.process.pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self.process.send_signal(signal.SIGINT)
        self._thread.join(STOP_S)
        self.process.kill()
        self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open('ab') as output:
            return subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )

    def _keep(self) -> None:
        while True:
            self.process.wait()
            with self._lock:
                if self._is_closed:
                    return
                self.process = self._start()


class Graph:
    """All processes of a plan, by the name of their node or executable."""

    def __init__(self, plans: Sequence[ProcessPlan], params_file: Path, folder: Path) -> None:
        self._folder = folder
        self.processes = {
            plan.node or plan.executable: RespawnedProcess(
                make_command(plan, params_file, folder), self._log(plan.node or plan.executable)
            )
            for plan in plans
        }

    @property
    def pids(self) -> dict[str, int]:
        return {name: each.process.pid for name, each in self.processes.items()}

    def log(self, name: str) -> str:
        return self._log(name).read_text(errors='replace')

    def close(self) -> None:
        for each in self.processes.values():
            each.close()

    def _log(self, name: str) -> Path:
        return self._folder / f'{name}.log'


def make_command(plan: ProcessPlan, params_file: Path, folder: Path) -> list[str]:
    """Return the command of a plan, with the arguments that launch_ros would give."""
    package = 'ros2_hand_action.'
    module = f'nodes.{plan.executable}' if plan.node else 'cli'
    command = [sys.executable, '-m', package + module, *plan.arguments, '--ros-args']
    if not plan.node:
        return command
    command += ['-r', f'__node:={plan.node}']
    files = [
        _write(folder / f'{plan.node}_defaults.yaml', plan.defaults),
        params_file,
        _write(folder / f'{plan.node}_parameters.yaml', plan.parameters),
    ]
    return command + [part for file in files for part in ('--params-file', str(file))]


def _write(path: Path, parameters: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
    return path

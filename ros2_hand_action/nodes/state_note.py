"""What a node was doing when its process died, kept for the process that follows."""

import json
import time
from pathlib import Path

STATES = ('active', 'inactive', 'unconfigured')
"""Those that a node goes on from; after any other it starts as if new."""

_WINDOW_S = 60.0
_PROMPT_STARTS = 4
"""So many starts within the window wait for nothing: the first one and three deaths."""
_LONGEST_WAIT_S = 30.0


class StateNote:
    """A file that keeps the state of a node, and when its processes started.

    A process that dies leaves the file behind, and the next one goes on from it at once: asking
    somebody else for the state first would take as long as finding each other. A node that dies
    again and again waits longer and longer.

    Parameters
    ----------
    path : str
        Of the file, of one node and one launch; '' keeps nothing.

    Attributes
    ----------
    state : str
        That was kept, one of STATES; '' where none was, or the file cannot be read.
    restarts : int
        Starts before this one.
    wait_s : float
        Time to wait before the node goes on.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.state, self.restarts, self._starts_s = self._read()
        now_s = time.monotonic()  # since the machine started, in every process
        self._starts_s = [each for each in self._starts_s if now_s - _WINDOW_S < each <= now_s]
        self.wait_s = _wait_s(len(self._starts_s) + 1)
        self._starts_s.append(now_s)

    def keep(self, state: str) -> None:
        """Keep the state that the node is in now; raises OSError where that fails."""
        self.state = state
        if self._path:
            content = {'state': state, 'restarts': self.restarts, 'starts_s': self._starts_s}
            Path(self._path).write_text(json.dumps(content))

    def _read(self) -> tuple[str, int, list[float]]:
        try:
            content = json.loads(Path(self._path).read_text())
            state = content['state'] if content['state'] in STATES else ''
            starts_s = [float(each) for each in content['starts_s']]
            return state, int(content['restarts']) + 1, starts_s
        except (OSError, ValueError, TypeError, KeyError):  # none, or cut off as the process died
            return '', 0, []


def _wait_s(starts: int) -> float:
    """Return the time to wait after so many starts within the window: 0, then 2, 4, 8 s."""
    extra = starts - _PROMPT_STARTS
    return min(2.0**extra, _LONGEST_WAIT_S) if extra > 0 else 0.0

"""A thread that does one thing at a steady rate, whatever the executors are busy with."""

import threading
from collections.abc import Callable


class SteadyLoop:
    """Calls a step again and again until it is closed.

    Parameters
    ----------
    name : str
        Name of the thread.
    step : callable
        Called without arguments; returns the seconds until the next call.
    fail : callable
        Called with what the step raised; returns the seconds until the next call.
    """

    def __init__(
        self, name: str, step: Callable[[], float], fail: Callable[[Exception], float]
    ) -> None:
        self._step, self._fail = step, fail
        self._wake = threading.Event()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Call the step at once."""
        self._wake.set()

    def close(self) -> None:
        """End the thread; may be called again."""
        self._is_closed = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_closed:
            self._wake.clear()
            try:
                pause_s = self._step()
            except Exception as error:
                pause_s = self._fail(error)
            self._wake.wait(pause_s)

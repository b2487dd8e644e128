"""Where the time of one call goes."""

from time import perf_counter
from typing import NamedTuple


class StageTimes(NamedTuple):
    """Seconds spent preparing the networks' inputs, inferring, and finishing the results."""

    prepare_s: float
    infer_s: float
    finish_s: float


class StageClock:
    """Adds up the time of each stage; it starts in `prepare`."""

    def __init__(self) -> None:
        self._spent = [0.0, 0.0, 0.0]
        self._stage = 0
        self._since = perf_counter()

    def _switch(self, stage: int) -> None:
        now = perf_counter()
        self._spent[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def prepare(self) -> None:
        """Count from here as preparing."""
        self._switch(0)

    def infer(self) -> None:
        """Count from here as inferring."""
        self._switch(1)

    def finish(self) -> None:
        """Count from here as finishing."""
        self._switch(2)

    def read(self) -> StageTimes:
        """Return the times up to now."""
        self._switch(self._stage)
        return StageTimes(*self._spent)

"""What a node counts and measures about the stream that it works on. Nothing here needs ROS."""

from collections import deque
from typing import NamedTuple

import numpy as np

STAGES = ('waiting', 'preparing', 'inferring', 'finishing')
"""Where the time of one message goes, in order.

waiting: from the sender's publish until the node begins to work on it (transport and queue);
preparing: the image into the network's input; inferring: the network; finishing: everything
from its outputs to the published message.
"""

UNKNOWN_NS = -1
"""A time that the middleware does not tell."""

_RECENT_NS = 2_000_000_000
"""What rates are taken over."""

_LARGEST_GAP = 10_000
"""More missing messages than this between two are another sender, not a loss."""


class FrameTimes(NamedTuple):
    """Seconds of one message in each of STAGES; NaN is unknown."""

    waiting_s: float
    preparing_s: float
    inferring_s: float
    finishing_s: float


class Percentiles(NamedTuple):
    """Milliseconds that half, and 95 % of the messages did not exceed; NaN without any."""

    p50_ms: float
    p95_ms: float


class StreamMonitor:
    """Finds messages that never came, and stamps that go back."""

    def __init__(self) -> None:
        self._stamp_ns: int | None = None
        self._sequence: int | None = None

    def count_missing(self, sequence: int | None) -> int:
        """Return how many messages the sender sent between the last one and this one.

        `sequence` is this one's number among the sender's messages; None is unknown.
        """
        before, self._sequence = self._sequence, sequence
        if sequence is None or before is None:
            return 0
        gap = sequence - before - 1
        return gap if 0 < gap < _LARGEST_GAP else 0

    def goes_back(self, stamp_ns: int) -> bool:
        """Return whether this stamp lies before the last one: a replay began anew."""
        before, self._stamp_ns = self._stamp_ns, stamp_ns
        return before is not None and stamp_ns < before

    def forget_sender(self) -> None:
        """Do not count messages between the last sender's and the next one's."""
        self._sequence = None


class RateMeter:
    """Counts messages, and how many there are per second."""

    def __init__(self) -> None:
        self.count = 0
        self._recent_ns: deque[int] = deque(maxlen=1000)

    def count_one(self, now_ns: int) -> None:
        """Count a message at a steady time."""
        self.count += 1
        self._recent_ns.append(now_ns)

    def count_since(self, since_ns: int) -> int:
        """Return the number of messages since a steady time; at most 1000."""
        return sum(when >= since_ns for when in self._recent_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Return messages per second over the last two seconds."""
        recent = [when for when in self._recent_ns if now_ns - when <= _RECENT_NS]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0
        return (len(recent) - 1) * 1e9 / (recent[-1] - recent[0])


class FrameStatistics:
    """Counts since the start, and the times of the newest `window` messages.

    Attributes
    ----------
    answered : RateMeter
    dropped, rejected : int
        Messages that the sender published and this node never took; messages that could not be
        used.
    last_error : str
        Why the newest of those could not be used; '' if there was none.
    """

    def __init__(self, window: int) -> None:
        self.answered = RateMeter()
        self.dropped = self.rejected = 0
        self.last_error = ''
        self._times_s = np.full((window, len(STAGES) + 1), np.nan)
        self._recent_drops: deque[tuple[int, int]] = deque(maxlen=window)

    def count_dropped(self, count: int, now_ns: int) -> None:
        """Count messages that never came; `now_ns` is a steady time."""
        if count:
            self.dropped += count
            self._recent_drops.append((now_ns, count))

    def count_rejected(self, reason: str) -> None:
        """Count a message that cannot be used."""
        self.rejected += 1
        self.last_error = reason

    def count_processed(self, times: FrameTimes, *, age_s: float, now_ns: int) -> None:
        """Count an answered message.

        Parameters
        ----------
        age_s : float
            From the stamp of the image to the published answer; NaN is unknown.
        now_ns : int
            Steady time.
        """
        self._times_s[self.answered.count % len(self._times_s)] = (*times, age_s)
        self.answered.count_one(now_ns)

    def drop_ratio(self, now_ns: int) -> float:
        """Return the part of the messages of the last two seconds that never came, 0 to 1."""
        since_ns = now_ns - _RECENT_NS
        dropped = sum(count for when, count in self._recent_drops if when >= since_ns)
        return dropped / (dropped + self.answered.count_since(since_ns)) if dropped else 0.0

    def percentiles(self) -> dict[str, Percentiles]:
        """Return the spread of each of STAGES, of their sum 'total', and of the 'age'."""
        times_s = self._times_s[: self.answered.count]
        stages_s = times_s[:, : len(STAGES)]
        columns = [*stages_s.T, stages_s.sum(axis=1), times_s[:, -1]]
        return {
            name: _percentiles(column)
            for name, column in zip((*STAGES, 'total', 'age'), columns)
        }


def _percentiles(column_s: np.ndarray) -> Percentiles:
    known = column_s[np.isfinite(column_s)]
    if not known.size:
        return Percentiles(float('nan'), float('nan'))
    p50, p95 = np.percentile(known, (50, 95)) * 1e3
    return Percentiles(float(p50), float(p95))

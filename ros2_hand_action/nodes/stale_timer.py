"""Tells when a stream has fallen silent."""

import time
from collections.abc import Callable

from ros2_hand_action.nodes.base import HandActionNode


class StaleTimer:
    """Calls back once when nothing was heard for a while; begins with the first that is heard.

    The timer is not reset by each message: that would wake the executor, whose Python then holds
    up the answer to the very message (0.3 ms of it, docs/benchmark.md).

    Parameters
    ----------
    node : HandActionNode
        Whose lock is held around each call, and by whoever calls `hear` and `close`.
    timeout_s : float
    on_stale : callable
    """

    def __init__(
        self, node: HandActionNode, timeout_s: float, on_stale: Callable[[], None]
    ) -> None:
        self._node = node
        self._timeout_ns = round(timeout_s * 1e9)
        self._on_stale = on_stale
        self._heard_ns = 0
        self._is_idle = True
        self._timer = node.create_steady_timer(timeout_s, self._look)
        self._timer.cancel()

    def hear(self) -> None:
        """Note that the stream is alive."""
        self._heard_ns = time.monotonic_ns()
        if self._is_idle:
            self._is_idle = False
            self._wait(self._timeout_ns)

    def close(self) -> None:
        """End the timer."""
        self._node.destroy_timer(self._timer)

    def _look(self) -> None:
        left_ns = self._heard_ns + self._timeout_ns - time.monotonic_ns()
        if left_ns > 0:
            self._wait(left_ns)
            return
        self._timer.cancel()
        self._is_idle = True
        self._on_stale()

    def _wait(self, period_ns: int) -> None:
        self._timer.timer_period_ns = period_ns
        self._timer.reset()

"""Whether the stamps of images can be trusted, and how old what they show is."""

from typing import NamedTuple


class Now(NamedTuple):
    """One moment on two clocks, in nanoseconds.

    `ros_ns` is that of the images' stamps and may be simulated or set; `steady_ns` never is.
    """

    ros_ns: int
    steady_ns: int


class StampGuard:
    """Judges the stamp of each image by the clock and by the stamps before it.

    Parameters
    ----------
    future_ns : int
        A stamp may lie so far ahead of the clock.
    jump_ns : int
        The time between two stamps may differ by so much from that between their arrivals.
    """

    def __init__(self, *, future_ns: int, jump_ns: int) -> None:
        self._future_ns, self._jump_ns = future_ns, jump_ns
        self._stamp_ns: int | None = None
        self._arrival_ns = 0

    def judge(self, stamp_ns: int, now: Now) -> str:
        """Return what is wrong with a stamp that arrives now; '' if nothing is."""
        before_ns, self._stamp_ns = self._stamp_ns, stamp_ns
        arrival_step_ns = now.steady_ns - self._arrival_ns
        self._arrival_ns = now.steady_ns
        problem = self.judge_alone(stamp_ns, now)
        if problem or before_ns is None:
            return problem
        step_ns = stamp_ns - before_ns
        if step_ns < 0:
            return f'stamps went back by {-step_ns / 1e9:.3f} s'
        if step_ns == 0:
            return 'two images have the same stamp: the camera froze, or two nodes publish'
        if abs(step_ns - arrival_step_ns) > self._jump_ns:
            return (
                f'stamps jumped: {step_ns / 1e9:.3f} s apart, but {arrival_step_ns / 1e9:.3f} s '
                'on arrival'
            )
        return ''

    def judge_alone(self, stamp_ns: int, now: Now) -> str:
        """Return what is wrong with a stamp by the clock alone; '' if nothing is."""
        if stamp_ns <= 0:
            return 'images carry no stamp: the driver must set header.stamp'
        ahead_ns = stamp_ns - now.ros_ns
        if ahead_ns > self._future_ns:
            return (
                f'stamp lies {ahead_ns / 1e9:.3f} s in the future: synchronise the clocks of '
                'camera and robot, or set use_sim_time alike on all nodes'
            )
        return ''


class Freshness:
    """How old something seen is, by its stamp and by the time since it arrived.

    The larger of both counts, so that neither a clock that stands still nor one that is set
    keeps it fresh.
    """

    def __init__(self, stamp_ns: int, now: Now) -> None:
        self.stamp_ns = stamp_ns
        self._seen = now

    def age_ns(self, now: Now) -> int:
        """Return the age at a moment."""
        on_arrival_ns = max(self._seen.ros_ns - self.stamp_ns, 0)
        return max(
            now.ros_ns - self.stamp_ns, on_arrival_ns + now.steady_ns - self._seen.steady_ns
        )

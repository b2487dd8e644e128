"""A thread that names clips of images, at a rate of its own, so that nothing waits for it."""

import time
from collections.abc import Callable
from typing import NamedTuple

from std_msgs.msg import Header

from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.statistics import FrameStatistics, FrameTimes
from ros2_hand_action.nodes.steady_loop import SteadyLoop
from ros2_hand_action.perception.action_stance import Stance
from ros2_hand_action.perception.image_clips import ImageClip, ImageClipRecognizer
from ros2_hand_action.perception.records import Action

_LOCK_POLL_S = 0.02
_IDLE_S = 3600.0


class ClipJob(NamedTuple):
    """The clips that end with one image.

    Attributes
    ----------
    clips : tuple of ImageClip
    header : Header
        Of that image.
    stamp_ns : int
    stances : dict of str to Stance
        Body id -> how that person holds themselves.
    """

    clips: tuple[ImageClip, ...]
    header: Header
    stamp_ns: int
    stances: dict[str, Stance]


class ClipWorker:
    """Names the newest clips, one job after the other; one that has to wait gives way to a newer.

    Parameters
    ----------
    node : HandActionNode
    recognizer : ImageClipRecognizer
    publish : callable
        Called in this thread, under the node's lock, with a job and its actions.
    interval_ns : int
        Least time between the stamps of two jobs.
    """

    def __init__(
        self,
        node: HandActionNode,
        recognizer: ImageClipRecognizer,
        publish: Callable[[ClipJob, tuple[Action, ...]], None],
        *,
        interval_ns: int,
    ) -> None:
        self._node = node
        self._recognizer = recognizer
        self._publish = publish
        self._interval_ns = interval_ns
        self._offered_ns: int | None = None
        self._job: ClipJob | None = None
        self._epoch = 0
        self._is_closed = False
        self.statistics = FrameStatistics(int(node.value('statistics_window')))
        self._loop = SteadyLoop(f'{node.get_name()} clips', self._work, self._fail)

    def is_due(self, stamp_ns: int) -> bool:
        """Return whether a job of an image with this stamp would not come too early."""
        before = self._offered_ns
        return before is None or not 0 <= stamp_ns - before < self._interval_ns

    def offer(self, job: ClipJob) -> None:
        """Give the newest job; called under the node's lock."""
        self._offered_ns = job.stamp_ns
        self._job = job
        self._loop.wake()

    def forget(self) -> None:
        """Drop what waits, and what is being worked on; called under the node's lock."""
        self._epoch += 1
        self._job = self._offered_ns = None

    def close(self) -> None:
        """End the thread, after the clips that it is at; may be called under the node's lock."""
        self._is_closed = True
        self._loop.close()

    def values(self) -> dict[str, object]:
        """Return what was measured, as entries of /diagnostics."""
        spread = self.statistics.percentiles()
        return {
            'clips rate (Hz)': self.statistics.answered.rate_hz(time.monotonic_ns()),
            'clips inferring p50 (ms)': spread['inferring'].p50_ms,
            'clips inferring p95 (ms)': spread['inferring'].p95_ms,
            'clips age p50 (ms)': spread['age'].p50_ms,
        }

    def _work(self) -> float:
        job, self._job, epoch = self._job, None, self._epoch
        if job is None:
            return _IDLE_S
        begun_s = time.perf_counter()
        actions = self._recognizer.recognize(job.clips)
        infer_s = time.perf_counter() - begun_s
        if self._take_lock():
            try:
                if epoch == self._epoch:
                    self._publish(job, actions)
                    self._count(job, infer_s)
            finally:
                self._node.lock.release()
        return _IDLE_S

    def _take_lock(self) -> bool:
        """Take the node's lock unless the node wants to be rid of this thread, and holds it."""
        while not self._node.lock.acquire(timeout=_LOCK_POLL_S):
            if self._is_closed:
                return False
        return True

    def _count(self, job: ClipJob, infer_s: float) -> None:
        age_s = (self._node.get_clock().now().nanoseconds - job.stamp_ns) / 1e9
        times = FrameTimes(float('nan'), 0.0, infer_s, 0.0)
        self.statistics.count_processed(times, age_s=age_s, now_ns=time.monotonic_ns())

    def _fail(self, error: Exception) -> float:
        reason = self._node.problems.exception('clips left out', error)
        self.statistics.count_rejected(reason)
        return _IDLE_S

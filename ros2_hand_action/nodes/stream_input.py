"""The stream of messages that a node answers one by one."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from std_msgs.msg import Header

from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.clock_check import OTHER_CLOCK_S, explain_clock
from ros2_hand_action.nodes.conversions import stamp_to_ns
from ros2_hand_action.nodes.parameters import Change, NodeParameter
from ros2_hand_action.nodes.reporting import judge_stream, statistics_values
from ros2_hand_action.nodes.statistics import (
    UNKNOWN_NS,
    FrameStatistics,
    FrameTimes,
    StreamMonitor,
)
from ros2_hand_action.nodes.subscription import (
    RELIABILITIES,
    AdaptiveSubscription,
    Candidate,
    Delivery,
    type_name,
)
from ros2_hand_action.perception.stage_times import StageTimes

STREAM_PARAMETERS = (
    NodeParameter(
        'input_reliability', 'auto',
        "Reliability of the input's subscription; auto is that of the publisher",
        choices=RELIABILITIES,
    ),
    NodeParameter(
        'input_timeout_s', 5.0, 'Report an error after so long without input (seconds)',
        low=0.1, high=3600.0, change=Change.ANY_TIME,
    ),
    NodeParameter(
        'slow_ms', 200.0,
        'Report a warning when the results are older than this, 95th percentile (milliseconds)',
        low=1.0, high=60000.0, change=Change.ANY_TIME,
    ),
    NodeParameter(
        'statistics_window', 300, 'Messages over which latencies in /diagnostics are taken',
        low=10, high=100000,
    ),
)
"""Parameters of every node that answers a stream."""

_SILENCE_REPEAT_S = 30.0
_CLOCK_REPEAT_S = 30.0


class StreamInput:
    """Takes the newest messages of a topic, answers each, and keeps count.

    Whatever a message holds, it is answered or counted as rejected with one throttled error.

    Parameters
    ----------
    node : HandActionNode
        Declares STREAM_PARAMETERS.
    candidates : sequence of Candidate
        Topics and types that serve, in order of preference.
    depth : int
        Messages kept while the node is busy; older ones are dropped and counted.
    decode : callable
        Message, stamp in nanoseconds -> the record that is worked on.
    answer : callable
        Record, header of the message -> the times of the core; publishes the result.
    restart : callable
        Called before the first message whose stamp lies before the last one's.
    inspect : callable, optional
        Called with each record and the topic, before it is answered.
    """

    def __init__(
        self,
        node: HandActionNode,
        *,
        candidates: Sequence[Candidate],
        depth: int,
        decode: Callable[[Any, int], Any],
        answer: Callable[[Any, Header], StageTimes],
        restart: Callable[[], None],
        inspect: Callable[[Any, str], None] | None = None,
    ) -> None:
        self._node = node
        self._decode = decode
        self._answer = answer
        self._restart = restart
        self._inspect = inspect
        self._monitor = StreamMonitor()
        self.statistics = FrameStatistics(int(node.value('statistics_window')))
        self._rejected_before = 0
        self._heard_ns = time.monotonic_ns()
        self._subscription = AdaptiveSubscription(
            node,
            candidates=candidates,
            callback=self._take,
            depth=depth,
            reliability=str(node.value('input_reliability')),
            on_change=self._monitor.forget_sender,
        )

    @property
    def topic(self) -> str:
        """The resolved name that is subscribed to."""
        return self._subscription.topic

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()

    def watch(self) -> None:
        """Follow the publishers, and report silence."""
        self._subscription.adapt()
        if self._is_silent():
            self._node.problems.error(
                'silence',
                f'no input for {self._silent_s():.0f} s: {self._subscription.explain_silence()}',
                repeat_s=_SILENCE_REPEAT_S,
            )

    def diagnose(self, values: dict[str, object]) -> DiagnosticStatus:
        """Return the entry in /diagnostics: the stream's numbers and `values`."""
        now_ns = time.monotonic_ns()
        rejected = self.statistics.rejected - self._rejected_before
        self._rejected_before = self.statistics.rejected
        level, text = judge_stream(
            self.statistics,
            rejected_now=rejected,
            slow_ms=float(self._node.value('slow_ms')),
            now_ns=now_ns,
        )
        if self._is_silent():
            level = DiagnosticStatus.ERROR
            text = f'no input on {self.topic!r} for {self._silent_s():.0f} s'
        told = {
            'input': f'{self.topic} ({type_name(self._subscription.message_type)})',
            **values,
            **statistics_values(self.statistics, now_ns),
        }
        return self._node.make_status(level, text, told, hardware_id=self.topic)

    def _silent_s(self) -> float:
        return (time.monotonic_ns() - self._heard_ns) / 1e9

    def _is_silent(self) -> bool:
        return self._silent_s() > float(self._node.value('input_timeout_s'))

    def _hear(self) -> None:
        """Note that something came."""
        self._heard_ns = time.monotonic_ns()

    def _take(self, taken: Any, delivery: Delivery) -> None:
        """Answer one message, or count why not: nothing that it holds may end the node."""
        begun_s = time.perf_counter()
        waiting_s = _waiting_s(delivery)
        self._hear()
        missing = self._monitor.count_missing(delivery.sequence)
        self.statistics.count_dropped(missing, self._heard_ns)
        try:
            message = delivery.candidate.open(taken)
            stamp_ns = self._read_stamp(message.header)
            record = self._decode(message, stamp_ns)
            decoded_s = time.perf_counter()
            self._follow_time(stamp_ns)
            if self._inspect is not None:
                self._inspect(record, self.topic)
            core = self._answer(record, message.header)
        except Exception as error:
            reason = self._node.problems.exception(f'message on {self.topic!r} left out', error)
            self.statistics.count_rejected(reason)
            return
        preparing_s = decoded_s - begun_s + core.prepare_s
        finishing_s = time.perf_counter() - begun_s - preparing_s - core.infer_s
        self.statistics.count_processed(
            FrameTimes(waiting_s, preparing_s, core.infer_s, finishing_s),
            age_s=self._age_s(stamp_ns),
            now_ns=time.monotonic_ns(),
        )

    def _read_stamp(self, header: Header) -> int:
        """Return the header's stamp, or the time now where the sender leaves it out."""
        stamp_ns = stamp_to_ns(header.stamp)
        if stamp_ns:
            return stamp_ns
        self._node.problems.warning(
            'no stamp', f'messages on {self.topic!r} carry no stamp: took the time of arrival'
        )
        return int(self._node.get_clock().now().nanoseconds)

    def _follow_time(self, stamp_ns: int) -> None:
        if self._monitor.goes_back(stamp_ns):
            self._node.problems.warning(
                'time jump', f'stamps on {self.topic!r} went back: all tracks start anew'
            )
            self._restart()

    def _age_s(self, stamp_ns: int) -> float:
        """Return the time since a stamp, NaN where it is of another clock; warn about clocks."""
        now_ns = int(self._node.get_clock().now().nanoseconds)
        age_s = (now_ns - stamp_ns) / 1e9
        trouble = explain_clock(
            age_s=age_s,
            now_ns=now_ns,
            is_simulated=bool(self._node.value('use_sim_time')),
            topic=self.topic,
        )
        if trouble:
            self._node.problems.warning('clock', trouble, repeat_s=_CLOCK_REPEAT_S)
        return age_s if abs(age_s) < OTHER_CLOCK_S else math.nan


def _waiting_s(delivery: Delivery) -> float:
    """Return the time since the message was sent; NaN where the sender's clock is another."""
    if delivery.published_ns == UNKNOWN_NS:
        return math.nan
    waiting_s = (time.time_ns() - delivery.published_ns) / 1e9
    return waiting_s if waiting_s >= 0 else math.nan

"""How nodes speak: errors that do not flood the log, and /diagnostics."""

import math
import traceback
from collections.abc import Mapping
from time import monotonic

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.node import Node

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.nodes.statistics import FrameStatistics

_REPEAT_S = 5.0

_RECENT_S = 2.0
"""A problem is told on /diagnostics for so long after it was last met."""

_NOTABLE_DROP_RATIO = 0.1


class ProblemLog:
    """Logs each kind of problem at once, then at most every few seconds, with its count.

    What was met in the last two seconds, logged or not, is told on /diagnostics as well.
    """

    def __init__(self, node: Node) -> None:
        self._logger = node.get_logger()
        self._logged_s: dict[str, float] = {}
        self._silent: dict[str, int] = {}
        self._met: dict[str, tuple[float, str]] = {}

    def error(self, kind: str, text: str, *, repeat_s: float = _REPEAT_S) -> None:
        """Log an error of a kind such as 'ImageError'."""
        due = self._due(kind, text, repeat_s)
        if due:
            self._logger.error(due)

    def warning(self, kind: str, text: str, *, repeat_s: float = _REPEAT_S) -> None:
        """Log a warning of a kind such as 'time jump'."""
        due = self._due(kind, text, repeat_s)
        if due:
            self._logger.warning(due)

    def exception(self, what: str, error: Exception, *, repeat_s: float = _REPEAT_S) -> str:
        """Log an error that was raised, with its trace where nobody foresaw it; returns why."""
        kind = type(error).__name__
        if isinstance(error, HandActionError):
            reason = f'{what}: {error}'
            self.error(kind, reason, repeat_s=repeat_s)
        else:
            reason = f'{what}: unforeseen {kind}: {error}'
            self.error(kind, f'{reason}\n{traceback.format_exc()}', repeat_s=repeat_s)
        return reason

    def add_recent(self, status: DiagnosticStatus) -> None:
        """Tell recent problems in an entry of /diagnostics, which is then WARN at least."""
        since_s = monotonic() - _RECENT_S
        recent = [text for met_s, text in list(self._met.values()) if met_s >= since_s]
        if not recent:
            return
        own = [] if status.level == DiagnosticStatus.OK else [status.message]
        told = [text for text in recent if text not in status.message]
        status.level = max(status.level, DiagnosticStatus.WARN)
        status.message = '; '.join([*own, *told])
        status.values = [*status.values, KeyValue(key='problems', value='; '.join(recent))]

    def _due(self, kind: str, text: str, repeat_s: float) -> str:
        """Return the text with the number of those left out, or '' where it is too early."""
        now_s = monotonic()
        self._met[kind] = now_s, text.partition('\n')[0]
        if now_s - self._logged_s.get(kind, -math.inf) < repeat_s:
            self._silent[kind] = self._silent.get(kind, 0) + 1
            return ''
        self._logged_s[kind] = now_s
        silent = self._silent.pop(kind, 0)
        return f'{text} ({silent} more of this kind since the last report)' if silent else text


def make_status(
    *, name: str, hardware_id: str, level: bytes, message: str, values: Mapping[str, object]
) -> DiagnosticStatus:
    """Return one entry of /diagnostics."""
    pairs = [KeyValue(key=key, value=_format(value)) for key, value in values.items()]
    return DiagnosticStatus(
        name=name, hardware_id=hardware_id, level=level, message=message, values=pairs
    )


def statistics_values(statistics: FrameStatistics, now_ns: int) -> dict[str, object]:
    """Return what has been counted and measured, as entries of /diagnostics."""
    values: dict[str, object] = {
        'rate (Hz)': statistics.answered.rate_hz(now_ns),
        'answered': statistics.answered.count,
        'dropped': statistics.dropped,
        'rejected': statistics.rejected,
    }
    for stage, spread in statistics.percentiles().items():
        values[f'{stage} p50 (ms)'] = spread.p50_ms
        values[f'{stage} p95 (ms)'] = spread.p95_ms
    values['last error'] = statistics.last_error
    return values


def judge_stream(
    statistics: FrameStatistics, *, rejected_now: int, slow_ms: float, now_ns: int
) -> tuple[bytes, str]:
    """Return the level of a stream that flows, and why.

    Parameters
    ----------
    rejected_now : int
        Messages rejected since the last judgement.
    slow_ms : float
        Age of a result above which the node is slow.
    """
    if rejected_now:
        answered = statistics.answered.count_since(now_ns - 1_000_000_000)
        level = DiagnosticStatus.WARN if answered else DiagnosticStatus.ERROR
        return level, f'{rejected_now} rejected: {statistics.last_error}'
    ratio = statistics.drop_ratio(now_ns)
    if ratio > _NOTABLE_DROP_RATIO:
        return DiagnosticStatus.WARN, f'drops {ratio:.0%} of its input: slower than the sender'
    age_ms = statistics.percentiles()['age'].p95_ms
    if age_ms > slow_ms:
        return DiagnosticStatus.WARN, f'slow: results are {age_ms:.0f} ms old (p95)'
    return DiagnosticStatus.OK, f'{statistics.answered.rate_hz(now_ns):.1f} Hz'


def _format(value: object) -> str:
    if isinstance(value, float):
        return 'unknown' if math.isnan(value) else f'{value:.3f}'
    return str(value)

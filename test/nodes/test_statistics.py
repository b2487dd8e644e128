import math

import pytest

from ros2_hand_action.nodes.statistics import (
    STAGES,
    FrameStatistics,
    FrameTimes,
    RateMeter,
    StreamMonitor,
)

SECOND_NS = 1_000_000_000


def test_gaps_in_the_sequence_are_missing_messages():
    monitor = StreamMonitor()
    counted = [monitor.count_missing(number) for number in (7, 8, 11, 12, 3, 4)]
    assert counted == [0, 0, 2, 0, 0, 0]  # 3: the sender was started anew


def test_unknown_sequences_count_nothing():
    monitor = StreamMonitor()
    assert [monitor.count_missing(number) for number in (1, None, 9, 11)] == [0, 0, 0, 1]


def test_another_sender_is_no_gap():
    monitor = StreamMonitor()
    monitor.count_missing(5)
    monitor.forget_sender()
    assert monitor.count_missing(60) == 0


def test_a_sequence_of_another_kind_is_no_loss():
    monitor = StreamMonitor()
    monitor.count_missing(1)
    assert monitor.count_missing(2**40) == 0


def test_stamps_that_go_back_are_told_once():
    monitor = StreamMonitor()
    assert [monitor.goes_back(stamp) for stamp in (5, 6, 6, 2, 3)] == [
        False, False, False, True, False,
    ]


def test_rate_is_that_of_the_last_two_seconds():
    meter = RateMeter()
    assert meter.rate_hz(0) == 0.0
    for index in range(100):
        meter.count_one(index * SECOND_NS // 20)
    now_ns = 99 * SECOND_NS // 20
    assert meter.rate_hz(now_ns) == pytest.approx(20.0)
    assert meter.count == 100
    assert meter.rate_hz(now_ns + 3 * SECOND_NS) == 0.0


def make_times(milliseconds: float) -> FrameTimes:
    return FrameTimes(*(index * milliseconds / 1e3 for index in (1, 2, 3, 4)))


def test_percentiles_of_each_stage_and_of_their_sum():
    statistics = FrameStatistics(window=101)
    for index in range(101):
        statistics.count_processed(make_times(index), age_s=index / 10, now_ns=index)
    spread = statistics.percentiles()
    assert list(spread) == [*STAGES, 'total', 'age']
    for factor, stage in enumerate(STAGES, 1):
        assert spread[stage] == pytest.approx((50 * factor, 95 * factor))
    assert spread['total'] == pytest.approx((500, 950))
    assert spread['age'] == pytest.approx((5000, 9500))


def test_percentiles_forget_what_is_older_than_the_window():
    statistics = FrameStatistics(window=10)
    for milliseconds in [1000] * 50 + [1] * 10:
        statistics.count_processed(make_times(milliseconds), age_s=math.nan, now_ns=0)
    assert statistics.percentiles()['waiting'] == pytest.approx((1, 1))


def test_unknown_times_stay_unknown():
    statistics = FrameStatistics(window=10)
    assert all(math.isnan(value) for pair in statistics.percentiles().values() for value in pair)
    times = FrameTimes(math.nan, 0.001, 0.002, 0.003)
    statistics.count_processed(times, age_s=math.nan, now_ns=0)
    spread = statistics.percentiles()
    assert math.isnan(spread['waiting'].p50_ms)
    assert spread['inferring'].p50_ms == pytest.approx(2)


def test_drop_ratio_is_of_the_last_two_seconds():
    statistics = FrameStatistics(window=100)
    for index in range(40):
        now_ns = index * SECOND_NS // 10
        statistics.count_dropped(1 if index < 10 else 0, now_ns)
        statistics.count_processed(make_times(1), age_s=0.0, now_ns=now_ns)
    assert statistics.dropped == 10
    assert statistics.drop_ratio(SECOND_NS) == pytest.approx(10 / (10 + 40))
    assert statistics.drop_ratio(4 * SECOND_NS) == 0.0

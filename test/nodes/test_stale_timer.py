"""Silence is told once, and what is heard costs the executor nothing."""

import threading

import pytest

pytest.importorskip('rclpy')

from ros2_hand_action.nodes import stale_timer
from ros2_hand_action.nodes.stale_timer import StaleTimer

TIMEOUT_S = 0.5
SECOND_NS = 1_000_000_000


class HandTimer:
    """Stands in for rclpy's timer: goes off when the test says so."""

    def __init__(self, callback):
        self.callback = callback
        self.timer_period_ns = 0
        self.resets = 0
        self.is_canceled = False

    def reset(self):
        self.resets += 1
        self.is_canceled = False

    def cancel(self):
        self.is_canceled = True


class NodeOfTimer:
    """Has the one part of a node that is wanted."""

    lock = threading.RLock()

    def create_steady_timer(self, _period_s, callback):
        self.timer = HandTimer(callback)
        return self.timer


@pytest.fixture
def clock(monkeypatch):
    now = [1000 * SECOND_NS]
    monkeypatch.setattr(stale_timer.time, 'monotonic_ns', lambda: now[0])
    return now


@pytest.fixture
def told():
    return []


@pytest.fixture
def silence(told, clock):
    node = NodeOfTimer()
    watched = StaleTimer(node, TIMEOUT_S, lambda: told.append(clock[0]))
    watched.timer = node.timer
    return watched


def test_messages_do_not_wake_the_executor(silence):
    for _ in range(100):
        silence.hear()
    assert silence.timer.resets == 1


def test_silence_counts_from_what_was_heard_last(silence, clock, told):
    silence.hear()
    clock[0] += SECOND_NS * 4 // 10
    silence.hear()
    clock[0] += SECOND_NS // 10
    silence.timer.callback()
    assert not told
    assert silence.timer.timer_period_ns == SECOND_NS * 4 // 10
    clock[0] += SECOND_NS * 4 // 10
    silence.timer.callback()
    assert told == [clock[0]]
    assert silence.timer.is_canceled


def test_silence_is_told_again_only_after_something_was_heard(silence, clock, told):
    assert silence.timer.is_canceled  # nothing was heard yet
    for _ in range(2):
        silence.hear()
        assert not silence.timer.is_canceled
        clock[0] += SECOND_NS
        silence.timer.callback()
        assert silence.timer.is_canceled
    assert len(told) == 2

"""Signals that end a process end all that it began, and tear no call apart."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from ros2_hand_action.interrupts import uninterrupted, unwinding_on_signals

SIGNALS = [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)]


@pytest.mark.parametrize(('number', 'error'), SIGNALS)
def test_a_signal_unwinds_and_the_handlers_before_come_back(number, error):
    before = signal.getsignal(number)
    with pytest.raises(error) as told, unwinding_on_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before
    if error is SystemExit:
        assert told.value.code == 143


@pytest.mark.parametrize(('number', 'error'), SIGNALS)
def test_a_signal_waits_for_the_end_of_what_must_not_be_interrupted(number, error):
    done = []

    def work():
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(number)
            done.append('all')

    with unwinding_on_signals(), pytest.raises(error):
        work()
    assert done == ['all']
    with uninterrupted():  # nothing is left to raise
        pass


def test_an_ignored_interrupt_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with unwinding_on_signals():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_changed():
    failures = []

    def run():
        try:
            with unwinding_on_signals():
                pass
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failures


def test_a_process_ends_with_its_standard_input():
    code = (
        'import signal; from ros2_hand_action.interrupts import end_with_stdin\n'
        'end_with_stdin(); signal.pause()'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', code], stdin=subprocess.PIPE, env={**os.environ}
    )
    process.stdin.write(b'read and forgotten')
    process.stdin.close()
    assert process.wait(60) == -signal.SIGTERM

"""How a process ends before its time: Ctrl-C, SIGTERM, the death of the one that started it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM."""

_GRACE_S = 15.0


class _Shield:
    """Whether a signal must wait, and which one does."""

    depth = 0
    waiting: int | None = None


@contextmanager
def unwinding_on_signals() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C raise SystemExit(143) and KeyboardInterrupt in the main thread.

    So that everything ends what it began. A Ctrl-C that is ignored, as after `nohup`, stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, lambda received, _: _unwind(received))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back, in the main thread, for as long as the block lasts.

    C++ that calls back into Python, as rclpy's does for every message, makes another error of
    what a signal raises there.
    """
    _Shield.depth += 1
    try:
        yield
    finally:
        _Shield.depth -= 1
        if not _Shield.depth and _Shield.waiting is not None:
            number, _Shield.waiting = _Shield.waiting, None
            _unwind(number)


def end_with_stdin() -> None:
    """End this process, as by SIGTERM, when its standard input ends.

    A pipe ends with the process that holds its other end, whatever killed that one.
    """
    threading.Thread(target=_follow_stdin, name='stdin', daemon=True).start()


def _unwind(number: int) -> None:
    if _Shield.depth:
        _Shield.waiting = number
    elif number == signal.SIGINT:
        raise KeyboardInterrupt
    else:
        raise SystemExit(TERMINATED)


def _follow_stdin() -> None:
    try:
        while os.read(0, 4096):
            continue
    except OSError:  # closed: nobody holds it
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(TERMINATED)

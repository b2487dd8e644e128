"""Keeping what networks are fed, as material for calibration."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.inference.wrapped import WrappedSession

Take = Callable[[Mapping[str, np.ndarray]], object]

_observers: dict[Path, Take] = {}


@contextmanager
def observe(path: Path, take: Take) -> Iterator[None]:
    """Give `take` the inputs of every run of sessions that are opened meanwhile from `path`.

    It must copy what it keeps.
    """
    _observers[path] = take
    try:
        yield
    finally:
        del _observers[path]


def observed(path: Path, session: InferenceSession) -> InferenceSession:
    """Return the session, or one that also tells an observer of its file."""
    return ObservedSession(session, _observers[path]) if path in _observers else session


class ObservedSession(WrappedSession):
    """A session that tells what it is fed, but not when it is warmed up."""

    def __init__(self, session: InferenceSession, take: Take) -> None:
        super().__init__(session)
        self._take = take

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the session, and tell."""
        self._take(feeds)
        return super().run(feeds)

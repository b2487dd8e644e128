"""What all perception tasks that run networks have in common."""

from types import TracebackType
from typing import TypeVar

from ros2_hand_action.inference.session import InferenceSession

_Task = TypeVar('_Task', bound='NetworkTask')


class NetworkTask:
    """A task that owns networks; a context manager that frees them.

    Parameters
    ----------
    *sessions : InferenceSession
        Closed with the task.
    """

    def __init__(self, *sessions: InferenceSession) -> None:
        self._sessions = sessions

    @property
    def description(self) -> str:
        """Back end and device of the networks."""
        return ', '.join(sorted({session.description for session in self._sessions}))

    def warm_up(self) -> None:
        """Run each network once, so that the first image takes no longer than the rest."""
        for session in self._sessions:
            session.warm_up()

    def close(self) -> None:
        """Free the networks; may be called again."""
        for session in self._sessions:
            session.close()

    def __enter__(self: _Task) -> _Task:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

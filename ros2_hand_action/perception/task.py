"""What all perception tasks that run networks have in common."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from ros2_hand_action.errors import ModelError
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


def check_head(
    session: InferenceSession, *, inputs: Mapping[str, tuple[int, ...]], output: str,
    labels: Sequence[str], rest: str, what: str, command: str,
) -> None:
    """Raise ModelError unless a network names one of `labels` from the features it should take.

    Parameters
    ----------
    session : InferenceSession
    inputs : mapping of str to tuple of int
        Name -> shape without the first dimension.
    output : str
        Name of the probabilities, one for each label.
    labels : sequence of str
    rest : str
        The label of what has no other; it must be among them.
    what, command : str
        What the network is and what trains one, for messages.
    """
    found = (
        {spec.name: spec.shape[1:] for spec in session.inputs},
        {spec.name: spec.shape[1:] for spec in session.outputs},
    )
    wanted = (dict(inputs), {output: (len(labels),)})
    if found != wanted:
        raise ModelError(
            f'{what} has inputs and outputs {found!r}, this version needs {wanted!r}: train it '
            f'with `{command}`'
        )
    if rest not in labels:
        raise ModelError(f'{what} has no {rest!r} among {tuple(labels)!r}')

"""A session around another one, for those that change or watch what it is fed, or say more."""

from collections.abc import Mapping

import numpy as np

from ros2_hand_action.inference.session import InferenceSession, TensorSpec


class WrappedSession:
    """An `InferenceSession` that passes everything on; override what is to differ.

    Parameters
    ----------
    session : InferenceSession
        Closed with this.
    """

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs of the session."""
        return self._session.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs of the session."""
        return self._session.outputs

    @property
    def description(self) -> str:
        """Description of the session."""
        return self._session.description

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the session."""
        return self._session.run(feeds)

    def warm_up(self) -> None:
        """Warm the session up, past any override of `run`."""
        self._session.warm_up()

    def close(self) -> None:
        """Close the session."""
        self._session.close()


class ExplainedSession(WrappedSession):
    """A session that says in its description why it is the one.

    Parameters
    ----------
    session : InferenceSession
    reason : str
    """

    def __init__(self, session: InferenceSession, reason: str) -> None:
        super().__init__(session)
        self._reason = reason

    @property
    def description(self) -> str:
        """Description of the session, and the reason."""
        return f'{super().description} ({self._reason})'

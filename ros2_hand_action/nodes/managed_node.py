"""Another lifecycle node, seen through its services."""

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

TARGETS = {
    'active': State.PRIMARY_STATE_ACTIVE,
    'inactive': State.PRIMARY_STATE_INACTIVE,
    'unconfigured': State.PRIMARY_STATE_UNCONFIGURED,
}
"""Name -> state that nodes can be brought into."""

STATES = {
    State.PRIMARY_STATE_UNKNOWN: 'unknown',
    State.PRIMARY_STATE_FINALIZED: 'finalized',
    **{state: name for name, state in TARGETS.items()},
}
"""State -> name, as ROS has them."""

_STEPS = {
    (State.PRIMARY_STATE_UNCONFIGURED, True): Transition.TRANSITION_CONFIGURE,
    (State.PRIMARY_STATE_INACTIVE, True): Transition.TRANSITION_ACTIVATE,
    (State.PRIMARY_STATE_ACTIVE, False): Transition.TRANSITION_DEACTIVATE,
    (State.PRIMARY_STATE_INACTIVE, False): Transition.TRANSITION_CLEANUP,
}
"""State, whether the way goes up -> the next transition."""

_NAMES = {
    Transition.TRANSITION_CONFIGURE: 'configure',
    Transition.TRANSITION_ACTIVATE: 'activate',
    Transition.TRANSITION_DEACTIVATE: 'deactivate',
    Transition.TRANSITION_CLEANUP: 'clean up',
}

_ASK_PERIOD_S = 0.25
_LOST_S = 1.0
"""A request without answer for so long is sent again: early ones get lost (rmw_fastrtps#392)."""


class ManagedNode:
    """Knows a node's state and asks for transitions, one request at a time.

    Parameters
    ----------
    node : rclpy.node.Node
        Makes the requests.
    name : str
        Of the other node, relative to the namespace of `node`.

    Attributes
    ----------
    state : int
        One of lifecycle_msgs/State; unknown until it answers.
    failure : str
        Why the last transition failed; '' if it did not.
    activations : int
        How often it was activated from here.
    """

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.state = State.PRIMARY_STATE_UNKNOWN
        self.failure = ''
        self.activations = 0
        self._node = node
        self._state_client = node.create_client(GetState, f'{name}/get_state')
        self._change_client = node.create_client(ChangeState, f'{name}/change_state')
        self._pending: tuple[Client, Future, int, float] | None = None
        self._is_known = False  # the state, since the last step that was asked for
        self._asked_s = float('-inf')
        self._tried_s = float('-inf')
        self._heard_s: float | None = None

    def silent_s(self, now_s: float) -> float:
        """Return the time since the last answer, or since the first look."""
        return now_s - self._heard_s if self._heard_s is not None else 0.0

    def look(self, now_s: float) -> None:
        """Take the answer that has come, or ask for the state where that is due."""
        if self._heard_s is None:
            self._heard_s = now_s
        if self._pending is not None:
            self._take_answer(*self._pending, now_s)
        if self._pending is None and now_s - self._asked_s >= _ASK_PERIOD_S:
            self._asked_s = now_s
            self._send(self._state_client, GetState.Request(), 0, now_s)

    def step_towards(self, goal: int, now_s: float, *, retry_s: float) -> None:
        """Ask for the next transition, unless it failed less than `retry_s` ago."""
        step = _STEPS.get((self.state, self._goes_up(goal)))
        is_early = bool(self.failure) and now_s - self._tried_s < retry_s
        if step is None or not self._is_known or is_early:
            return
        self._forget()
        self._is_known = False
        self._tried_s = now_s
        request = ChangeState.Request(transition=Transition(id=step))
        self._send(self._change_client, request, step, now_s)

    def close(self) -> None:
        """Destroy the clients."""
        self._forget()
        self._node.destroy_client(self._state_client)
        self._node.destroy_client(self._change_client)

    def _goes_up(self, goal: int) -> bool:
        ranks = list(TARGETS.values())  # active first
        return self.state in ranks and ranks.index(goal) < ranks.index(self.state)

    def _send(
        self, client: Client, request: GetState.Request | ChangeState.Request, step: int,
        now_s: float,
    ) -> None:
        if client.service_is_ready():
            self._pending = (client, client.call_async(request), step, now_s)

    def _take_answer(
        self, client: Client, future: Future, step: int, sent_s: float, now_s: float
    ) -> None:
        if not future.done():
            if now_s - sent_s > _LOST_S:
                self._forget()
            return
        self._pending = None
        self._heard_s = now_s
        if not step:
            self._become(future.result().current_state.id)
            return
        self._asked_s = float('-inf')  # look at once what came of it
        if future.result().success:
            self.failure = ''
            self.activations += step == Transition.TRANSITION_ACTIVATE
        else:
            self.failure = f'cannot {_NAMES[step]}; its own entry says why'

    def _become(self, state: int) -> None:
        if state == State.PRIMARY_STATE_ACTIVE:  # whoever did it
            self.failure = ''
        self.state = state
        self._is_known = True

    def _forget(self) -> None:
        if self._pending is not None:
            client, future, _, _ = self._pending
            client.remove_pending_request(future)
            self._pending = None

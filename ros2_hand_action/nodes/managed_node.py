"""Another lifecycle node, seen through its services."""

import math
from collections import deque
from typing import NamedTuple

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

_ASK_PERIOD_S = 0.2
_LOST_S = 0.3
"""A question without answer for so long is asked again: early ones get lost (rmw_fastrtps#392)."""
_MOST_QUESTIONS = 10
"""On a busy machine answers take longer: so many questions wait for theirs, as in a service."""


class _Call(NamedTuple):
    """A request that waits for its answer."""

    client: Client
    future: Future
    sent_s: float

    def forget(self) -> None:
        self.client.remove_pending_request(self.future)


class ManagedNode:
    """Knows a node's state and asks for transitions, one at a time.

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
        self._settled = self.state  # a node that is tried again passes through others
        self._node = node
        self._state_client = node.create_client(GetState, f'{name}/get_state')
        self._change_client = node.create_client(ChangeState, f'{name}/change_state')
        self._is_activating = False
        self._questions: deque[_Call] = deque()
        self._change: tuple[_Call, int, int] | None = None  # step, and the state before it
        self._asked_s = self._known_s = self._tried_s = -math.inf
        self._heard_s: float | None = None

    def silent_s(self, now_s: float) -> float:
        """Return the time since the last answer, or since the first look."""
        return now_s - self._heard_s if self._heard_s is not None else 0.0

    def look(self, now_s: float) -> None:
        """Take the answer that has come, or ask for the state where that is due."""
        if self._heard_s is None:
            self._heard_s = now_s
        self._take_state(now_s)
        self._take_change(now_s)
        if self._change is None and self.state == State.PRIMARY_STATE_ACTIVE:
            self._count_activation()  # its answer was lost
        if now_s - self._asked_s >= (_LOST_S if self._questions else _ASK_PERIOD_S):
            self._asked_s = now_s
            if len(self._questions) == _MOST_QUESTIONS:
                self._questions.popleft().forget()
            self._questions.append(_call(self._state_client, GetState.Request(), now_s))

    def step_towards(self, goal: int, now_s: float, *, retry_s: float) -> None:
        """Ask for the next transition, unless it failed less than `retry_s` ago."""
        step = _STEPS.get((self.state, self._goes_up(goal)))
        is_known = self._change is None and self._known_s > self._tried_s
        is_early = bool(self.failure) and now_s - self._tried_s < retry_s
        if step is None or not is_known or is_early:
            return
        request = ChangeState.Request(transition=Transition(id=step))
        self._tried_s = now_s
        self._is_activating = step == Transition.TRANSITION_ACTIVATE
        self._change = _call(self._change_client, request, now_s), step, self.state

    def close(self) -> None:
        """Destroy the clients."""
        for call in (*self._questions, *([self._change[0]] if self._change else [])):
            call.forget()
        self._node.destroy_client(self._state_client)
        self._node.destroy_client(self._change_client)

    def _count_activation(self) -> None:
        self.activations += self._is_activating
        self._is_activating = False

    def _goes_up(self, goal: int) -> bool:
        ranks = list(TARGETS.values())  # active first
        return self.state in ranks and ranks.index(goal) < ranks.index(self.state)

    def _take_state(self, now_s: float) -> None:
        """Take the newest answer; what was asked before it matters no more."""
        newest = next((c for c in reversed(self._questions) if c.future.done()), None)
        if newest is None:
            return
        while (call := self._questions.popleft()) is not newest:
            call.forget()
        state = newest.future.result().current_state.id
        if state in STATES and state != self._settled:  # whoever did it
            self.failure = ''
            self._settled = state
        self.state = state
        self._known_s, self._heard_s = newest.sent_s, now_s

    def _take_change(self, now_s: float) -> None:
        if self._change is None:
            return
        call, step, before = self._change
        if call.future.done():
            is_done = call.future.result().success
            has_moved = self.state in STATES and self.state != before  # asked twice, done once
            is_failure = not is_done and not has_moved
            if is_done:
                self._count_activation()
            self._is_activating &= not is_failure
            self.failure = f'cannot {_NAMES[step]}; its own entry says why' if is_failure else ''
            self._asked_s = -math.inf  # look at once what came of it
        elif self._known_s - call.sent_s < _LOST_S:  # the node may be busy with it
            return
        else:
            call.forget()
        self._change = None


def _call(
    client: Client, request: GetState.Request | ChangeState.Request, now_s: float
) -> _Call:
    """Ask, even where the service is said not to be ready.

    rmw_fastrtps says so, too, while a dead node of the same name is half forgotten, for as long
    as that lasts, though the living one would answer.
    """
    return _Call(client, client.call_async(request), now_s)

"""What actions of people set off: stops that last, and commands; never a motion."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ros2_hand_action.commanding.command_map import Reaction
from ros2_hand_action.commanding.decisions import Firing
from ros2_hand_action.perception.records import ActionEvent, Phase

_MOST_LASTING = 64
"""People whose action lasts; more come of ends that nobody told, as where the recogniser died."""


@dataclass
class _Lasting:
    """An action that lasts; `fired` names the commands that it has set off."""

    label: str
    fired: set[str] = field(default_factory=set)


class Reactions:
    """Follows the actions that the map names, one for each person.

    A stop outlasts silence: an action that was seen and whose end was not is not over.

    Parameters
    ----------
    reactions : iterable of Reaction
    stop_actions : tuple of str
        Labels that stop the robot while they last, whoever does them.
    """

    def __init__(self, reactions: Iterable[Reaction], stop_actions: tuple[str, ...]) -> None:
        self._reactions, self._stop_actions = tuple(reactions), stop_actions
        self._lasting: dict[str, _Lasting] = {}
        self._stopping: dict[str, str] = {}

    @property
    def stop_reason(self) -> str:
        """Why the robot must stand still; '' if it need not."""
        return ', '.join(_tell(label, body_id) for body_id, label in self._stopping.items())

    def forget_stops(self) -> None:
        """Take every stop for over until its action is seen again."""
        self._stopping = {}

    def observe(
        self, event: ActionEvent, *, is_fresh: bool, allows: Callable[[str], bool]
    ) -> tuple[Firing, ...]:
        """Take an event; returns the commands that it sets off.

        Parameters
        ----------
        event : ActionEvent
        is_fresh : bool
            What is not fresh stops, and sets nothing off.
        allows : callable
            Whether this person, a body id, commands anything but a stop action.
        """
        self._follow_stop(event)
        if event.phase is Phase.STARTED and is_fresh:
            self._remember(event)
        lasting = self._lasting.get(event.body_id)
        if lasting is not None and lasting.label != event.label:
            lasting = None
        may_fire = event.label in self._stop_actions or allows(event.body_id)
        fired = self._fire(event, lasting) if is_fresh and may_fire else ()
        if event.phase is Phase.ENDED and lasting is not None:
            del self._lasting[event.body_id]
        return fired

    def _remember(self, event: ActionEvent) -> None:
        """Note that an action began, and forget the person whose action began first."""
        self._lasting.pop(event.body_id, None)  # the newest stands last
        self._lasting[event.body_id] = _Lasting(event.label)
        if len(self._lasting) > _MOST_LASTING:
            del self._lasting[next(iter(self._lasting))]

    def _follow_stop(self, event: ActionEvent) -> None:
        if event.label not in self._stop_actions:
            return
        if event.phase is Phase.ENDED:
            self._stopping.pop(event.body_id, None)
        else:
            self._stopping[event.body_id] = event.label

    def _fire(self, event: ActionEvent, lasting: _Lasting | None) -> tuple[Firing, ...]:
        due = [
            each for each in self._reactions
            if each.action == event.label
            and event.duration_ns >= each.hold_ns
            and _is_due(each, event.phase, lasting)
        ]
        if lasting is not None:
            lasting.fired.update(each.name for each in due)
        return tuple(_make_firing(each, event) for each in due)


def _is_due(reaction: Reaction, phase: Phase, lasting: _Lasting | None) -> bool:
    if reaction.phase is not Phase.STARTED:
        return reaction.phase is phase
    # once held for long enough, which HELD tells; an action that was there before counts no more
    is_first = lasting is not None and reaction.name not in lasting.fired
    return phase is not Phase.ENDED and is_first


def _make_firing(reaction: Reaction, event: ActionEvent) -> Firing:
    fields = {'command': reaction.name, 'action': event.label, 'person': event.body_id}
    return Firing(reaction, fields, event.stamp_ns, _tell(event.label, event.body_id))


def _tell(label: str, body_id: str) -> str:
    return f'{label} of {body_id or "somebody"}'

"""Actions turned into events that a robot can act on; a fall stays until it is over for sure.

Probabilities are debounced as those of gestures are (`events`). A fall starts only once the
person has also been down for a moment, and is latched then: it is HELD, whatever the recogniser
says next and whether or not the person is still seen, until the person is up again, somebody
acknowledges it, or its time is over. `docs/actions.md` draws it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.perception.action_event_options import ActionEventOptions
from ros2_hand_action.perception.action_stance import Stance, withhold_falls
from ros2_hand_action.perception.events import GestureEventDetector
from ros2_hand_action.perception.labels import FALL, NONE, OTHER
from ros2_hand_action.perception.records import (
    Action,
    ActionEvent,
    Gesture,
    GestureEvent,
    Handedness,
    Phase,
)

_KEY = 'body:'
"""Goes before body ids in the debouncing, where the whole image's empty id is not allowed."""
_NEEDS_LEGS = ('walk', 'run', 'ride_bike')
_SAME_PERSON_NS = 1_500_000_000
"""An id that comes back after more is somebody else's, of a tracker that was started anew: none
remembers anybody for longer."""


@dataclass
class _Fall:
    """A latched fall: its newest event, and what is known of the person since."""

    event: ActionEvent
    seen_ns: int
    next_held_ns: int
    up_since_ns: int | None = None


class ActionEventMachine:
    """Turns the actions of successive images into STARTED, HELD and ENDED events.

    For every person the events of successive actions follow each other without overlap, and
    every STARTED is followed by exactly one ENDED. While a fall is latched, the person's other
    actions are no events; what goes on when it ends is STARTED then.
    """

    def __init__(self, options: ActionEventOptions | None = None) -> None:
        self._options = options or ActionEventOptions()
        self._debounce = GestureEventDetector(self._options.debounce)
        self._falls: dict[str, _Fall] = {}
        self._waiting: dict[str, ActionEvent] = {}  # falls of people not seen down for so long
        self._over: set[str] = set()  # bodies whose fall has ended before the recogniser's has
        self._stamp_ns: int | None = None

    @property
    def active(self) -> dict[str, ActionEvent]:
        """The actions that last, by body id, as HELD events of the newest image."""
        stamp_ns = self._stamp_ns or 0
        events = {
            event.body_id: event
            for event in map(_as_action, self._debounce.active.values())
            if event.body_id not in self._over and event.body_id not in self._waiting
        }
        for body_id, fall in self._falls.items():
            events[body_id] = replace(fall.event, phase=Phase.HELD, stamp_ns=stamp_ns)
        return events

    def process(
        self,
        actions: Sequence[Action],
        *,
        stamp_ns: int,
        labels: Sequence[str],
        stances: Mapping[str, Stance] | None = None,
    ) -> tuple[ActionEvent, ...]:
        """Return the events that one image causes, ENDED before STARTED for each person.

        Parameters
        ----------
        actions : Sequence[Action]
            One for each person whose clip is full enough.
        stamp_ns : int
            Stamp of the image. Where it lies before the last one, all actions end at the last
            one, falls too, and everything starts anew.
        labels : Sequence[str]
            What `Action.probabilities` stand for; 'other' may be among them.
        stances : Mapping[str, Stance], optional
            Body id -> how the person holds themselves, of all who are seen. Of a body without
            an entry, as of the whole image, a fall starts at once. Where it cannot be told who
            is up, only an action that needs legs says that somebody is up again.

        Raises
        ------
        HandActionError
            If a body occurs twice, or probabilities do not fit the labels; the image is then
            left out as a whole.
        """
        if self._stamp_ns is not None and stamp_ns < self._stamp_ns:
            events = list(self.reset())
        else:
            events = []
        gestures = [_as_gesture(action) for action in actions]
        debounced = self._debounce.process(
            gestures, stamp_ns, [NONE if label == OTHER else label for label in labels]
        )
        self._stamp_ns = stamp_ns
        for event in debounced:
            events += self._pass_on(_as_action(event))
        stances = stances or {}
        present = {action.body_id for action in actions} | set(stances)
        for body_id in present & set(self._waiting):
            events += self._begin_fall(body_id, stances.get(body_id))
        for body_id in list(self._falls):
            if body_id in present:
                stance = stances.get(body_id)
                self._watch(body_id, stance.is_up if stance else None)
            events += self._continue_fall(body_id)
        return tuple(events)

    def change_options(self, options: ActionEventOptions) -> tuple[ActionEvent, ...]:
        """Judge by other options from now on; returns ENDED of what lasted, but falls stay."""
        events = self.reset(keep_falls=True)
        self._options, self._debounce = options, GestureEventDetector(options.debounce)
        return events

    def withhold_falls(
        self, actions: Sequence[Action], *, labels: Sequence[str], stances: Mapping[str, Stance]
    ) -> tuple[Action, ...]:
        """Return the actions to tell of an image: falls only of people who are down by now."""
        return withhold_falls(actions, stances, labels=labels, found_ns=self._options.found_ns)

    def acknowledge(self, body_id: str | None = None) -> tuple[ActionEvent, ...]:
        """End a person's latched fall, or all of them; returns the events that this causes.

        The same person's fall starts again only after the recogniser has seen it end.

        Raises
        ------
        HandActionError
            If that person has no latched fall.
        """
        if body_id is not None and body_id not in self._falls:
            raise HandActionError(
                f'body {body_id!r} has no fall to acknowledge; there are {sorted(self._falls)!r}'
            )
        ids = list(self._falls) if body_id is None else [body_id]
        return tuple(event for key in ids for event in self._end_fall(key))

    def reset(
        self, stamp_ns: int | None = None, *, keep_falls: bool = False
    ) -> tuple[ActionEvent, ...]:
        """Forget everybody; returns ENDED for each action that lasts.

        They carry `stamp_ns` or, where that is None or earlier, the stamp of the last image.
        Where the input has only become silent, `keep_falls`: no image is no proof that somebody
        is up again.
        """
        last_ns = self._stamp_ns or 0
        end_ns = last_ns if stamp_ns is None else max(stamp_ns, last_ns)
        events = [
            event for event in map(_as_action, self._debounce.reset(stamp_ns))
            if not {event.body_id} & (self._falls.keys() | self._over | self._waiting.keys())
        ]
        self._over.clear()
        self._waiting.clear()
        if not keep_falls:
            for fall in self._falls.values():
                events.append(replace(fall.event, phase=Phase.ENDED, stamp_ns=end_ns))
            self._falls.clear()
            self._stamp_ns = None
        return tuple(events)

    def _pass_on(self, event: ActionEvent) -> list[ActionEvent]:
        """Return what a debounced event means while falls are latched."""
        body_id = event.body_id
        if body_id in self._over:
            if event.phase is Phase.ENDED:
                self._over.discard(body_id)
            return []
        if body_id in self._falls:
            return []
        if event.label != FALL:
            return [event]
        if event.phase is Phase.STARTED:
            self._waiting[body_id] = event
        elif event.phase is Phase.ENDED:
            self._waiting.pop(body_id, None)
        return []

    def _begin_fall(self, body_id: str, stance: Stance | None) -> list[ActionEvent]:
        """Latch a fall that waits, once the person has been down for long enough."""
        options, stamp_ns = self._options, self._stamp_ns or 0
        if stance is not None:
            needed_ns = options.down_ns if stance.was_up else options.found_ns
            if stance.down_ns < needed_ns:
                return []
        event = replace(self._waiting.pop(body_id), stamp_ns=stamp_ns)
        held_ns = stamp_ns + options.debounce.held_interval_ns
        self._falls[body_id] = _Fall(event, stamp_ns, held_ns)
        return [event]

    def _watch(self, body_id: str, is_upright: bool | None) -> None:
        """Note that a fallen person is seen, and whether up again."""
        fall, stamp_ns = self._falls[body_id], self._stamp_ns or 0
        if stamp_ns - fall.seen_ns > _SAME_PERSON_NS:
            return
        fall.seen_ns = stamp_ns
        if is_upright is None:
            going_on = self._debounce.active.get(_KEY + body_id)
            is_upright = going_on is not None and going_on.label in _NEEDS_LEGS
        if not is_upright:
            fall.up_since_ns = None
        elif fall.up_since_ns is None:
            fall.up_since_ns = stamp_ns

    def _continue_fall(self, body_id: str) -> list[ActionEvent]:
        """Hold or end a latched fall."""
        fall, stamp_ns, options = self._falls[body_id], self._stamp_ns or 0, self._options
        if fall.seen_ns < stamp_ns:
            fall.up_since_ns = None
        is_up = fall.up_since_ns is not None and stamp_ns - fall.up_since_ns >= options.up_ns
        if is_up or stamp_ns - fall.seen_ns > options.longest_latch_ns:
            return self._end_fall(body_id)
        if stamp_ns < fall.next_held_ns:
            return []
        fall.next_held_ns = stamp_ns + options.debounce.held_interval_ns
        return [replace(fall.event, phase=Phase.HELD, stamp_ns=stamp_ns)]

    def _end_fall(self, body_id: str) -> list[ActionEvent]:
        """Unlatch; what the person does by now starts."""
        stamp_ns = self._stamp_ns or 0
        events = [replace(self._falls.pop(body_id).event, phase=Phase.ENDED, stamp_ns=stamp_ns)]
        going_on = self._debounce.active.get(_KEY + body_id)
        if going_on is None:
            return events
        if going_on.label == FALL:
            self._over.add(body_id)
            return events
        return [*events, replace(_as_action(going_on), phase=Phase.STARTED)]


def _as_gesture(action: Action) -> Gesture:
    return Gesture(
        hand_id=_KEY + action.body_id, handedness=Handedness.UNKNOWN, label=action.label,
        score=action.score, probabilities=action.probabilities,
    )


def _as_action(event: GestureEvent) -> ActionEvent:
    return ActionEvent(
        phase=event.phase, label=event.label, body_id=event.hand_id[len(_KEY):],
        score=event.score, start_ns=event.start_ns, stamp_ns=event.stamp_ns,
    )

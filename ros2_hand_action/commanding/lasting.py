"""Gestures that have begun with an event, and when an image last showed each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ros2_hand_action.commanding.stamps import Freshness, Now
from ros2_hand_action.perception.records import GestureEvent, Phase


@dataclass
class Lasting:
    """A gesture of one hand; `fired` names the commands that it has fired."""

    label: str
    start_ns: int
    seen: Freshness
    is_stale: bool = False
    fired: set[str] = field(default_factory=set)


class LastingGestures:
    """The gestures that last, one for each hand.

    Parameters
    ----------
    stop_gestures : tuple of str
        Labels that `cut` leaves.
    timeout_ns : int
        What no image showed for so long is stale, and stays so.
    lost_ns : int
        What no image showed for so long is forgotten.
    """

    def __init__(
        self, *, stop_gestures: tuple[str, ...], timeout_ns: int, lost_ns: int
    ) -> None:
        self._stop_gestures = stop_gestures
        self._timeout_ns, self._lost_ns = timeout_ns, lost_ns
        self._lasting: dict[str, Lasting] = {}

    def begin(self, event: GestureEvent, seen: Freshness) -> None:
        """Take a gesture that has begun."""
        self._lasting[event.hand_id] = Lasting(event.label, event.start_ns, seen)

    def end(self, hand_id: str) -> None:
        """Forget the gesture of a hand."""
        self._lasting.pop(hand_id, None)

    def find(self, hand_id: str, label: str) -> Lasting | None:
        """Return the gesture of a hand if it is this one."""
        lasting = self._lasting.get(hand_id)
        return lasting if lasting is not None and lasting.label == label else None

    def confirm(self, evident: Mapping[str, str], seen: Freshness) -> dict[str, Lasting]:
        """Take an image that shows these labels, by hand id; return what it confirms."""
        confirmed = {}
        for hand_id, label in evident.items():
            lasting = self.find(hand_id, label)
            if lasting is not None and not lasting.is_stale:
                lasting.seen = seen
                confirmed[hand_id] = lasting
        return confirmed

    def expire(self, now: Now) -> None:
        """Give up what was not seen for too long."""
        for hand_id, lasting in list(self._lasting.items()):
            age_ns = lasting.seen.age_ns(now)
            lasting.is_stale |= age_ns > self._timeout_ns
            if lasting.is_stale and age_ns > self._lost_ns:
                del self._lasting[hand_id]

    def cut(self) -> None:
        """Forget all that could move or command; they have to begin anew."""
        self._lasting = {
            hand_id: lasting for hand_id, lasting in self._lasting.items()
            if lasting.label in self._stop_gestures
        }


class LastingStops:
    """Stop gestures that have begun and not ended, however little of one an image shows.

    Parameters
    ----------
    stop_gestures : tuple of str
    lost_ns : int
        The stop of a hand that was not in view for so long is over.
    """

    def __init__(self, stop_gestures: tuple[str, ...], lost_ns: int) -> None:
        self._stop_gestures, self._lost_ns = stop_gestures, lost_ns
        self._reasons: dict[str, str] = {}
        self._seen: dict[str, Freshness] = {}

    @property
    def reason(self) -> str:
        """Why the robot must stand still; '' if it need not."""
        return ', '.join(self._reasons.values())

    def observe(self, event: GestureEvent, seen: Freshness) -> None:
        """Take an event: another gesture of the hand ends a stop as well, as none overlap."""
        if event.label in self._stop_gestures and event.phase is not Phase.ENDED:
            self._reasons[event.hand_id] = f'{event.label} shown by {event.hand_id}'
            self._seen[event.hand_id] = seen
        elif event.phase is not Phase.HELD:
            self._forget(event.hand_id)

    def see(self, hand_ids: Iterable[str], seen: Freshness) -> None:
        """Take which hands are in view."""
        self._seen.update((hand_id, seen) for hand_id in hand_ids if hand_id in self._reasons)

    def expire(self, now: Now) -> None:
        """Give up the stops of hands that are gone."""
        for hand_id, seen in list(self._seen.items()):
            if seen.age_ns(now) > self._lost_ns:
                self._forget(hand_id)

    def _forget(self, hand_id: str) -> None:
        self._reasons.pop(hand_id, None)
        self._seen.pop(hand_id, None)

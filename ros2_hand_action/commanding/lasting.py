"""Gestures that have begun with an event, and when an image last showed each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ros2_hand_action.commanding.stamps import Freshness, Now
from ros2_hand_action.perception.records import Gesture, GestureEvent, Phase


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
        self._lasting: dict[str, tuple[str, Freshness]] = {}

    def observe(self, event: GestureEvent, seen: Freshness) -> str:
        """Take an event; returns why the robot must stand still, '' if it need not.

        Another gesture of the hand ends a stop as well, as none overlap.
        """
        if event.label in self._stop_gestures and event.phase is not Phase.ENDED:
            self._lasting[event.hand_id] = event.label, seen
        elif event.phase is not Phase.HELD:
            self._lasting.pop(event.hand_id, None)
        return _tell((hand_id, label) for hand_id, (label, _) in self._lasting.items())

    def see(self, gestures: Iterable[Gesture], seen: Freshness) -> str:
        """Take an image; returns why the robot must stand still, '' if it need not.

        A stop gesture counts with any probability; hands in view keep those that last.
        """
        shown = {gesture.hand_id: gesture.label for gesture in gestures}
        for hand_id in shown.keys() & self._lasting.keys():
            self._lasting[hand_id] = self._lasting[hand_id][0], seen
        return _tell(
            (hand_id, label) for hand_id, label in shown.items() if label in self._stop_gestures
        ) or _tell((hand_id, label) for hand_id, (label, _) in self._lasting.items())

    def expire(self, now: Now) -> None:
        """Give up the stops of hands that are gone."""
        self._lasting = {
            hand_id: (label, seen) for hand_id, (label, seen) in self._lasting.items()
            if seen.age_ns(now) <= self._lost_ns
        }


def _tell(shown: Iterable[tuple[str, str]]) -> str:
    return ', '.join(f'{label} shown by {hand_id}' for hand_id, label in shown)

"""When actions begin and end, and falls."""

from dataclasses import dataclass, field

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.events import GestureEventOptions

_MS = 1_000_000


def _make_debounce() -> GestureEventOptions:
    return GestureEventOptions(
        start_threshold=0.5, end_threshold=0.35, minimum_hold_ns=180 * _MS,
        smoothing_ns=100 * _MS, lost_grace_ns=500 * _MS, held_interval_ns=1000 * _MS,
        pause_ns=700 * _MS,
    )


@dataclass(frozen=True)
class ActionEventOptions:
    """When an action begins, goes on and ends. All times are of the images' stamps.

    Attributes
    ----------
    debounce : GestureEventOptions
        Of every action; `lost_grace_ns` is that of a person.
    down_ns : int
        A fall starts only when a person who was up before has been down for so long, at least 0.
    found_ns : int
        The same of a person who was never seen up: found lying, or no person at all.
    up_ns : int
        A fallen person is up again after being upright for so long, at least 0.
    longest_latch_ns : int
        A fall ends so long after the person was last seen, at least 0: nobody acknowledged it,
        and nobody who is looking can tell more.

    Raises
    ------
    ConfigError
        If a time is negative.
    """

    debounce: GestureEventOptions = field(default_factory=_make_debounce)
    down_ns: int = 400 * _MS
    found_ns: int = 10_000 * _MS
    up_ns: int = 1500 * _MS
    longest_latch_ns: int = 300_000 * _MS

    def __post_init__(self) -> None:
        for name in ('down_ns', 'found_ns', 'up_ns', 'longest_latch_ns'):
            if not getattr(self, name) >= 0:
                raise ConfigError(f'{name} is {getattr(self, name)!r}, must be at least 0')

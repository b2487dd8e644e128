"""Gestures of single images turned into events that a robot can act on.

The probabilities of each hand are smoothed over time, not over images, so that 10, 30 and 60
images a second give the same events. `docs/events.md` draws it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from ros2_hand_action.errors import ConfigError, HandActionError, TensorMismatchError
from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.perception.records import Gesture, GestureEvent, Handedness, Phase

_MS = 1_000_000


@dataclass(frozen=True)
class GestureEventOptions:
    """When a gesture begins, goes on and ends. All times are of the images' stamps.

    Attributes
    ----------
    start_threshold, end_threshold : float
        A gesture may start at this probability and ends below that one (hysteresis):
        0 < end_threshold <= start_threshold <= 1.
    minimum_hold_ns : int
        A gesture starts only after it has been shown for so long: no event is shorter.
    cool_down_ns : int
        After a gesture ended, the same gesture of the same hand does not start again for so
        long. Another gesture may.
    pause_ns : int
        A gesture ends only after it was below `end_threshold` for so long without a break, or
        once another one may begin; 0 = at once.
    held_interval_ns : int
        HELD is repeated this often, 0 for every image.
    smoothing_ns : int
        Time constant of the exponential smoothing of the probabilities, 0 for none.
    largest_step_ns : int
        No image counts for more time than this, however long the gap before it: one wrong image
        of a slow camera neither starts nor ends a gesture. At least 1.
    lost_grace_ns : int
        A hand that is missing for so long is lost, and its gesture ends.
    maximum_gap_ns : int
        After so long without any image all gestures end, and everything starts anew. At least 1.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    start_threshold: float = 0.6
    end_threshold: float = 0.4
    minimum_hold_ns: int = 180 * _MS  # no multiple of a common image period: jitter costs no image
    cool_down_ns: int = 300 * _MS
    pause_ns: int = 0
    held_interval_ns: int = 500 * _MS
    smoothing_ns: int = 80 * _MS
    largest_step_ns: int = 50 * _MS
    lost_grace_ns: int = 180 * _MS
    maximum_gap_ns: int = 1000 * _MS

    def __post_init__(self) -> None:
        if not 0 < self.end_threshold <= self.start_threshold <= 1:
            raise ConfigError(
                f'end_threshold {self.end_threshold!r} and start_threshold '
                f'{self.start_threshold!r} must satisfy 0 < end <= start <= 1'
            )
        for name in (entry.name for entry in fields(self) if entry.name.endswith('_ns')):
            least = 1 if name in ('largest_step_ns', 'maximum_gap_ns') else 0
            if not getattr(self, name) >= least:  # so that NaN is refused too
                raise ConfigError(f'{name} is {getattr(self, name)!r}, must be at least {least}')


@dataclass
class _Run:
    """One gesture of one hand, from the first image that showed it."""

    label: str
    start_ns: int
    handedness: Handedness
    started: bool = False
    next_held_ns: int = 0
    paused_ns: int | None = None


@dataclass
class _HandState:
    """What is known about one tracked hand."""

    smoothed: np.ndarray
    seen_ns: int
    body_id: str = ''
    run: _Run | None = None
    cool_until_ns: dict[str, int] = field(default_factory=dict)


class GestureEventDetector:
    """Turns the gestures of successive images into STARTED, HELD and ENDED events.

    For every hand the events of successive gestures follow each other without overlap, and every
    STARTED is followed by exactly one ENDED, whatever happens to the hand, the stamps or the
    labels. An event's handedness is the one at its STARTED.
    """

    def __init__(self, options: GestureEventOptions | None = None) -> None:
        self._options = options or GestureEventOptions()
        self._hands: dict[str, _HandState] = {}
        self._labels: tuple[str, ...] = ()
        self._stamp_ns: int | None = None

    @property
    def active(self) -> dict[str, GestureEvent]:
        """The gestures that last, by hand id, as HELD events of the newest image."""
        return {
            hand_id: self._make_event(Phase.HELD, hand_id, state, state.run, self._stamp_ns or 0)
            for hand_id, state in self._hands.items()
            if state.run and state.run.started
        }

    def process(
        self,
        gestures: Sequence[Gesture],
        stamp_ns: int,
        labels: Sequence[str],
        body_ids: Mapping[str, str] | None = None,
    ) -> tuple[GestureEvent, ...]:
        """Return the events that one image causes, ENDED before STARTED for each hand.

        Parameters
        ----------
        gestures : Sequence[Gesture]
            One for each hand in the image; empty where there is none.
        stamp_ns : int
            Stamp of the image. Where it lies before the last one, all gestures end at the last
            one, and everything starts anew.
        labels : Sequence[str]
            What `Gesture.probabilities` stand for. Where they change, everything starts anew.
        body_ids : Mapping[str, str], optional
            Hand id -> body id, for the hands whose body is known.

        Raises
        ------
        HandActionError
            If a hand has no id or occurs twice, or probabilities do not fit the labels;
            the image is then left out as a whole.
        """
        _check_gestures(gestures, labels)
        events = list(self._restart_if_needed(stamp_ns, tuple(labels)))
        self._stamp_ns = stamp_ns
        present = {gesture.hand_id for gesture in gestures}
        events += self._end_lost_hands(present, stamp_ns)
        for gesture in gestures:
            state = self._observe(gesture, stamp_ns)
            state.body_id = (body_ids or {}).get(gesture.hand_id, state.body_id)
            events += self._end_run(gesture, state, stamp_ns)
            events += self._continue_run(gesture, state, stamp_ns)
        return tuple(events)

    def reset(self, stamp_ns: int | None = None) -> tuple[GestureEvent, ...]:
        """Forget all hands; returns ENDED for each gesture that lasts.

        They carry `stamp_ns` or, where that is None or earlier, the stamp of the last image.
        """
        last_ns = self._stamp_ns or 0
        end_ns = last_ns if stamp_ns is None else max(stamp_ns, last_ns)
        events = tuple(
            replace(event, phase=Phase.ENDED, stamp_ns=end_ns) for event in self.active.values()
        )
        self._hands = {}
        self._stamp_ns = None
        return events

    def _restart_if_needed(
        self, stamp_ns: int, labels: tuple[str, ...]
    ) -> tuple[GestureEvent, ...]:
        events: tuple[GestureEvent, ...] = ()
        if self._stamp_ns is not None:
            gap_ns = stamp_ns - self._stamp_ns
            steady = 0 <= gap_ns <= self._options.maximum_gap_ns
            if not steady or labels != self._labels:
                events = self.reset(stamp_ns)
        self._labels = labels
        return events

    def _end_lost_hands(self, present: set[str], stamp_ns: int) -> list[GestureEvent]:
        grace_ns = self._options.lost_grace_ns
        lost = [
            hand_id
            for hand_id, state in self._hands.items()
            if hand_id not in present and stamp_ns - state.seen_ns >= grace_ns
        ]
        states = {hand_id: self._hands.pop(hand_id) for hand_id in lost}
        return [
            self._make_event(Phase.ENDED, hand_id, state, state.run, stamp_ns)
            for hand_id, state in states.items()
            if state.run and state.run.started
        ]

    def _observe(self, gesture: Gesture, stamp_ns: int) -> _HandState:
        """Add one image's probabilities to the smoothed ones of the hand."""
        observed = np.asarray(gesture.probabilities, dtype=np.float64)
        state = self._hands.get(gesture.hand_id)
        if state is None:
            state = self._hands[gesture.hand_id] = _HandState(observed.copy(), stamp_ns)
            return state
        step_ns = min(stamp_ns - state.seen_ns, self._options.largest_step_ns)
        weight = 1.0
        if self._options.smoothing_ns:
            weight = 1.0 - math.exp(-step_ns / self._options.smoothing_ns)
        state.smoothed += weight * (observed - state.smoothed)
        state.seen_ns = stamp_ns
        return state

    def _end_run(self, gesture: Gesture, state: _HandState, stamp_ns: int) -> list[GestureEvent]:
        """End the hand's gesture, or its wait for the minimum hold, once it is not shown."""
        run = state.run
        if run is None:
            return []
        index = self._labels.index(run.label)
        # While it rises, the smoothed probability lags behind an image that shows the gesture.
        rising = not run.started and gesture.probabilities[index] >= self._options.start_threshold
        if rising or state.smoothed[index] >= self._options.end_threshold:
            run.paused_ns = None
            return []
        if run.started and self._is_pause(run, gesture, stamp_ns):
            return []
        state.run = None
        if not run.started:
            return []
        state.cool_until_ns[run.label] = stamp_ns + self._options.cool_down_ns
        return [self._make_event(Phase.ENDED, gesture.hand_id, state, run, stamp_ns)]

    def _is_pause(self, run: _Run, gesture: Gesture, stamp_ns: int) -> bool:
        """Return whether a gesture that is not shown may go on, as no other one begins."""
        if run.paused_ns is None:
            run.paused_ns = stamp_ns
        next_run = self._begin_run(gesture, stamp_ns)
        is_over = stamp_ns - run.paused_ns >= self._options.pause_ns
        return not is_over and (next_run is None or next_run.label == run.label)

    def _continue_run(
        self, gesture: Gesture, state: _HandState, stamp_ns: int
    ) -> list[GestureEvent]:
        """Begin, start or hold the hand's gesture."""
        if state.run is None:
            state.run = self._begin_run(gesture, stamp_ns)
        run = state.run
        if run is None:
            return []
        if not run.started:
            if not self._may_start(run, state, stamp_ns):
                return []
            run.started, run.handedness = True, gesture.handedness
            run.next_held_ns = stamp_ns + self._options.held_interval_ns
            return [self._make_event(Phase.STARTED, gesture.hand_id, state, run, stamp_ns)]
        if stamp_ns < run.next_held_ns:
            return []
        # A multiple of the interval, so that the image rate does not stretch it.
        late_ns = stamp_ns - run.next_held_ns
        interval_ns = self._options.held_interval_ns
        run.next_held_ns = stamp_ns + interval_ns - late_ns % interval_ns if interval_ns else 0
        return [self._make_event(Phase.HELD, gesture.hand_id, state, run, stamp_ns)]

    def _begin_run(self, gesture: Gesture, stamp_ns: int) -> _Run | None:
        best = int(np.argmax(gesture.probabilities))
        label = self._labels[best]
        if label == NONE or gesture.probabilities[best] < self._options.start_threshold:
            return None
        return _Run(label, stamp_ns, gesture.handedness)

    def _may_start(self, run: _Run, state: _HandState, stamp_ns: int) -> bool:
        score = state.smoothed[self._labels.index(run.label)]
        return bool(
            score >= self._options.start_threshold
            and stamp_ns - run.start_ns >= self._options.minimum_hold_ns
            and stamp_ns >= state.cool_until_ns.get(run.label, stamp_ns)
        )

    def _make_event(
        self, phase: Phase, hand_id: str, state: _HandState, run: _Run, stamp_ns: int
    ) -> GestureEvent:
        return GestureEvent(
            phase=phase,
            label=run.label,
            hand_id=hand_id,
            body_id=state.body_id,
            handedness=run.handedness,
            score=float(state.smoothed[self._labels.index(run.label)]),
            start_ns=run.start_ns,
            stamp_ns=stamp_ns,
        )


def _check_gestures(gestures: Sequence[Gesture], labels: Sequence[str]) -> None:
    """Raise HandActionError unless every hand is named once and its probabilities fit."""
    seen: set[str] = set()
    for gesture in gestures:
        if not gesture.hand_id or gesture.hand_id in seen:
            raise HandActionError(
                f'hand id {gesture.hand_id!r} is empty or occurs twice in one image: '
                'events need hands from a tracker'
            )
        seen.add(gesture.hand_id)
        probabilities = np.asarray(gesture.probabilities)
        fits = probabilities.shape == (len(labels),)
        if not fits or not np.all((probabilities >= 0) & (probabilities <= 1)):
            raise TensorMismatchError(
                f'probabilities of hand {gesture.hand_id!r} must be {len(labels)} numbers from '
                f'0 to 1 for the labels {list(labels)!r}, got {probabilities!r}'
            )

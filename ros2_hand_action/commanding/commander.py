"""Gestures of the person in control into velocities and commands; everything else is a stop.

After any stop only a gesture that begins anew moves the robot again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ros2_hand_action.commanding.command_map import Binding, CommandMap, Move
from ros2_hand_action.commanding.control import Control, Shown, fits
from ros2_hand_action.commanding.decisions import Decision, Firing, State, make_firing
from ros2_hand_action.commanding.emergency import EmergencyStop
from ros2_hand_action.commanding.lasting import Lasting, LastingGestures, LastingStops
from ros2_hand_action.commanding.reactions import Reactions
from ros2_hand_action.commanding.scene import Scene
from ros2_hand_action.commanding.stamps import Freshness, Now, StampGuard
from ros2_hand_action.commanding.velocity import STANDSTILL, Ramp, Velocity
from ros2_hand_action.perception.records import (
    ActionEvent,
    Body,
    Gesture,
    GestureEvent,
    Hand,
    Phase,
)

_LONGEST_STEP_NS = 100_000_000
"""A velocity changes by no more than in this time, however late the next step is."""


class _Drive(NamedTuple):
    """A motion, and when an image last asked for it."""

    name: str
    velocity: Velocity
    hand_ids: frozenset[str]
    seen: Freshness


class Commander:
    """Decides what a robot does, from what is seen of hands, gestures and bodies.

    It keeps no thread and no clock: every moment is given.

    Parameters
    ----------
    command_map : CommandMap
    person_id : str
        Who is in control, of the policy ID.

    Attributes
    ----------
    control : Control
    emergency : EmergencyStop
    fault : str
        Why nothing may be commanded for now, as found by whoever feeds the commander.
    """

    def __init__(self, command_map: CommandMap, person_id: str = '') -> None:
        self._map, self._safety = command_map, command_map.safety
        self._guard = StampGuard(
            future_ns=self._safety.future_ns, jump_ns=self._safety.jump_ns
        )
        self._scene = Scene()
        self.control = Control(command_map.control, person_id)
        self.emergency = EmergencyStop(self._safety.emergency_timeout_ns)
        self._ramp = Ramp(command_map.velocity.acceleration, command_map.velocity.deceleration)
        self._lasting = LastingGestures(
            stop_gestures=self._safety.stop_gestures,
            timeout_ns=self._safety.timeout_ns,
            lost_ns=command_map.control.lost_ns,
        )
        self._stops = LastingStops(self._safety.stop_gestures, command_map.control.lost_ns)
        self._reactions = Reactions(command_map.reactions, self._safety.stop_actions)
        self._drive: _Drive | None = None
        self._controlling: frozenset[str] = frozenset()
        self._seen: Freshness | None = None
        self._tick_ns: int | None = None
        self._reason = self.fault = ''

    # What is seen.

    def observe_hands(
        self,
        hands: Sequence[Hand],
        *,
        stamp_ns: int,
        body_ids: Mapping[str, str],
        width_px: int,
    ) -> None:
        """Take the hands of an image; a doubt about one in control stops and releases."""
        self._scene.observe_hands(hands, stamp_ns, body_ids, width_px)
        doubts = self._scene.doubts
        doubtful = sorted(self._controlling & doubts.keys())
        if doubtful:
            self.halt('; '.join(doubts[hand_id] for hand_id in doubtful))
            self._release()

    def observe_bodies(self, bodies: Sequence[Body], *, stamp_ns: int) -> None:
        """Take the bodies of an image."""
        self._scene.observe_bodies(bodies, stamp_ns)

    def observe_event(self, event: GestureEvent, now: Now) -> tuple[Firing, ...]:
        """Take an event; returns the commands that it fires."""
        seen = Freshness(event.stamp_ns, now)
        is_fresh = not (self._guard.judge_alone(event.stamp_ns, now) or self._is_old(seen, now))
        self._obey(self._stops.observe(event, seen))
        if event.phase is Phase.STARTED:
            if is_fresh:
                self._lasting.begin(event, seen)
            return ()
        lasting = self._lasting.find(event.hand_id, event.label)
        if lasting is None:
            return ()
        shown = self._show(event.hand_id, lasting)
        fired = self._fire([(shown, lasting)] if shown and is_fresh else [], event.phase, now)
        if event.phase is Phase.ENDED:
            self._lasting.end(event.hand_id)
            if self._drive is not None and event.hand_id in self._drive.hand_ids:
                self.halt(f'{event.label} ended')
        return fired

    def observe_gestures(
        self, gestures: Sequence[Gesture], *, labels: Sequence[str], stamp_ns: int, now: Now
    ) -> tuple[Firing, ...]:
        """Take the gestures of an image; returns the commands that they fire."""
        problem = self._guard.judge(stamp_ns, now) or self._refuse(gestures, labels)
        if problem:
            self.distrust(problem)
            return ()
        seen = Freshness(stamp_ns, now)
        if self._is_old(seen, now):
            self.halt(f'images are {seen.age_ns(now) / 1e9:.3f} s old')
            return ()
        self._seen = seen
        evident = {
            gesture.hand_id: gesture.label for gesture in gestures
            if gesture.score >= self._safety.least_probability
        }
        self._obey(self._stops.see(gestures, seen))
        return self._judge_image(self._lasting.confirm(evident, seen), seen, now)

    def observe_action(self, event: ActionEvent, now: Now) -> tuple[Firing, ...]:
        """Take what a person does; returns the commands that it sets off."""
        seen = Freshness(event.stamp_ns, now)
        is_fresh = not (
            self._guard.judge_alone(event.stamp_ns, now)
            or seen.age_ns(now) > self._safety.action_age_ns
            or self.fault or self.emergency.check(now)
        )
        fired = self._reactions.observe(
            event, is_fresh=is_fresh,
            allows=lambda body_id: bool(body_id) and body_id == self.control.person,
        )
        if self._reactions.stop_reason:
            self.halt(self._reactions.stop_reason)
        return fired

    def reset_emergency(self, now: Now) -> None:
        """End an emergency stop, and the stop of actions until they are seen again.

        Raises
        ------
        HandActionError
            If the cause of an emergency stop is still there.
        """
        self.emergency.reset(now)
        self._reactions.forget_stops()

    # What to do.

    def halt(self, reason: str) -> None:
        """Stop now; motion takes a gesture that begins anew."""
        self._reason = reason
        self._drive = None
        self._ramp.stop()
        self._lasting.cut()

    def distrust(self, reason: str) -> None:
        """Stop, and believe nothing that was seen before."""
        self.halt(reason)
        self._seen = None
        self._scene.forget()
        self._release()

    def tick(self, now: Now) -> Decision:
        """Return what to do now; call it steadily, and when a decision ceases to be valid."""
        dt_ns = 0 if self._tick_ns is None else now.steady_ns - self._tick_ns
        self._tick_ns = now.steady_ns
        obstacle = self.emergency.check(now) or self.fault
        if obstacle:
            self.halt(obstacle)
            self._release()
            return self._stand(State.FAULT if obstacle == self.fault else State.EMERGENCY)
        self._give_up_stale(now)
        if self._reactions.stop_reason:
            self.halt(self._reactions.stop_reason)
            return self._stand(State.STOPPED)
        if self._drive is None:
            return self._stand(self._resting_state(now))
        step_s = min(max(dt_ns, 0), _LONGEST_STEP_NS) / 1e9
        velocity = self._ramp.advance(self._drive.velocity, step_s)
        valid_ns = self._safety.timeout_ns - self._drive.seen.age_ns(now)
        return Decision(
            velocity, State.MOVING, self._drive.name, self.control.person, valid_ns
        )

    def _stand(self, state: State) -> Decision:
        person, reason = self.control.person, self._reason
        return Decision(STANDSTILL, state, reason, person, self._safety.timeout_ns)

    def _resting_state(self, now: Now) -> State:
        if self._seen is None or self._is_old(self._seen, now):
            return State.BLIND
        return State.READY if self.control.person else State.IDLE

    def _is_old(self, seen: Freshness, now: Now) -> bool:
        return seen.age_ns(now) > self._safety.timeout_ns

    def _refuse(self, gestures: Sequence[Gesture], labels: Sequence[str]) -> str:
        """Return why gestures cannot be used at all; '' if they can."""
        if len({gesture.hand_id for gesture in gestures}) < len(gestures):
            return 'two hands have the same id'
        absent = [label for label in self._safety.stop_gestures if label not in labels]
        return f'the classifier knows no {absent[0]!r}: nobody could stop it' if absent else ''

    def _obey(self, stop: str) -> None:
        """Stop where there is a reason to."""
        if stop:
            self.halt(stop)

    def _release(self) -> None:
        self.control.release()
        self._controlling = frozenset()

    def _give_up_stale(self, now: Now) -> None:
        """Stop for what was not seen for too long, and release who was not."""
        self._lasting.expire(now)
        self._stops.expire(now)
        if self._drive is not None and self._is_old(self._drive.seen, now):
            timeout_s = self._safety.timeout_ns / 1e9
            self.halt(f'no image asked for {self._drive.name!r} for {timeout_s:g} s')
        if self._seen is None or self._seen.age_ns(now) > self._map.control.lost_ns:
            self._release()
        if self._drive is not None and not self.control.person:
            self.halt('nobody is in control')

    def _judge_image(
        self, confirmed: Mapping[str, Lasting], seen: Freshness, now: Now
    ) -> tuple[Firing, ...]:
        """Work out who is in control, where to move, and what to fire."""
        hands, before = self._scene.hands_at(seen.stamp_ns), self.control.person
        pairs = [
            (shown, lasting) for hand_id, lasting in confirmed.items()
            if (shown := self._show(hand_id, lasting))
        ]
        problem = self.control.update(hands, [shown for shown, _ in pairs], seen.stamp_ns)
        person = self.control.person
        if person and not before:
            self._reason = ''  # why it stopped before is of no interest any more
        self._controlling = frozenset(
            hand_id for hand_id, hand in hands.items() if person and hand.person == person
        )
        problem = problem or self._choose_drive(
            [shown for shown, _ in pairs if shown.hand.hand_id in self._controlling], seen
        )
        if problem:
            self.halt(problem)
            return ()
        return self._fire(pairs, Phase.STARTED, now)

    def _choose_drive(self, shown: Iterable[Shown], seen: Freshness) -> str:
        """Move as one gesture asks; returns why to stop where none does, or two differ."""
        found: dict[str, tuple[Binding, Move]] = {}
        for each in shown:
            for binding in self._map.bindings:
                if isinstance(binding.command, Move) and fits(binding.condition, each):
                    found[each.hand.hand_id] = binding, binding.command
                    break
        names = sorted({binding.name for binding, _ in found.values()})
        if len(names) > 1:
            return f'two hands ask for {" and ".join(names)}'
        if found:
            binding, move = next(iter(found.values()))
            self._drive = _Drive(binding.name, move.velocity, frozenset(found), seen)
        elif self._drive is not None:
            gap_ns = seen.stamp_ns - self._drive.seen.stamp_ns
            if gap_ns > self._safety.release_ns:
                return f'no image asks for {self._drive.name!r} any more'
        return ''

    def _show(self, hand_id: str, lasting: Lasting) -> Shown | None:
        stamp_ns = lasting.seen.stamp_ns
        hand = self._scene.hands_at(stamp_ns).get(hand_id)
        return None if hand is None else Shown(hand, lasting.label, stamp_ns - lasting.start_ns)

    def _fire(
        self, pairs: Iterable[tuple[Shown, Lasting]], phase: Phase, now: Now
    ) -> tuple[Firing, ...]:
        """Return the one-time commands that are due; only those of stop gestures are anybody's."""
        if self.fault or self.emergency.check(now):
            return ()
        fired = []
        for each, lasting in pairs:
            is_stop = each.label in self._safety.stop_gestures
            if not is_stop and each.hand.hand_id not in self._controlling:
                continue
            for binding in self._map.bindings:
                is_due = binding.condition.phase is phase and fits(binding.condition, each)
                if isinstance(binding.command, Move) or not is_due:
                    continue
                if phase is Phase.STARTED and binding.name in lasting.fired:
                    continue
                lasting.fired.add(binding.name)
                fired.append(make_firing(binding, each, lasting.seen.stamp_ns))
        return tuple(fired)

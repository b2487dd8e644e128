import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.perception.action_event_options import ActionEventOptions
from ros2_hand_action.perception.action_events import ActionEventMachine
from ros2_hand_action.perception.action_stance import Stance
from ros2_hand_action.perception.labels import ACTIONS, FALL, OTHER
from ros2_hand_action.perception.records import Action, Phase

_MS = 1_000_000
_STEP_MS = 33
_STARTED, _HELD, _ENDED = Phase
_UP, _DOWN = Stance(True), Stance(False, down_ns=60_000 * _MS)
_CROUCHES = Stance(False)


def _act(label, body_id='p1', score=0.95):
    probabilities = np.full(len(ACTIONS), (1 - score) / (len(ACTIONS) - 1), np.float32)
    probabilities[ACTIONS.index(label)] = score
    return Action(body_id, label, score, probabilities, 0, 0)


class _Stream:
    """Feeds a machine with one image every 33 ms and keeps all events."""

    def __init__(self, options=None):
        self.machine = ActionEventMachine(options)
        self.events = []
        self.now_ms = 0

    def show(self, label, seconds, stance=None, body_id='p1'):
        for _ in range(round(seconds * 1000 / _STEP_MS)):
            self.now_ms += _STEP_MS
            actions = [] if label is None else [_act(label, body_id)]
            known = {} if stance is None else {body_id: stance}
            self.events += self.machine.process(
                actions, stamp_ns=self.now_ms * _MS, labels=ACTIONS, stances=known
            )

    def lines(self, *, held=False):
        return [(e.phase, e.label) for e in self.events if held or e.phase is not _HELD]


def test_walk_starts_is_held_and_ends():
    stream = _Stream()
    stream.show('walk', 2.3)
    stream.show('other', 1)
    assert stream.lines(held=True) == [
        (_STARTED, 'walk'), (_HELD, 'walk'), (_HELD, 'walk'), (_ENDED, 'walk')
    ]
    assert stream.events[-1].start_ns == _STEP_MS * _MS


def test_flicker_is_no_event():
    stream = _Stream()
    for _ in range(20):
        stream.show('walk', 0.1)
        stream.show('other', 0.2)
    assert stream.events == []


def test_short_pause_is_bridged_and_a_longer_one_is_not():
    stream = _Stream()
    for _ in range(4):
        stream.show('walk', 1)
        stream.show('other', 0.6)
    assert stream.lines() == [(_STARTED, 'walk')]
    stream.show('other', 0.5)
    assert stream.lines() == [(_STARTED, 'walk'), (_ENDED, 'walk')]


def test_another_action_ends_a_pause_at_once():
    stream = _Stream()
    stream.show('walk', 1)
    stream.show('push', 0.5)
    assert stream.lines() == [(_STARTED, 'walk'), (_ENDED, 'walk'), (_STARTED, 'push')]


def test_fall_of_somebody_who_does_not_get_down_is_none():
    stream = _Stream()
    stream.show(FALL, 1, _UP)
    stream.show(FALL, 1, _CROUCHES)
    stream.show(FALL, 0.5, Stance(False, down_ns=390 * _MS))
    assert stream.machine.active == {}
    stream.show('walk', 1, _UP)
    assert stream.lines() == [(_STARTED, 'walk')]


def test_fall_starts_once_the_person_has_been_down_for_the_stated_time():
    stream = _Stream()
    stream.show(FALL, 0.5, _UP)
    stream.show(FALL, _STEP_MS / 1000, Stance(False, down_ns=390 * _MS))
    assert stream.events == []
    stream.show(FALL, _STEP_MS / 1000, Stance(False, down_ns=400 * _MS))
    assert stream.lines() == [(_STARTED, FALL)]
    assert stream.events[0].stamp_ns == stream.now_ms * _MS
    assert stream.events[0].start_ns == _STEP_MS * _MS
    assert stream.machine.active['p1'].label == FALL


def test_person_who_was_never_seen_up_has_fallen_only_after_long():
    stream = _Stream()
    stream.show(FALL, 2, Stance(False, was_up=False, down_ns=9_900 * _MS))
    assert stream.events == []
    stream.show(FALL, 0.1, Stance(False, was_up=False, down_ns=10_000 * _MS))
    assert stream.lines() == [(_STARTED, FALL)]


def test_fall_that_waits_is_forgotten_with_the_person():
    stream = _Stream()
    stream.show(FALL, 1, _CROUCHES)
    stream.show(None, 1)
    stream.show('other', 1, _DOWN)
    assert stream.events == []
    stream.show(FALL, 1, _CROUCHES)
    assert stream.machine.reset() == ()


def test_fall_stays_until_the_person_is_up_again():
    stream = _Stream()
    stream.show(FALL, 1, _DOWN)
    stream.show('other', 20, _DOWN)
    assert stream.lines() == [(_STARTED, FALL)]
    assert stream.machine.active['p1'].label == FALL
    stream.show('other', 2, _UP)
    assert stream.lines() == [(_STARTED, FALL), (_ENDED, FALL)]
    assert sum(event.phase is _HELD for event in stream.events) >= 20
    assert stream.machine.active == {}


def test_short_upright_moment_does_not_end_a_fall():
    stream = _Stream()
    stream.show(FALL, 1, _DOWN)
    for _ in range(5):
        stream.show('other', 1, _UP)
        stream.show('other', 0.1, _DOWN)
    assert stream.lines() == [(_STARTED, FALL)]


def test_walking_away_ends_a_fall_where_posture_is_unknown_and_then_starts():
    stream = _Stream()
    stream.show(FALL, 1)
    stream.show('push', 4)
    assert stream.lines() == [(_STARTED, FALL)]
    stream.show('walk', 4)
    assert stream.lines() == [(_STARTED, FALL), (_ENDED, FALL), (_STARTED, 'walk')]
    stream.show('other', 1)
    assert stream.lines()[-1] == (_ENDED, 'walk')


def test_person_who_is_lost_on_the_floor_is_held_for_the_stated_time():
    stream = _Stream(ActionEventOptions(longest_latch_ns=10_000 * _MS))
    stream.show(FALL, 1, _DOWN)
    stream.show(None, 9)
    assert stream.lines() == [(_STARTED, FALL)]
    stream.show('walk', 0.5, body_id='p2')
    stream.show(None, 2)
    assert stream.lines()[1:] == [(_STARTED, 'walk'), (_ENDED, 'walk'), (_ENDED, FALL)]


def test_silence_of_the_input_ends_all_but_falls():
    stream = _Stream()
    for _ in range(30):
        stream.now_ms += _STEP_MS
        stream.events += stream.machine.process(
            [_act(FALL), _act('walk', 'p2')], stamp_ns=stream.now_ms * _MS, labels=ACTIONS
        )
    stream.events += stream.machine.reset((stream.now_ms + 1000) * _MS, keep_falls=True)
    assert [(e.phase, e.body_id) for e in stream.events if e.phase is _ENDED] == [(_ENDED, 'p2')]
    stream.now_ms += 20_000
    stream.show('other', 0.5, _DOWN)
    assert stream.machine.active['p1'].label == FALL
    stream.events += stream.machine.reset()
    assert (stream.events[-1].phase, stream.events[-1].label) == (_ENDED, FALL)


def test_an_id_that_comes_back_late_is_somebody_else():
    stream = _Stream()
    stream.show('walk', 1, _UP)
    stream.show(FALL, 2, _DOWN)
    stream.show(None, 3)
    stream.show('walk', 5, _UP)  # of a tracker that was started anew and counts from 1 again
    assert stream.lines()[-1] == (_STARTED, FALL)
    stream.events += stream.machine.acknowledge()
    assert (_ENDED, FALL) in stream.lines()


def test_other_options_end_no_fall():
    stream = _Stream()
    stream.show('walk', 2, _UP, body_id='p2')
    stream.show('walk', 1, _UP)
    stream.show(FALL, 2, _DOWN)
    ended = stream.machine.change_options(ActionEventOptions(up_ns=500 * _MS))
    assert FALL not in [event.label for event in ended]
    assert set(stream.machine.active) == {'p1'}
    stream.show('walk', 0.8, _UP)
    assert (_ENDED, FALL) in stream.lines()


def test_acknowledged_fall_ends_and_starts_again_only_when_it_is_a_new_one():
    stream = _Stream()
    stream.show(FALL, 1, _DOWN)
    stream.events += stream.machine.acknowledge('p1')
    stream.show(FALL, 5, _DOWN)
    assert stream.lines() == [(_STARTED, FALL), (_ENDED, FALL)]
    assert stream.machine.active == {}
    stream.show('other', 2, _UP)
    stream.show(FALL, 1, _DOWN)
    assert stream.lines()[2:] == [(_STARTED, FALL)]


def test_acknowledging_without_a_body_ends_all_falls():
    stream = _Stream()
    stream.show(FALL, 1)
    assert [event.phase for event in stream.machine.acknowledge()] == [_ENDED]
    assert stream.machine.acknowledge() == ()


def test_acknowledging_somebody_who_did_not_fall_is_an_error():
    with pytest.raises(HandActionError, match="'p9' has no fall"):
        ActionEventMachine().acknowledge('p9')


def test_stamp_that_goes_back_ends_everything():
    stream = _Stream()
    stream.show(FALL, 1)
    stream.now_ms = 0
    stream.show('other', 0.1)
    assert stream.lines() == [(_STARTED, FALL), (_ENDED, FALL)]


def test_whole_image_has_events_too():
    stream = _Stream()
    stream.show('run', 1, body_id='')
    assert stream.lines() == [(_STARTED, 'run')]
    assert stream.events[0].body_id == ''


def test_every_start_has_one_end_whatever_comes():
    random = np.random.default_rng(1)
    stream = _Stream(ActionEventOptions(longest_latch_ns=2000 * _MS))
    for _ in range(300):
        label = random.choice([*ACTIONS, 'nobody'])
        stream.show(
            None if label == 'nobody' else str(label), random.uniform(0.05, 1.5),
            [None, _UP, _DOWN, _CROUCHES][random.integers(4)],
        )
        if random.random() < 0.05:
            stream.events += stream.machine.acknowledge()
        if random.random() < 0.05:
            stream.events += stream.machine.reset(keep_falls=bool(random.random() < 0.5))
    stream.events += stream.machine.reset()
    going_on = None
    for event in stream.events:
        if event.phase is _STARTED:
            assert going_on is None
            going_on = event.label
        else:
            assert event.label == going_on
            going_on = None if event.phase is _ENDED else going_on
    assert going_on is None


@pytest.mark.parametrize('name', ['down_ns', 'found_ns', 'up_ns', 'longest_latch_ns'])
def test_options_out_of_range_are_named(name):
    with pytest.raises(ConfigError, match=name):
        ActionEventOptions(**{name: -1})


_NEVER_UP = Stance(False, was_up=False, down_ns=_MS)


@pytest.mark.parametrize(('stance', 'is_told'), [
    (_DOWN, True), (None, True), (_DOWN._replace(was_up=False), True),
    (_UP, False), (Stance(None), False), (_NEVER_UP, False), (Stance(None, was_up=False), False),
])  # fmt: skip
def test_falls_are_told_only_of_who_is_down(stance, is_told):
    stances = {} if stance is None else {'p1': stance}
    given = _act(FALL)
    [told] = ActionEventMachine().withhold_falls([given], labels=ACTIONS, stances=stances)
    assert told.label == (FALL if is_told else OTHER) and told.body_id == 'p1'
    assert told.score == told.probabilities[ACTIONS.index(told.label)] > 0.9
    assert told.probabilities.sum() == pytest.approx(1)
    assert given.label == FALL and given.probabilities[ACTIONS.index(FALL)] == given.score


@pytest.mark.parametrize(('score', 'stance', 'is_told'), [
    (0.6, _CROUCHES, True), (0.45, _CROUCHES, False), (0.45, _DOWN, True), (0.9, _UP, False),
    (0.9, _CROUCHES._replace(was_up=False), False), (0.9, Stance(None), False),
])  # fmt: skip
def test_who_is_not_down_yet_has_fallen_only_for_sure(score, stance, is_told):
    [told] = ActionEventMachine().withhold_falls(
        [_act(FALL, score=score)], labels=ACTIONS, stances={'p1': stance}
    )
    assert (told.label == FALL) == is_told


def test_fall_that_is_told_of_who_crouches_starts_no_event():
    machine = ActionEventMachine()
    for stamp_ns in range(0, 2000 * _MS, 33 * _MS):
        events = machine.process(
            [_act(FALL)], stamp_ns=stamp_ns, labels=ACTIONS, stances={'p1': _CROUCHES}
        )
        assert events == ()


def test_what_is_no_fall_is_told_with_the_rest_of_its_chances():
    [told] = ActionEventMachine().withhold_falls(
        [_act('walk', score=0.5)], labels=ACTIONS, stances={'p1': _UP}
    )
    assert (told.label, told.score) == ('walk', 0.5)
    assert told.probabilities[ACTIONS.index(OTHER)] == pytest.approx(0.2)


def test_falls_stay_where_the_recogniser_knows_no_other_action():
    given = Action('p1', FALL, 0.9, np.array([0.1, 0.9], np.float32), 0, 0)
    told = ActionEventMachine().withhold_falls(
        [given], labels=('walk', FALL), stances={'p1': _UP}
    )
    assert told == (given,)

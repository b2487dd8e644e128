"""Events of gestures: what is promised holds for any signal, at any image rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.perception.events import GestureEventDetector, GestureEventOptions
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.perception.records import Gesture, GestureEvent, Handedness, Phase

MS = 1_000_000
OPTIONS = GestureEventOptions()


def make_gesture(label, *, hand_id='h1', score=0.95, handedness=Handedness.RIGHT):
    probabilities = np.full(len(GESTURES), (1 - score) / (len(GESTURES) - 1), np.float32)
    probabilities[GESTURES.index(label)] = score
    return Gesture(hand_id, handedness, label, score, probabilities)


def play(detector, timeline):
    """Return the events of (stamp_ms, {hand id: label}) pairs."""
    events = []
    for stamp_ms, hands in timeline:
        gestures = [make_gesture(label, hand_id=hand) for hand, label in hands.items()]
        events += detector.process(gestures, int(stamp_ms * MS), GESTURES)
    return events


def sample(segments, fps, *, phase_ms=0.0):
    """Sample (duration_ms, label or None for no hand) segments as a camera of `fps` would."""
    images, step_ms, now_ms, begin_ms = [], 1000.0 / fps, phase_ms, 0.0
    for duration_ms, label in segments:
        while now_ms < begin_ms + duration_ms:
            images.append((now_ms, {} if label is None else {'h1': label}))
            now_ms += step_ms
        begin_ms += duration_ms
    return images


def summarise(events):
    return [(event.phase, event.label, event.hand_id) for event in events]


def check_promises(events, options=OPTIONS, *, time_runs_on=True):
    """Assert what the detector promises of any complete event list."""
    running: dict[str, GestureEvent] = {}
    last_end_ns: dict[str, int] = {}
    for event in events:
        assert event.label != NONE
        assert 0 <= event.score <= 1
        if event.phase is Phase.STARTED:
            assert event.hand_id not in running, 'two gestures of one hand at once'
            if time_runs_on:
                assert event.start_ns >= last_end_ns.get(event.hand_id, event.start_ns)
            assert event.duration_ns >= options.minimum_hold_ns
            running[event.hand_id] = event
            continue
        started = running[event.hand_id]  # KeyError: HELD or ENDED without STARTED
        assert (event.label, event.start_ns) == (started.label, started.start_ns)
        assert event.handedness is started.handedness
        assert event.stamp_ns >= started.stamp_ns
        if event.phase is Phase.ENDED:
            assert event.duration_ns >= options.minimum_hold_ns
            last_end_ns[event.hand_id] = event.stamp_ns
            del running[event.hand_id]
    assert not running, 'STARTED without ENDED'


def test_a_held_gesture_starts_is_held_and_ends():
    timeline = sample([(300, NONE), (1400, 'stop'), (500, NONE)], 30)
    events = play(GestureEventDetector(), timeline)
    assert summarise(events) == [
        (phase, 'stop', 'h1')
        for phase in (Phase.STARTED, Phase.HELD, Phase.HELD, Phase.ENDED)
    ]
    started, ended = events[0], events[-1]
    assert started.start_ns == pytest.approx(300 * MS, abs=34 * MS)
    assert started.duration_ns == pytest.approx(OPTIONS.minimum_hold_ns, abs=34 * MS)
    assert ended.stamp_ns == pytest.approx(1700 * MS + 73 * MS, abs=34 * MS)
    assert started.handedness is Handedness.RIGHT
    assert started.score > OPTIONS.start_threshold


def test_a_gesture_shorter_than_the_minimum_hold_makes_no_event():
    timeline = sample([(500, NONE), (150, 'two'), (1000, NONE)], 30)
    assert play(GestureEventDetector(), timeline) == []


def test_none_makes_no_event():
    assert play(GestureEventDetector(), sample([(3000, NONE)], 30)) == []


def test_one_wrong_image_changes_nothing():
    steady = sample([(2000, 'fist')], 10)
    flickering = [*steady[:8], (steady[8][0], {'h1': NONE}), *steady[9:]]
    expected = summarise(play(GestureEventDetector(), steady))
    assert summarise(play(GestureEventDetector(), flickering)) == expected
    assert expected[0] == (Phase.STARTED, 'fist', 'h1')


def test_hysteresis_holds_a_gesture_between_the_thresholds():
    detector = GestureEventDetector()
    play(detector, sample([(600, 'ok')], 30))
    for index in range(60):
        events = detector.process(
            [make_gesture('ok', score=0.5)], (600 + index * 33) * MS, GESTURES
        )
        assert all(event.phase is Phase.HELD for event in events)
    assert detector.active['h1'].label == 'ok'


def test_between_the_thresholds_nothing_starts():
    detector = GestureEventDetector()
    for index in range(60):
        gesture = make_gesture('ok', score=0.5)
        assert detector.process([gesture], index * 33 * MS, GESTURES) == ()


def test_a_change_ends_the_first_gesture_before_the_second_starts():
    events = play(GestureEventDetector(), sample([(800, 'two'), (800, 'fist'), (400, None)], 30))
    changes = [event for event in events if event.phase is not Phase.HELD]
    assert [(event.phase, event.label) for event in changes] == [
        (Phase.STARTED, 'two'), (Phase.ENDED, 'two'),
        (Phase.STARTED, 'fist'), (Phase.ENDED, 'fist'),
    ]
    assert changes[2].start_ns >= changes[1].stamp_ns


def test_the_same_gesture_waits_for_the_cool_down():
    options = GestureEventOptions(cool_down_ns=1000 * MS)
    segments = [(500, 'two'), (150, NONE), (2000, 'two'), (500, NONE)]
    events = play(GestureEventDetector(options), sample(segments, 30))
    _, ended, started, _ = (event for event in events if event.phase is not Phase.HELD)
    assert started.stamp_ns - ended.stamp_ns >= 1000 * MS
    check_promises(events)


def test_a_lost_hand_ends_its_gesture_after_the_grace():
    events = play(GestureEventDetector(), sample([(800, 'stop'), (600, None)], 30))
    ended = events[-1]
    assert ended.phase is Phase.ENDED
    assert ended.stamp_ns == pytest.approx(
        800 * MS + OPTIONS.lost_grace_ns, abs=2 * 34 * MS
    )


def test_a_hand_missed_for_a_moment_goes_on():
    segments = [(800, 'stop'), (120, None), (800, 'stop')]
    events = play(GestureEventDetector(), sample(segments, 30))
    assert Phase.ENDED not in {event.phase for event in events}


def test_hands_are_independent():
    detector = GestureEventDetector()
    timeline = [(33 * index, {'h1': 'stop', 'h2': 'two'}) for index in range(20)]
    events = play(detector, timeline)
    assert {(event.hand_id, event.label) for event in events} == {('h1', 'stop'), ('h2', 'two')}
    assert set(detector.active) == {'h1', 'h2'}
    ended = play(detector, [(33 * index, {'h2': 'two'}) for index in range(20, 40)])
    assert (Phase.ENDED, 'stop', 'h1') in summarise(ended)
    assert set(detector.active) == {'h2'}


def test_time_running_backwards_ends_everything_and_starts_anew():
    detector = GestureEventDetector()
    play(detector, sample([(1000, 'stop')], 30))
    first = detector.process([make_gesture('stop')], 5 * MS, GESTURES)
    assert summarise(first) == [(Phase.ENDED, 'stop', 'h1')]
    assert first[0].stamp_ns == pytest.approx(967 * MS, abs=1 * MS)
    again = play(detector, [(33 * index, {'h1': 'stop'}) for index in range(1, 12)])
    assert summarise(again) == [(Phase.STARTED, 'stop', 'h1')]
    assert again[0].start_ns == 5 * MS


def test_a_long_gap_ends_everything():
    detector = GestureEventDetector()
    play(detector, sample([(1000, 'stop')], 30))
    events = detector.process([make_gesture('stop')], 10_000 * MS, GESTURES)
    assert summarise(events) == [(Phase.ENDED, 'stop', 'h1')]
    assert detector.active == {}


def test_other_labels_end_everything():
    detector = GestureEventDetector()
    play(detector, sample([(1000, 'stop')], 30))
    gesture = Gesture('h1', Handedness.LEFT, 'a', 0.9, np.array([0.9, 0.1], np.float32))
    events = detector.process([gesture], 1033 * MS, ('a', NONE))
    assert summarise(events) == [(Phase.ENDED, 'stop', 'h1')]


def test_reset_ends_what_runs_and_forgets_it():
    detector = GestureEventDetector()
    play(detector, sample([(1000, 'stop')], 30))
    events = detector.reset(1200 * MS)
    assert summarise(events) == [(Phase.ENDED, 'stop', 'h1')]
    assert events[0].stamp_ns == 1200 * MS
    assert detector.reset() == ()


def test_active_carries_the_duration_so_far():
    detector = GestureEventDetector()
    play(detector, [(100 * index, {'h1': 'stop'}) for index in range(11)])
    assert detector.active['h1'].duration_ns == 1000 * MS


def test_the_body_is_the_newest_known():
    detector = GestureEventDetector()
    gesture = make_gesture('stop')
    for index in range(9):
        detector.process([gesture], index * 33 * MS, GESTURES, {'h1': 'b7'})
    assert detector.active['h1'].body_id == 'b7'
    detector.process([gesture], 300 * MS, GESTURES)
    assert detector.active['h1'].body_id == 'b7'


def test_a_slow_camera_still_makes_events():
    events = play(GestureEventDetector(), sample([(4000, 'stop'), (3000, NONE)], 2))
    phases = [event.phase for event in events if event.phase is not Phase.HELD]
    assert phases == [Phase.STARTED, Phase.ENDED]


@pytest.mark.parametrize(('interval_ms', 'expected'), [(0, 30), (100, 9), (400, 2)])
def test_held_follows_its_interval(interval_ms, expected):
    options = GestureEventOptions(held_interval_ns=interval_ms * MS)
    timeline = [(1000 / 30 * index, {'h1': 'stop'}) for index in range(7 + 30)]
    events = play(GestureEventDetector(options), timeline)
    held = [event for event in events if event.phase is Phase.HELD]
    assert len(held) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize('values', [
    {'start_threshold': 0.3}, {'start_threshold': 1.2}, {'end_threshold': 0.0},
    {'end_threshold': float('nan')}, {'minimum_hold_ns': -1}, {'largest_step_ns': 0},
    {'maximum_gap_ns': 0}, {'cool_down_ns': float('nan')},
])
def test_impossible_options_are_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        GestureEventOptions(**values)


def test_bad_gestures_are_refused_and_leave_the_state_alone():
    detector = GestureEventDetector()
    play(detector, sample([(1000, 'stop')], 30))
    good = make_gesture('stop')
    wrong = Gesture('h2', Handedness.LEFT, 'stop', 1.0, np.ones(3, np.float32))
    broken = Gesture('h2', Handedness.LEFT, 'stop', 1.0, np.full(6, np.nan, np.float32))
    for gestures in ([good, good], [make_gesture('stop', hand_id='')], [wrong], [broken]):
        with pytest.raises(HandActionError):
            detector.process(gestures, 0, GESTURES)
    assert detector.active['h1'].stamp_ns == pytest.approx(967 * MS, abs=1 * MS)


# Any signal: label changes, scores, missing hands, irregular and jumping stamps, resets.

_IMAGES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 150), st.sampled_from([-2000, -1, 400, 3000])),  # step, ms
        st.dictionaries(
            st.sampled_from(['h1', 'h2', 'h3']),
            st.tuples(st.sampled_from(GESTURES), st.floats(0.2, 1.0)),
            max_size=3,
        ),
        st.integers(1, 12),  # how often it is repeated
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(images=_IMAGES, hold_ms=st.integers(0, 400), cool_ms=st.integers(0, 400),
       held_ms=st.integers(0, 300), smoothing_ms=st.integers(0, 150))
def test_promises_hold_for_any_signal(images, hold_ms, cool_ms, held_ms, smoothing_ms):
    options = GestureEventOptions(
        minimum_hold_ns=hold_ms * MS, cool_down_ns=cool_ms * MS,
        held_interval_ns=held_ms * MS, smoothing_ns=smoothing_ms * MS,
    )
    detector, events, stamp_ms = GestureEventDetector(options), [], 10_000
    for step_ms, hands, repeats in images:
        for repeat in range(repeats):
            stamp_ms += step_ms if repeat == 0 else min(max(step_ms, 0), 150)
            gestures = [
                make_gesture(label, hand_id=hand_id, score=score)
                for hand_id, (label, score) in hands.items()
            ]
            events += detector.process(gestures, stamp_ms * MS, GESTURES)
    events += detector.reset()
    time_runs_on = all(step_ms >= 0 for step_ms, _, _ in images)
    check_promises(events, options, time_runs_on=time_runs_on)


# The truth is made of parts that are clearly long or clearly short, or no hand at all.
# A gesture never follows itself, so that the cool-down does not hide a part.

_LONG = st.tuples(st.integers(550, 1500), st.sampled_from([*GESTURES, None]))
_SHORT = st.tuples(st.integers(1, 40), st.sampled_from(GESTURES))


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(st.tuples(_LONG, st.booleans(), _SHORT), min_size=1, max_size=6),
       phase=st.floats(0.0, 1.0))
def test_the_image_rate_does_not_matter(parts, phase):
    segments = [(700, NONE)]
    for long_part, has_blip, blip in parts:
        if long_part[1] == segments[-1][1]:
            continue
        segments.append(long_part)
        if has_blip and long_part[1] is not None:  # a wrong image or two amidst the long part
            segments += [blip, (500, long_part[1])]
    segments.append((900, None))
    reference = None
    for fps in (60, 30, 10):
        timeline = sample(segments, fps, phase_ms=phase * 1000 / fps)
        detector = GestureEventDetector()
        events = play(detector, timeline)
        check_promises(events)
        changes = [event for event in events if event.phase is not Phase.HELD]
        if reference is None:
            reference = changes
        assert summarise(changes) == summarise(reference)
        tolerance_ns = (1000 / fps + 60) * MS
        for event, expected in zip(changes, reference, strict=True):
            assert event.start_ns == pytest.approx(expected.start_ns, abs=tolerance_ns)
            assert event.stamp_ns == pytest.approx(expected.stamp_ns, abs=tolerance_ns)

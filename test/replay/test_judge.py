"""What is found where a recording is judged by its expectations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import action_event, gesture_event, make_clip, make_frame

from ros2_hand_action.replay.expectation_grammar import Place, parse_expectation
from ros2_hand_action.replay.judge import judge
from ros2_hand_action.replay.judgement import format_judgement

# 10 s at 10 Hz: from 2 to 6 s hand h1 is in view, which shows stop from 3 to 5 s; person p1 is
# there all the time, walks until 5 s, then stands.


def frames(rate_hz=10):
    def show(time_s):
        return {'h1': 'stop' if 3 <= time_s < 5 else 'none'} if 2 <= time_s < 6 else {}

    times_s = [index / rate_hz for index in range(10 * rate_hz)]
    return [
        make_frame(
            index, time_s, hands=show(time_s), bodies=['p1'],
            actions={'p1': 'walk' if time_s < 5 else 'stand'},
        )
        for index, time_s in enumerate(times_s)
    ]


EVENTS = (
    gesture_event(3.2), gesture_event(3.7, 'HELD'), gesture_event(5.1, 'ENDED'),
)


def check(clip, *lines):
    expectations = [
        parse_expectation(line, Place('wave.replay.yaml', number, 1))
        for number, line in enumerate(lines, 1)
    ]
    return judge(clip, expectations, against='wave.replay.yaml')


@pytest.fixture(params=[3, 10, 30])
def clip(request):
    """The same at several rates: they must not matter."""
    return make_clip(frames(request.param), EVENTS)


@pytest.mark.parametrize(
    'line',
    [
        'at 3.2 s +-0.3: gesture stop STARTED right hand',
        'at 3.2 s +-0: gesture stop STARTED hand h1',
        'between 3 and 4 s: gesture stop HELD',
        'at 4 s +-0.4: gesture stop right hand',
        'between 3 and 4.9 s: gesture stop',
        'between 2 and 6 s: gesture stop >= 45 %',
        'between 0 and 10 s: gesture stop <= 25 %',
        'between 0 and 4.9 s: action walk >= 80 %',
        'action walk body p1 >= 45 %',
        'never: fall_floor',
        'never between 5.2 and 10 s: gesture stop',
        'never: gesture stop left hand',
        'body count 1 +-0',
        'between 6.1 and 9 s: hand count 0',
        'between 2 and 5.6 s: hand count 1, >= 90 %',
        'never: hand count >= 2',
        'hand ids 1',
        'never: body ids >= 2',
    ],
)
def test_what_is_so_passes(clip, line):
    judgement = check(clip, line)
    assert judgement.passed, format_judgement(judgement)


@pytest.mark.parametrize(
    ('line', 'words'),
    [
        ('at 2.5 s +-0.5: gesture stop STARTED', 'found instead at 3.20 s: gesture stop STARTED '
         'right hand (h1), 0.20 s too late'),
        ('at 4.5 s +-0.5: gesture stop STARTED', '0.80 s too early'),
        ('at 3.2 s +-0.3: gesture stop STARTED left hand', 'in that time came at 3.20 s: gesture '
         'stop STARTED right hand (h1)'),
        ('at 3.2 s +-0.3: gesture fist STARTED', 'in that time came at 3.20 s: gesture stop'),
        ('at 8 s +-1: gesture fist STARTED', 'found none, and no other event in that time'),
        ('at 30 s +-1: gesture stop STARTED', 'no image is from that time: the recording lasts '
         'from 0.00 s to 9.'),
        ('between 8 and 20 s: hand count 0', 'images are missing from that time: the recording '
         'lasts from 0.00 s to 9.'),
        ('never between 8 and 20 s: gesture stop', 'images are missing from that time'),
        ('at 8 s +-1: gesture stop', 'found in 0.0 % of'),
        ('between 2 and 5 s: gesture stop left hand >= 10 %', 'found in 0.0 %'),
        ('action walk >= 80 %', 'not so from 5.00 to 9.'),
        ('action stand <= 10 %', 'so from 5.00 to 9.'),
        ('never: stop', 'found at 3.20 s: gesture stop STARTED right hand (h1); at 3.70 s'),
        ('never: fal_floor', "nothing has the label 'fal_floor' (did you mean fall_floor?)"),
        ('gesture wave', "nothing has the label 'wave'"),
        ('hand count 1', 'not so from 0.00 to '),
        ('never: hand count 1', ' so from 2.00 to '),
        ('hand ids 2', 'found 1: h1'),
        ('between 7 and 8 s: hand ids 1', 'found 0: none'),
    ],
)
def test_what_is_not_so_fails_and_says_what_came(clip, line, words):
    judgement = check(clip, line)
    assert not judgement.passed
    assert words in judgement.checks[0].found


def test_what_was_not_looked_for_has_not_passed():
    clip = make_clip([make_frame(index, index / 10, hands={}) for index in range(20)])
    judgement = check(
        clip, 'never: fall_floor', 'body count 0', 'never: gesture stop', 'action walk <= 10 %')
    assert [each.passed for each in judgement.checks] == [False, False, True, False]
    assert 'searched for actions' in judgement.checks[0].found
    assert 'searched for bodies' in judgement.checks[1].found


def test_a_recording_without_images_passes_nothing():
    judgement = check(make_clip([]), 'never: stop', 'hand count 0', 'hand ids 0')
    assert not any(each.passed for each in judgement.checks)
    assert 'holds none at all' in judgement.checks[0].found


def test_images_that_were_left_out_are_not_judged():
    shown = [make_frame(i, i / 10, hands={'h1': 'stop'} if i % 2 else None) for i in range(20)]
    assert check(make_clip(shown), 'hand count 1', 'gesture stop').passed


def test_one_event_does_not_meet_two_expectations():
    line = 'between 3 and 4 s: gesture stop STARTED'
    judgement = check(make_clip(frames(), EVENTS), line, line)
    assert [each.passed for each in judgement.checks] == [True, False]
    both = make_clip(frames(), (*EVENTS, gesture_event(3.5, hand_id='h2')))
    assert check(both, line, line).passed


def test_a_vague_expectation_leaves_an_event_to_a_strict_one():
    events = (gesture_event(3.1, side='LEFT', hand_id='h2'), gesture_event(3.2))
    judgement = check(
        make_clip(frames(), events),
        'between 3 and 4 s: gesture stop STARTED',
        'between 3 and 4 s: gesture stop STARTED left hand',
    )
    assert judgement.passed, format_judgement(judgement)


def test_events_of_a_loop_with_equal_stamps_are_two_events():
    again = [*frames(), *frames()]
    line = 'at 3.2 s +-0.1: gesture stop STARTED'
    assert check(make_clip(again, (*EVENTS, *EVENTS)), line, line).passed
    assert not check(make_clip(again, EVENTS), line, line).passed


def test_actions_have_events_of_their_own():
    clip = make_clip(frames(), (), [action_event(5.0)])
    judgement = check(clip, 'at 5 s +-0.1: action fall_floor STARTED body p1', 'never: fall_floor')
    assert [each.passed for each in judgement.checks] == [True, False]
    assert 'at 5.00 s: action fall_floor STARTED (p1)' in judgement.checks[1].found


LINES = (
    'at 1 s +-0.5: gesture stop STARTED', 'never: stop', 'never between 0 and 1 s: hand count 1',
    'hand count 1', 'hand ids 1', 'between 0 and 1 s: gesture stop >= 50 %', 'body count 0',
    'action walk', 'at 1 s +-0.5: action fall_floor STARTED',
)
TIMES_S = st.floats(-5, 5)


@given(
    st.lists(st.tuples(TIMES_S, st.sampled_from([None, {}, {'h1': 'stop'}])), max_size=8),
    st.lists(st.tuples(TIMES_S, st.sampled_from(['STARTED', 'HELD', 'ENDED'])), max_size=4),
)
def test_any_recording_can_be_judged(shown, events):
    shots = [make_frame(i, time_s, hands=hands) for i, (time_s, hands) in enumerate(shown)]
    judgement = check(make_clip(shots, [gesture_event(*each) for each in events]), *LINES)
    assert len(judgement.checks) == len(LINES)
    assert len(format_judgement(judgement).splitlines()) > len(judgement.failed)


def test_the_text_tells_what_came_when():
    text = format_judgement(check(
        make_clip(frames(), EVENTS),
        'at 3.2 s +-0.3: gesture stop STARTED', 'at 8 s +-0.2: gesture fist STARTED',
    ))  # fmt: skip
    assert text.startswith('FAILED  wave against wave.replay.yaml: 1 of 2 not as expected')
    lines = text.split('\n')
    assert '  line 2: expected at 8 s +-0.2: gesture fist STARTED' in lines
    assert lines[-3:] == [
        '         3.20 s  gesture stop STARTED right hand (h1)',
        '    +    5.10 s  gesture stop ENDED right hand (h1)',
        '    -    8.00 s  at 8 s +-0.2: gesture fist STARTED',
    ]
    good = check(make_clip(frames(), EVENTS), 'hand ids 1')
    assert format_judgement(good) == (
        'PASSED  wave against wave.replay.yaml: 1 of 1 as expected')

"""The grammar of expectations and what its errors say."""

import re
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros2_hand_action.errors import ExpectationError
from ros2_hand_action.perception.records import Handedness, Phase
from ros2_hand_action.replay.expectation_grammar import Place, parse_expectation
from ros2_hand_action.replay.expectations import (
    Count,
    Kind,
    Moment,
    Shown,
    Thing,
    Where,
    Who,
)

PLACE = Place('wave.replay.yaml', 3, 5)
RIGHT = Who(side=Handedness.RIGHT)


def parse(text):
    return parse_expectation(text, PLACE)


@pytest.mark.parametrize(
    ('text', 'where', 'begin_s', 'end_s', 'subject'),
    [
        ('at 3.2 s +-0.3: gesture stop STARTED right hand', Where.SOMEWHERE, 2.9, 3.5,
         Moment(Kind.GESTURE, 'stop', Phase.STARTED, RIGHT)),
        ('at 3.2s ± 0.3s: gesture stop hand h1', Where.SOMEWHERE, 2.9, 3.5,
         Shown(Kind.GESTURE, 'stop', Who(hand_id='h1'))),
        ('between 5 and 9 s: action walk >= 80 %', Where.THROUGHOUT, 5, 9,
         Shown(Kind.ACTION, 'walk', Who())),
        ('between 5 s and 9 s: action fall_floor STARTED body p1', Where.THROUGHOUT, 5, 9,
         Moment(Kind.ACTION, 'fall_floor', Phase.STARTED, Who(body_id='p1'))),
        ('never: fall_floor', Where.NEVER, -inf, inf, Moment(None, 'fall_floor', None, Who())),
        ('never between 1 and 2 s: gesture "my own 1" left hand', Where.NEVER, 1, 2,
         Moment(Kind.GESTURE, 'my own 1', None, Who(side=Handedness.LEFT))),
        ('body count 1 +-0', Where.THROUGHOUT, -inf, inf, Count(Thing.BODY, False, 1, 1)),
        ('always: hand count >= 1', Where.THROUGHOUT, -inf, inf,
         Count(Thing.HAND, False, 1, inf)),
        ('never: hand count >= 3', Where.NEVER, -inf, inf, Count(Thing.HAND, False, 3, inf)),
        ('hand ids 2 +-1', Where.THROUGHOUT, -inf, inf, Count(Thing.HAND, True, 1, 3)),
    ],
)
def test_lines_that_are_understood(text, where, begin_s, end_s, subject):
    expectation = parse(text)
    assert (expectation.text, expectation.line) == (text, 3)
    assert expectation.where is where
    assert (expectation.begin_s, expectation.end_s) == pytest.approx((begin_s, end_s))
    assert expectation.subject == subject


@pytest.mark.parametrize(
    ('text', 'low', 'high'),
    [
        ('gesture stop', 1.0, 1.0),
        ('gesture stop >= 80 %', 0.8, 1.0),
        ('always: gesture stop left hand <= 5.5 %', 0.0, 0.055),
        ('hand count 1 +-0, >= 90 %', 0.9, 1.0),
        ('hand count >= 1 >= 90 %', 0.9, 1.0),
    ],
)
def test_shares_of_images(text, low, high):
    expectation = parse(text)
    assert (expectation.low_share, expectation.high_share) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ('text', 'column', 'found', 'allowed'),
    [
        ('gestur stop', 5, "'gestur' is not allowed here (did you mean gesture?)", 'gesture'),
        ('at 3.2: gesture stop', 11, "':' is not allowed", '+-'),
        ('at x s +-1: gesture stop', 8, "'x' is", 'a number'),
        ('between 9 and 5 s: hand count 1', 19, "'5' is", 'a time after 9 s'),
        ('at 1 s +-1: gesture stop STRTED', 30, '(did you mean STARTED?)', 'STARTED'),
        ('hand count', 15, 'the line ends too early', 'a number'),
        ('hand count 1 $ 2', 18, "'$' is", 'numbers'),
        ('action walk >= 800 %', 20, "'800' is", 'a number from 0 to 100'),
        ('action walk >= 80', 22, 'the line ends too early', '%'),
        ('at 1 s +-1: action walk >= 3 %', 29, "'>=' is", 'the end of the line'),
        ('stop', 5, "'stop' is", 'at, never, between'),
        ('never: gesture count', 20, "'count' is", 'a label'),
        ('always: action walk left hand', 25, "'left' is", 'body'),
        ('never', 10, 'the line ends too early', ':'),
        ('', 5, 'the line ends too early', 'hand, body'),
    ],
)
def test_an_error_names_the_place_the_text_and_what_is_allowed(text, column, found, allowed):
    with pytest.raises(ExpectationError) as caught:
        parse(text)
    first, shown, mark = str(caught.value).split('\n')
    assert first.startswith(f'wave.replay.yaml:3:{column}: ')
    assert found in first
    assert allowed in first.partition('allowed: ')[2]
    assert shown.strip() == text
    assert mark.index('^') - 4 == column - 5


WORDS = (
    'at', 'between', 'and', 'never', 'always', 'gesture', 'action', 'hand', 'body', 'count', 'ids',
    'left', 'right', 'stop', 'STARTED', 's', ':', '+-', '>=', '<=', '%', ',', '1', '2.5', '"a b"',
)


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(' '.join) | st.text(max_size=40))
def test_whatever_is_written_is_understood_or_refused(text):
    told, expectation = '', None
    try:
        expectation = parse(text)
    except ExpectationError as error:
        told = str(error)
    assert expectation or told.startswith('wave.replay.yaml:3:')
    if expectation:
        assert expectation.begin_s <= expectation.end_s
        assert 0 <= expectation.low_share <= expectation.high_share <= 1


def test_the_document_shows_lines_that_are_understood():
    document = Path(__file__).resolve().parents[2] / 'docs' / 'replay_testing.md'
    text = document.read_text(encoding='utf-8').partition('A line is')[2].partition('## ')[0]
    spans = [span.strip() for span in re.findall(r'`([^`]+)`', text)]
    whens = [span for span in spans if span.endswith(':') and span != 'never:']
    whats = [span for span in spans if span.split()[0] in ('gesture', 'action', 'hand', 'body')
             and span not in ('hand h1', 'body p1')]
    assert len(whens) >= 4 and len(whats) >= 10
    for when in whens:
        parse(f'{when} gesture stop')
    for what in whats:
        parse(what if '%' in what or 'count' in what or 'ids' in what else f'at 1 s +-1: {what}')

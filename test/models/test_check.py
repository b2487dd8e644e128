"""What labelled examples say of conventions, on made-up scores."""

import numpy as np
import pytest

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.models.check import (
    LEAST_EXAMPLES,
    Outcome,
    check_conventions,
    judge_probabilities,
)


class Judge:
    """Two factors; rows of scores are the examples."""

    factors = ('pixels', 'order')
    conventions = (('a', 'rgb'), ('a', 'bgr'), ('b', 'rgb'), ('b', 'bgr'))
    figure = 'named right'

    def judge(self, example):
        return None if example is None else Outcome(np.array(example), np.array(example) > -1)

    def fits(self, figure):
        return figure > 0.5


CLEAR = [-0.1, -3.0, -5.0, -6.0]


def noisy(row, count=8, spread=0.5):
    rng = np.random.default_rng(0)
    return [[value + spread * float(rng.normal()) for value in row] for _ in range(count)]


def test_winner_is_named_with_its_margin():
    verdict = check_conventions(Judge(), noisy(CLEAR))
    assert verdict.winner == ('a', 'rgb')
    assert verdict.is_decisive
    pixels, order = verdict.choices
    assert (pixels.factor, pixels.value, pixels.other) == ('pixels', 'a', 'b')
    assert (order.value, order.other) == ('rgb', 'bgr')
    assert pixels.margin == pytest.approx(4.9, abs=0.6)
    assert order.margin == pytest.approx(2.9, abs=0.6)
    text = verdict.format()
    assert text.splitlines()[1].split()[:2] == ['a', 'rgb']
    assert text.splitlines()[-1] == 'decisive'


def test_one_factor_may_stay_open():
    verdict = check_conventions(Judge(), noisy([-0.1, -0.1, -5.0, -5.0]))
    pixels, order = verdict.choices
    assert (pixels.is_decided, order.is_decided) == (True, False)
    assert not verdict.is_decisive
    assert 'order: ' in verdict.format()
    assert verdict.format().count('not decided') == 1
    assert verdict.format().endswith('NOT DECISIVE: give more examples')


@pytest.mark.parametrize(('examples', 'message'), [
    (noisy(CLEAR, LEAST_EXAMPLES - 1), f'give at least {LEAST_EXAMPLES} examples'),
    (noisy(CLEAR, 1), f'give at least {LEAST_EXAMPLES} examples'),
    (noisy([-4.0, -9.0, -9.0, -9.0]), 'no convention fits'),
    ([[-0.1, -0.1, -0.1, -0.1]] * 9, 'give more examples'),
])
def test_what_is_not_decisive_says_why(examples, message):
    verdict = check_conventions(Judge(), examples)
    assert not verdict.is_decisive
    assert verdict.format().splitlines()[-1].startswith('NOT DECISIVE')
    assert message in verdict.format()


def test_examples_that_cannot_be_used_are_counted():
    verdict = check_conventions(Judge(), [None, *noisy(CLEAR), None])
    assert verdict.unused == 2
    assert '8 examples, 2 could not be used' in verdict.format()
    with pytest.raises(DatasetError, match='none of 2 examples can be used'):
        check_conventions(Judge(), [None, None])


def test_json_has_all_that_the_text_has():
    content = check_conventions(Judge(), noisy(CLEAR)).to_json()
    assert content['winner'] == {'pixels': 'a', 'order': 'rgb'}
    assert content['decisive'] and content['fits']
    assert [each['factor'] for each in content['choices']] == ['pixels', 'order']
    assert len(content['conventions']) == 4
    alone = check_conventions(Judge(), [CLEAR]).to_json()
    assert alone['choices'][0]['error'] is None  # JSON has no infinity


def test_probabilities_are_scored_in_logarithms():
    rows = [np.array([0.5, 0.5 - 1e-9]), np.array([0.0, 1.0])]
    outcome = judge_probabilities(rows, [0, 0])
    np.testing.assert_allclose(outcome.scores, np.log([0.5, 1e-4]))
    np.testing.assert_array_equal(outcome.figures, [1, 0])

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros2_hand_action.perception.detection_metrics import (
    average_precision,
    match_boxes,
    summarise,
)

BOX = (10, 10, 30, 30)


def boxes(*rows):
    return np.reshape(rows, (-1, 4)).astype(float)


def test_a_box_is_right_from_half_an_overlap_on():
    found = boxes((10, 10, 30, 20), (10, 10, 30, 19.9))
    scores = np.array([0.9, 0.8])
    assert match_boxes(found[:1], scores[:1], boxes(BOX)).tolist() == [True]
    assert match_boxes(found[1:], scores[1:], boxes(BOX)).tolist() == [False]


def test_a_second_detection_of_a_hand_is_wrong():
    right = match_boxes(boxes(BOX, BOX), np.array([0.5, 0.9]), boxes(BOX))
    assert right.tolist() == [False, True]


def test_without_truth_every_detection_is_wrong():
    assert match_boxes(boxes(BOX), np.ones(1), boxes()).tolist() == [False]
    assert match_boxes(boxes(), np.ones(0), boxes(BOX)).tolist() == []


def test_average_precision_of_a_worked_example():
    # Precision and recall after each detection: 1/1 1/4, 1/2 1/4, 2/3 2/4, 3/4 3/4.
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    right = np.array([True, False, True, True])
    # The envelope of precision is 1 up to recall 1/4, then 3/4 up to 3/4.
    assert average_precision(scores, right, 4) == pytest.approx(0.25 * 1 + 0.5 * 0.75)


@pytest.mark.parametrize(('scores', 'right', 'true_boxes', 'expected'), [
    ([0.9, 0.8], [True, True], 2, 1.0),
    ([0.9, 0.8], [False, False], 2, 0.0),
    ([], [], 3, 0.0),
    ([0.9], [False], 0, math.nan),
])
def test_average_precision_at_the_ends(scores, right, true_boxes, expected):
    result = average_precision(np.array(scores), np.array(right, bool), true_boxes)
    np.testing.assert_equal(result, expected)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30), st.integers(0, 5))
def test_average_precision_lies_between_0_and_recall(detections, missed):
    right = np.array([is_right for _, is_right in detections], bool)
    true_boxes = int(right.sum()) + missed
    if true_boxes:
        scores = np.array([score for score, _ in detections])
        result = average_precision(scores, right, true_boxes)
        assert 0 <= result <= right.sum() / true_boxes + 1e-9


def test_figures_at_the_working_score():
    report = summarise(
        np.array([0.9, 0.6, 0.4]), np.array([True, False, True]), 4, threshold=0.5
    )
    assert (report.found, report.false_alarms, report.true_boxes) == (1, 1, 4)
    assert (report.precision, report.recall) == (0.5, 0.25)


def test_figures_of_nothing_are_undefined():
    report = summarise(np.empty(0), np.empty(0, bool), 0, threshold=0.5)
    assert all(map(math.isnan, (report.average_precision, report.precision, report.recall)))

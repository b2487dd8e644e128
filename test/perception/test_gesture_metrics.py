import numpy as np
import pytest

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.gesture_metrics import compare

LABELS = ('fist', 'ok', 'none')


def test_scores_equal_those_worked_out_by_hand():
    # truth      fist x4, ok x2, none x4
    truth = ['fist'] * 4 + ['ok'] * 2 + ['none'] * 4
    predicted = ['fist', 'fist', 'fist', 'none', 'ok', 'fist', 'none', 'none', 'none', 'ok']
    report = compare(truth=truth, predicted=predicted, labels=LABELS)
    np.testing.assert_array_equal(report.confusion, [[3, 0, 1], [1, 1, 0], [0, 1, 3]])
    fist, ok, none = report.per_class.values()
    assert fist == pytest.approx((3 / 4, 3 / 4, 3 / 4, 4))
    assert ok == pytest.approx((1 / 2, 1 / 2, 1 / 2, 2))
    assert none == pytest.approx((3 / 4, 3 / 4, 3 / 4, 4))
    assert report.macro_f1 == pytest.approx((3 / 4 + 1 / 2 + 3 / 4) / 3)
    assert report.accuracy == pytest.approx(0.7)


def test_unknown_labels_count_as_none():
    report = compare(truth=['random', 'fist'], predicted=['none', 'wave'], labels=LABELS)
    np.testing.assert_array_equal(report.confusion, [[0, 0, 1], [0, 0, 0], [0, 0, 1]])


def test_none_is_added_where_it_is_missing():
    assert compare(truth=['a'], predicted=['b'], labels=['a']).labels == ('a', 'none')


def test_macro_f1_is_over_labels_that_are_present():
    # 'ok' is never true: its false alarm costs the true label's recall only.
    report = compare(truth=['fist', 'fist'], predicted=['fist', 'ok'], labels=LABELS)
    assert report.macro_f1 == pytest.approx(2 / 3)
    assert report.per_class['ok'].f1 == 0


def test_nothing_to_compare_is_zero():
    report = compare(truth=[], predicted=[], labels=LABELS)
    assert (report.macro_f1, report.accuracy) == (0, 0)


def test_lengths_must_agree():
    with pytest.raises(DatasetError, match='2 true labels but 1'):
        compare(truth=['ok', 'ok'], predicted=['ok'], labels=LABELS)


def test_table_has_a_line_per_label():
    lines = compare(truth=['ok'], predicted=['none'], labels=LABELS).format().splitlines()
    assert [line.split()[0] for line in lines] == ['true', *LABELS, 'macro']
    assert lines[2].split()[-3:] == ['0', '0', '1']

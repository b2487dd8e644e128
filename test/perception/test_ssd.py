import math

import numpy as np

from ros2_hand_action.perception.ssd import decode, make_anchors

ANCHORS = make_anchors(192, ((8, 2), (16, 6)))


def decode_one_by_one(boxes, logits, threshold):
    """Decode as straightforwardly as can be: the reference."""
    anchors = []
    for stride, count in ((8, 2), (16, 6)):
        for row in range(192 // stride):
            for column in range(192 // stride):
                anchors += [((column + 0.5) * stride, (row + 0.5) * stride)] * count
    found = []
    for view in range(len(boxes)):
        for index, (x, y) in enumerate(anchors):
            score = 1 / (1 + math.exp(-min(max(logits[view, index, 0], -100), 100)))
            if score >= threshold:
                raw = boxes[view, index]
                points = [(raw[0] + x, raw[1] + y)]
                points += [(raw[k] + x, raw[k + 1] + y) for k in range(4, 18, 2)]
                found.append((view, points, (raw[2], raw[3]), score))
    return found


def test_decode_agrees_with_the_reference():
    random = np.random.default_rng(1)
    boxes = random.normal(0, 30, (2, 2016, 18)).astype(np.float32)
    logits = random.normal(-3, 2, (2, 2016, 1)).astype(np.float32)
    expected = decode_one_by_one(boxes.astype(float), logits.astype(float), 0.4)
    views, points, sides, scores = decode(boxes, logits, ANCHORS, 0.4)
    assert len(expected) > 20
    assert views.tolist() == [one[0] for one in expected]
    np.testing.assert_allclose(points, [one[1] for one in expected], rtol=1e-5)
    np.testing.assert_allclose(sides, [one[2] for one in expected], rtol=1e-5)
    np.testing.assert_allclose(scores, [one[3] for one in expected], rtol=1e-5)


def test_extreme_logits_do_not_overflow():
    logits = np.full((1, 2016, 1), -1e30, np.float32)
    logits[0, :2] = 1e30
    with np.errstate(all='raise'):
        views, _, _, scores = decode(np.zeros((1, 2016, 18), np.float32), logits, ANCHORS, 0.5)
    assert len(views) == 2 and (scores > 0.999).all()


def test_of_too_many_the_best_are_kept_in_their_order():
    """Weights that are all zero would find every anchor of 21 views, and need gigabytes."""
    logits = np.zeros((10, 2016, 1), np.float32)
    logits[3, [7, 5], 0] = 2, 1
    views, _, _, scores = decode(np.zeros((10, 2016, 18), np.float32), logits, ANCHORS, 0.5)
    assert len(views) == 1000
    assert (views[-2:] == 3).all() and scores[-2] < scores[-1]


def test_nothing_above_the_threshold_is_no_palm():
    views, points, sides, scores = decode(
        np.zeros((1, 2016, 18), np.float32), np.full((1, 2016, 1), -5, np.float32), ANCHORS, 0.5
    )
    assert points.shape == (0, 8, 2) and len(views) == len(sides) == len(scores) == 0


def test_anchors_are_those_of_the_model():
    assert ANCHORS.shape == (2016, 2)
    np.testing.assert_array_equal(ANCHORS[[0, 1, 2]], [(4, 4), (4, 4), (12, 4)])
    np.testing.assert_array_equal(ANCHORS[[1152, 1157, 1158]], [(8, 8), (8, 8), (24, 8)])


def test_anchors_of_the_body_detector():
    assert make_anchors(224, ((8, 2), (16, 2), (32, 6))).shape == (2254, 2)

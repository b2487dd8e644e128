import math

import numpy as np
import pytest

from ros2_hand_action.perception.palm_detection import (
    PalmDetector,
    Palms,
    decode,
    hand_regions,
    make_anchors,
)
from ros2_hand_action.perception.stage_times import StageClock


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
                found.append((view, points, max(raw[2], raw[3]), score))
    return found


def test_decode_agrees_with_the_reference():
    random = np.random.default_rng(1)
    boxes = random.normal(0, 30, (2, 2016, 18)).astype(np.float32)
    logits = random.normal(-3, 2, (2, 2016, 1)).astype(np.float32)
    expected = decode_one_by_one(boxes.astype(float), logits.astype(float), 0.4)
    views, points, sizes, scores = decode(boxes, logits, 0.4)
    assert len(expected) > 20
    assert views.tolist() == [one[0] for one in expected]
    np.testing.assert_allclose(points, [one[1] for one in expected], rtol=1e-5)
    np.testing.assert_allclose(sizes, [one[2] for one in expected], rtol=1e-5)
    np.testing.assert_allclose(scores, [one[3] for one in expected], rtol=1e-5)


def test_extreme_logits_do_not_overflow():
    logits = np.full((1, 2016, 1), -1e30, np.float32)
    logits[0, :2] = 1e30
    with np.errstate(all='raise'):
        views, _, _, scores = decode(np.zeros((1, 2016, 18), np.float32), logits, 0.5)
    assert len(views) == 2 and (scores > 0.999).all()


def test_nothing_above_the_threshold_is_no_palm():
    views, points, sizes, scores = decode(
        np.zeros((1, 2016, 18), np.float32), np.full((1, 2016, 1), -5, np.float32), 0.5
    )
    assert points.shape == (0, 8, 2) and len(views) == len(sizes) == len(scores) == 0


def test_anchors_are_those_of_the_model():
    anchors = make_anchors()
    assert anchors.shape == (2016, 2)
    np.testing.assert_array_equal(anchors[[0, 1, 2]], [(4, 4), (4, 4), (12, 4)])
    np.testing.assert_array_equal(anchors[[1152, 1157, 1158]], [(8, 8), (8, 8), (24, 8)])


def test_palms_are_found_where_they_are(disc_palms, draw_discs, disc):
    frame = draw_discs(disc(200, 150), disc(420.0, 300, radius=40))
    views = np.array([[320, 240, 640, 0.0]])
    palms = PalmDetector(disc_palms, threshold=0.5).detect(frame, views, StageClock())
    order = np.argsort(palms.boxes_px[:, 0])
    middles = palms.boxes_px.reshape(-1, 2, 2).mean(axis=1)[order]
    np.testing.assert_allclose(middles, [(200.5, 165.5), (420.5, 320.5)], atol=2)
    np.testing.assert_allclose(palms.sizes_px[order], (36, 48), atol=3)
    np.testing.assert_allclose(palms.keypoints_px[order][:, 0], [(200, 180), (420, 340)], atol=4)


def test_a_palm_in_two_views_is_one_palm(disc_palms, draw_discs, disc):
    views = np.array([[320, 240, 640, 0.0], [320, 240, 480, 0.0]])
    detector = PalmDetector(disc_palms, threshold=0.5)
    palms = detector.detect(draw_discs(disc(300, 200, radius=40)), views, StageClock())
    assert len(palms.scores) == 1


@pytest.mark.parametrize('rotation', [0.0, 0.5, -1.2, 3.0])
def test_regions_hold_the_hand_upright(rotation):
    up = np.array([math.sin(rotation), -math.cos(rotation)])
    keypoints = np.zeros((1, 7, 2))
    keypoints[0, 0], keypoints[0, 2] = (100, 100), (100, 100) + 40 * up
    palms = Palms(np.array([[75, 75, 125, 125.0]]), keypoints, np.array([50.0]), np.ones(1))
    x, y, size, angle = hand_regions(palms)[0]
    np.testing.assert_allclose((x, y), (100, 100) + 25 * up)
    assert size == pytest.approx(130)
    assert angle == pytest.approx(rotation)

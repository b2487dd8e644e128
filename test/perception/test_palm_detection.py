import math

import numpy as np
import pytest

from ros2_hand_action.perception.palm_detection import PalmDetector, Palms, hand_regions
from ros2_hand_action.perception.stage_times import StageClock


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

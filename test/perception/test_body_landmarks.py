"""BlazePose's outputs are read as its reference pipeline reads them."""

import numpy as np
import pytest
from bodies import FIGURE, Disc, DiscDetector, DiscLandmarks, picture

from ros2_hand_action.perception.body_detection import (
    ANCHORS,
    BodyDetector,
    circle_regions,
    merge_overlapping,
)
from ros2_hand_action.perception.body_landmarks import BodyLandmarker, refine_by_heatmaps
from ros2_hand_action.perception.hand_search import whole_frame_view

NOWHERE = -50.0


def test_anchors_are_those_of_the_reference() -> None:
    anchors = ANCHORS
    assert anchors.shape == (2254, 2)
    assert anchors[0].tolist() == [4, 4] and anchors[2].tolist() == [12, 4]
    assert anchors[28 * 28 * 2].tolist() == [8, 8]
    assert anchors[-1].tolist() == [208, 208]


def test_boxes_of_one_body_are_averaged_by_score() -> None:
    faces = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60.0]])
    circles = np.array([[[5, 50], [5, 0]], [[8, 50], [8, 0]], [[55, 90], [55, 40.0]]])
    found = merge_overlapping(faces, circles, np.array([0.6, 0.9, 0.7]))
    assert found.scores.tolist() == [0.9, 0.7]
    assert found.regions_px[0, 0] == pytest.approx((5 * 0.6 + 8 * 0.9) / 1.5)
    assert found.regions_px[1].tolist() == pytest.approx([55, 90, 125, 0])


def test_no_box_is_no_body() -> None:
    found = merge_overlapping(np.zeros((0, 4)), np.zeros((0, 2, 2)), np.zeros(0))
    assert found.regions_px.shape == (0, 4) and found.scores.shape == (0,)


def test_region_turns_with_the_body() -> None:
    region = circle_regions(np.array([[100.0, 100.0]]), np.array([[140.0, 100.0]]))[0]
    assert region.tolist() == pytest.approx([100, 100, 100, np.pi / 2])


def test_heatmap_pulls_a_point_to_its_centre_of_mass() -> None:
    heatmaps = np.full((1, 3, 64, 64), NOWHERE)
    heatmaps[0, 0, 20, 30] = heatmaps[0, 0, 20, 32] = 5.0  # rows, columns
    heatmaps[0, 1, 20, 30] = -1.0  # not sure enough
    heatmaps[0, 2, 0, 1] = 5.0
    points = np.array([[[128.0, 84.0], [122.0, 84.0], [-3.0, 300.0]]])
    refined = refine_by_heatmaps(points, heatmaps)
    assert refined[0, 0].tolist() == pytest.approx([31 * 4, 20 * 4])
    assert np.array_equal(refined[0, 1:], points[0, 1:])


def test_heatmap_beyond_the_kernel_does_not_count() -> None:
    heatmaps = np.full((1, 1, 64, 64), NOWHERE)
    heatmaps[0, 0, 20, 25] = 5.0
    near, far = np.array([[[29.0 * 4, 80.0]]]), np.array([[[30.0 * 4, 80.0]]])
    assert refine_by_heatmaps(near, heatmaps)[0, 0].tolist() == pytest.approx([100, 80])
    assert np.array_equal(refine_by_heatmaps(far, heatmaps), far)


def test_heatmap_at_the_rim_has_a_smaller_kernel() -> None:
    heatmaps = np.full((1, 1, 64, 64), NOWHERE)
    heatmaps[0, 0, 0, 0] = 5.0
    assert np.allclose(refine_by_heatmaps(np.array([[[3.0, 3.0]]]), heatmaps), 0)


def test_detector_and_landmarker_agree_on_where_a_body_is() -> None:
    frame = picture([Disc(200, 240, 18), Disc(450, 200, 12)], 0)
    found = BodyDetector(DiscDetector()).detect(frame, whole_frame_view(frame))
    places = found.regions_px[np.argsort(found.regions_px[:, 0])]
    assert np.allclose(places[:, :2], [[200, 240], [450, 200]], atol=3)
    seen = BodyLandmarker(DiscLandmarks()).find(frame, places)
    assert np.allclose(seen.landmarks_px[0], (200, 240) + 5 * 18 * FIGURE, atol=5)
    assert seen.presence.tolist() == [1, 1]
    again = circle_regions(seen.alignment_px[:, 0], seen.alignment_px[:, 1])
    assert np.allclose(again, places, atol=8)


def test_no_region_costs_nothing() -> None:
    network = DiscLandmarks()
    frame = picture([], 0)
    seen = BodyLandmarker(network).find(frame, np.zeros((0, 4)))
    assert seen.landmarks_px.shape == (0, 33, 2) and network.images == 0

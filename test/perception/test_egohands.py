"""The EgoHands detector: boxes, what is proposed of them, and hands at any turn."""

import numpy as np
import pytest

from ros2_hand_action.perception.egohands import (
    QUARTER_TURNS,
    EgoHandsDetector,
    decode_egohands,
    make_egohands_anchors,
)
from ros2_hand_action.perception.hand_finder import HandFinder
from ros2_hand_action.perception.hand_landmarks import HandLandmarks
from ros2_hand_action.perception.hand_proposals import HandProposals
from ros2_hand_action.perception.hand_search import tile_views, whole_frame_view
from ros2_hand_action.perception.hands import (
    HandDetector,
    HandDetectorOptions,
    HandTracker,
    HandTrackerOptions,
)
from ros2_hand_action.perception.stage_times import StageClock

ANCHORS = make_egohands_anchors()


def test_boxes_of_zeros_are_the_anchors():
    logits = np.full((1, 1917, 2), -9, np.float32)
    chosen = np.arange(0, 1917, 2)  # no more than are kept
    logits[0, chosen] = 0
    found = decode_egohands(np.zeros((1, 1917, 4), np.float32), logits, 0.3)
    np.testing.assert_allclose(found.points_crop[:, 0], ANCHORS[chosen, :2])
    np.testing.assert_allclose(found.sides_crop, ANCHORS[chosen, 2:])
    np.testing.assert_allclose(found.scores, 0.5)


def test_only_the_logit_of_a_hand_counts():
    logits = np.full((2, 1917, 2), -9, np.float32)
    logits[0, 7, 0] = logits[1, 5, 1] = 9
    found = decode_egohands(np.zeros((2, 1917, 4), np.float32), logits, 0.3)
    assert found.views.tolist() == [1] and found.scores[0] > 0.99
    np.testing.assert_allclose(found.points_crop[0, 0], ANCHORS[5, :2])


def test_boxes_lie_on_the_hands(disc_boxes, draw_discs, disc):
    frame = draw_discs(disc(150, 120), disc(480, 350, radius=50))
    detector = EgoHandsDetector(disc_boxes, threshold=0.3)
    boxes, scores = detector.detect(frame, whole_frame_view(frame), StageClock())
    boxes = boxes[np.argsort(boxes[:, 0])]
    np.testing.assert_allclose(boxes, [(120, 90, 180, 150), (430, 300, 530, 400)], atol=4)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-4)), rtol=1e-5)
    assert (disc_boxes.lowest, disc_boxes.highest) == (-1, 1)


def test_overlapping_views_give_each_hand_once(disc_boxes, draw_discs, disc):
    frame = draw_discs(disc(320, 240))
    views = np.concatenate([whole_frame_view(frame), tile_views(frame, 0.5)])
    boxes, _ = EgoHandsDetector(disc_boxes, threshold=0.3).detect(frame, views, StageClock())
    assert boxes.shape == (1, 4)


def test_regions_are_square_and_larger_than_the_box(disc_boxes, draw_discs, disc):
    frame = draw_discs(disc(200, 150))
    detector = EgoHandsDetector(disc_boxes, threshold=0.3)
    (region,), _ = detector.propose(frame, whole_frame_view(frame), StageClock())
    np.testing.assert_allclose(region[:2], (200.5, 150.5), atol=2)
    assert 1.5 * 60 < region[2] < 2.2 * 60 and region[3] == 0


def test_an_empty_picture_gives_no_region(disc_boxes, draw_discs):
    frame = draw_discs()
    regions, scores = EgoHandsDetector(disc_boxes, threshold=0.3).propose(
        frame, whole_frame_view(frame), StageClock()
    )
    assert regions.shape == (0, 4) and scores.shape == (0,)


class OneProposal:
    """Proposes the same upright region, and says that it may be turned."""

    turns = QUARTER_TURNS

    def propose(self, frame, views_px, clock):
        return HandProposals(np.array([[320.0, 240, 200, 0]]), np.array([0.9]))


class LandmarkerOfTurnedHands:
    """Sees a hand that is turned by some angle, if it is looked at that way."""

    def __init__(self, angle):
        self.angle = angle
        self.looks = []

    def find(self, frame, regions_px, clock):
        self.looks.append(regions_px)
        off = np.angle(np.exp(1j * (regions_px[:, 3] - self.angle)))
        points = np.zeros((len(regions_px), 21, 3))
        points[:, :, :2] = (320, 240) + 40 * np.random.default_rng(0).normal(0, 1, (21, 2))
        presence = np.where(np.abs(off) < 0.8, 0.99, 0.1)
        if len(self.looks) > 1:  # the second look knows the turn
            presence[:] = 0.99
        return HandLandmarks(points, points, presence, np.ones(len(regions_px)))


@pytest.mark.parametrize('angle', [0.0, 1.5, 3.0, -1.7])
def test_hands_are_found_at_any_turn(draw_discs, angle):
    landmarker = LandmarkerOfTurnedHands(angle)
    finder = HandFinder(OneProposal(), landmarker, min_score=0.5)
    frame = draw_discs()
    found = finder.find(
        frame, whole_frame_view(frame), known_px=np.empty((0, 4)), clock=StageClock()
    )
    assert len(found.scores) == 1 and found.scores[0] > 0.9
    np.testing.assert_allclose(landmarker.looks[0][:, 3], QUARTER_TURNS)


def test_detector_and_tracker_take_it_by_name(disc_boxes, disc_landmarks, draw_discs, disc):
    frame = draw_discs(disc(200, 150), disc(450, 300))
    networks = {'palm': disc_boxes, 'landmarks': disc_landmarks}
    detector = HandDetector(**networks, options=HandDetectorOptions(model='egohands'))
    assert len(detector.detect(frame)) == 2

    tracker = HandTracker(**networks, options=HandTrackerOptions(model='egohands'))
    hands = tracker.process(frame).hands
    assert len(hands) == 2
    again = tracker.process(draw_discs(disc(204, 152), disc(452, 301), stamp_ns=33_000_000)).hands
    assert {hand.track_id for hand in again} == {hand.track_id for hand in hands}
    np.testing.assert_allclose(
        sorted(hand.landmarks_px[9, 0] for hand in again), (204.5, 452.5), atol=3
    )

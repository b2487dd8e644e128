"""From proposals to hands: the landmark network judges what a detector proposes."""

from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.egohands import EgoHandsDetector
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_landmarks import (
    HandLandmarker,
    HandLandmarks,
    hand_boxes,
    next_regions,
    palm_centers,
)
from ros2_hand_action.perception.hand_proposals import HandProposer
from ros2_hand_action.perception.palm_detection import PalmDetector
from ros2_hand_action.perception.regions import box_containment, box_iou, suppress
from ros2_hand_action.perception.stage_times import StageClock
from ros2_hand_action.perception.wrist_hints import NO_HINTS, WristHints

_LEAST_PRESENCE = 0.02
"""Candidates whose presence is lower at the first look get no second one."""

_SCORE_WEIGHTS = (0.7, 0.4, 0.6)
_WRIST_WEIGHT = 4.0
_SCORE_OFFSET = -1.8
"""Logistic model of being a hand: weights of the logits of palm score and of presence at the
first and second look, and of nearness to a wrist; docs/hands.md says how they were chosen."""

_HINT_PALM_SCORE = 0.12
"""Stands for the palm score of a hand that only the body hints at."""

_LEAST_PROBABILITY = 1e-3
_SAME_HAND_IOU = 0.4
_SAME_HAND_CONTAINMENT = 0.75
"""Overlap, relative to both and to the smaller box, above which two finds are one hand: in a
tile the curled fingers of a pointing hand look like a fist of their own."""

_COVERED_DISTANCE = 0.7
"""A palm nearer to a known hand than this many hand sizes is that hand's."""


class FoundHands(NamedTuple):
    """Hands found in an image, best first.

    Attributes
    ----------
    landmarks : HandLandmarks
        Of n hands.
    scores : np.ndarray
        (n,): probability that it is a hand, 0 to 1.
    """

    landmarks: HandLandmarks
    scores: np.ndarray


def make_proposer(model: str, session: InferenceSession, *, threshold: float) -> HandProposer:
    """Return what proposes hands by the first network of one of the MODELS of hand_options."""
    kind = EgoHandsDetector if model == 'egohands' else PalmDetector
    return kind(session, threshold=threshold)


class HandFinder:
    """Finds the hands in square views of a frame.

    A low threshold of the detector proposes candidates; the landmark network looks at each of
    them twice, the second time in the region that the first landmarks span.

    Parameters
    ----------
    proposer : HandProposer
    landmarker : HandLandmarker
    min_score, min_presence : float
        Least score, and least presence at the second look, of a hand; 0 to 1.
    """

    def __init__(
        self,
        proposer: HandProposer,
        landmarker: HandLandmarker,
        *,
        min_score: float,
        min_presence: float = 0.0,
    ) -> None:
        self._proposer = proposer
        self._landmarker = landmarker
        self._min_score = min_score
        self._min_presence = min_presence

    def find(
        self,
        frame: Frame,
        views_px: np.ndarray,
        *,
        known_px: np.ndarray,
        hints: WristHints = NO_HINTS,
        limit: int | None = None,
        clock: StageClock,
    ) -> FoundHands:
        """Find hands that are not known yet.

        Parameters
        ----------
        frame : Frame
        views_px : np.ndarray
            (n, 4): square regions of the frame in which to look for hands.
        known_px : np.ndarray
            (m, 4): regions of hands that are known already.
        hints : WristHints, optional
            Where hands should be.
        limit : int, optional
            Most candidates that are looked at, those with the best score first.
        clock : StageClock
        """
        proposed = self._proposer.propose(frame, views_px, clock)
        regions = np.concatenate([proposed.regions_px, hints.regions_px])
        hinted = np.full(len(hints.regions_px), _HINT_PALM_SCORE)
        palm_scores = np.concatenate([proposed.scores, hinted])
        open_ones = np.nonzero(~are_covered(regions, known_px))[0][:limit]
        first = self._look_first(frame, regions[open_ones], clock)
        likely = first.presence >= _LEAST_PRESENCE
        regions = next_regions(first.landmarks_px[likely])
        second = self._landmarker.find(frame, regions, clock)
        scores = detection_scores(
            palm_scores[open_ones][likely], first.presence[likely], second.presence,
            wrist_nearness(second.landmarks_px, hints),
        )
        return self._choose(frame, second, scores, known_px)

    def _look_first(
        self, frame: Frame, regions_px: np.ndarray, clock: StageClock
    ) -> HandLandmarks:
        """Return what is seen in each region (n, 4), turned as it looks most like a hand."""
        turns = self._proposer.turns
        turned = np.repeat(regions_px, len(turns), axis=0)
        turned[:, 3] += np.tile(turns, len(regions_px))
        seen = self._landmarker.find(frame, turned, clock)
        best = seen.presence.reshape(-1, len(turns)).argmax(axis=1)
        return seen.take(best + len(turns) * np.arange(len(best)))

    def _choose(
        self, frame: Frame, seen: HandLandmarks, scores: np.ndarray, known_px: np.ndarray
    ) -> FoundHands:
        """Return the hands that are sure enough and not known, each once."""
        sure = ~are_covered(next_regions(seen.landmarks_px), known_px)
        sure &= (scores >= self._min_score) & (seen.presence >= self._min_presence)
        sure &= are_in_view(seen.landmarks_px, frame)
        boxes = hand_boxes(seen.landmarks_px[sure], frame)
        same = box_iou(boxes, boxes) > _SAME_HAND_IOU
        same |= box_containment(boxes, boxes) > _SAME_HAND_CONTAINMENT
        best = suppress(same, scores[sure])
        index = np.nonzero(sure)[0][best]
        return FoundHands(seen.take(index), scores[index])


def detection_scores(
    palm_scores: np.ndarray,
    first_presence: np.ndarray,
    second_presence: np.ndarray,
    nearness: np.ndarray,
) -> np.ndarray:
    """Return the probabilities (n,) of being hands.

    Parameters
    ----------
    palm_scores, first_presence, second_presence : np.ndarray
        (n,): probabilities of the three judges.
    nearness : np.ndarray
        (n,): from `wrist_nearness`.
    """
    judges = np.stack([palm_scores, first_presence, second_presence])
    judges = np.clip(judges, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    logits = np.asarray(_SCORE_WEIGHTS) @ np.log(judges / (1 - judges))
    scores: np.ndarray = 1 / (1 + np.exp(-(_SCORE_OFFSET + logits + _WRIST_WEIGHT * nearness)))
    return scores


def wrist_nearness(landmarks_px: np.ndarray, hints: WristHints) -> np.ndarray:
    """Return how near hands (n, 21, 3) are to one that should be there: (n,), 0 far to 1 at it."""
    gaps = palm_centers(landmarks_px)[:, None] - hints.regions_px[None, :, :2]
    sizes = np.maximum(next_regions(landmarks_px)[:, 2:3] / 2, 1)
    nearness = hints.visibility * np.exp(-np.linalg.norm(gaps, axis=2) / sizes)
    best: np.ndarray = nearness.max(axis=1, initial=0.0)
    return best


def are_in_view(landmarks_px: np.ndarray, frame: Frame) -> np.ndarray:
    """Return which hands (n,) have the middle of their palm inside the image."""
    centers = palm_centers(landmarks_px).tolist()
    inside = [0 <= x <= frame.width_px and 0 <= y <= frame.height_px for x, y in centers]
    return np.array(inside, bool)


def are_covered(regions_px: np.ndarray, known_px: np.ndarray) -> np.ndarray:
    """Return which regions (n,) lie on one of the known ones (m, 4)."""
    gaps = np.linalg.norm(regions_px[:, None, :2] - known_px[None, :, :2], axis=2)
    covered: np.ndarray = (gaps < _COVERED_DISTANCE * known_px[None, :, 2] / 2).any(axis=1)
    return covered

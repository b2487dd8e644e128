"""Where a body pose says that hands are: a help for hands of people some metres away.

Networks, anchors and region geometry are those of MediaPipe's pose (BlazePose,
https://arxiv.org/abs/2006.10204); the constants are its `pose_detection_cpu.pbtxt` and
`pose_detection_to_roi.pbtxt`, where no other source is named.
"""

from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.batches import run_in_batches
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.body_detection import ANCHORS, circle_regions
from ros2_hand_action.perception.body_detection import INPUT_SIZE as DETECTOR_SIZE
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_search import whole_frame_view
from ros2_hand_action.perception.regions import (
    box_iou,
    crop_to_image,
    suppress,
    upright_rotation,
    write_crops,
)
from ros2_hand_action.perception.ssd import decode
from ros2_hand_action.perception.stage_times import StageClock

_LANDMARKER_SIZE = 256
_PERSON_THRESHOLD = 0.4
_SAME_PERSON_IOU = 0.3
_MOST_PERSONS = 4
_HIPS, _HEAD = 1, 2
"""Points of a detection after the centre of its box: middle of the hips, and above the head."""

_LANDMARKS = 39
_LEFT, _RIGHT = (15, 17, 19), (16, 18, 20)
"""Landmarks of an arm: wrist, pinky knuckle, index knuckle."""

_HAND_SCALE = 3.3
"""Side of a hand's region, in distances from wrist to knuckles; by measurement: docs/hands.md."""

_LEAST_VISIBILITY = 0.3


class WristHints(NamedTuple):
    """Hands that should be there, since a body is.

    Attributes
    ----------
    regions_px : np.ndarray
        (n, 4): regions of the hands, middle at the knuckles.
    visibility : np.ndarray
        (n,): probability that wrist and knuckles are visible, 0 to 1.
    """

    regions_px: np.ndarray
    visibility: np.ndarray


NO_HINTS = WristHints(np.empty((0, 4)), np.empty(0))


class WristFinder:
    """Finds the bodies in a frame and tells where their hands are.

    Parameters
    ----------
    detector, landmarker : InferenceSession
        The networks `pose_detection` and `pose_landmark_*`.
    """

    def __init__(self, detector: InferenceSession, landmarker: InferenceSession) -> None:
        self._detector = detector
        self._landmarker = landmarker

    def find(self, frame: Frame, clock: StageClock) -> WristHints:
        """Return where the hands of the people in the frame are."""
        persons = self._find_persons(frame, clock)
        blob = _cut_out(frame, persons, _LANDMARKER_SIZE, clock)
        raw = run_in_batches(self._landmarker, blob)['landmarks'].reshape(-1, _LANDMARKS, 5)
        clock.finish()
        points = crop_to_image(raw[..., :2].astype(np.float64), persons, _LANDMARKER_SIZE)
        seen = 1 / (1 + np.exp(-np.clip(raw[..., 3:].min(axis=2), -50, 50)))
        regions = np.concatenate([_hand_regions(points, arm) for arm in (_LEFT, _RIGHT)])
        visibility = np.concatenate([seen[:, arm].min(axis=1) for arm in (_LEFT, _RIGHT)])
        visible = visibility >= _LEAST_VISIBILITY
        return WristHints(regions[visible], visibility[visible])

    def _find_persons(self, frame: Frame, clock: StageClock) -> np.ndarray:
        """Return the regions (n, 4) of the people in the frame."""
        view = whole_frame_view(frame)
        blob = _cut_out(frame, view, DETECTOR_SIZE, clock) * 2 - 1
        outputs = run_in_batches(self._detector, blob)
        clock.finish()
        found = decode(outputs['boxes'], outputs['scores'], ANCHORS, _PERSON_THRESHOLD)
        views = view[found.views]
        points = crop_to_image(found.points_crop, views, DETECTOR_SIZE)
        half = found.sides_crop.max(axis=1)[:, None] * views[:, 2:3] / (2 * DETECTOR_SIZE)
        boxes = np.concatenate([points[:, 0] - half, points[:, 0] + half], axis=1)
        best = suppress(box_iou(boxes, boxes) > _SAME_PERSON_IOU, found.scores)[:_MOST_PERSONS]
        return circle_regions(points[best, _HIPS], points[best, _HEAD])


def _cut_out(
    frame: Frame, regions_px: np.ndarray, size: int, clock: StageClock
) -> np.ndarray:
    """Return the crops of regions as a network's input; the clock counts inference from here."""
    clock.prepare()
    blob = np.empty((len(regions_px), 3, size, size), np.float32)
    write_crops(frame, regions_px, blob)
    clock.infer()
    return blob


def _hand_regions(points_px: np.ndarray, arm: tuple[int, int, int]) -> np.ndarray:
    """Return the regions (n, 4) of the hands at the end of one arm of each body."""
    wrist, pinky, index = (points_px[:, point] for point in arm)
    # As in MediaPipe's holistic model: the middle knuckle lies nearer to the index.
    knuckles = (2 * index + pinky) / 3
    sides = _HAND_SCALE * np.linalg.norm(knuckles - wrist, axis=1)
    return np.column_stack([knuckles, sides, upright_rotation(wrist, knuckles)])

"""Palm detection: where in an image hands may be.

Network, anchors and region geometry are those of MediaPipe's palm detector (BlazePalm,
https://arxiv.org/abs/2006.10214); the constants are its `palm_detection_cpu.pbtxt` and
`palm_detection_detection_to_roi.pbtxt`.
"""

from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.batches import run_in_batches
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_proposals import HandProposals
from ros2_hand_action.perception.regions import (
    box_iou,
    crop_to_image,
    suppress,
    upright_rotation,
    write_crops,
)
from ros2_hand_action.perception.ssd import decode, make_anchors
from ros2_hand_action.perception.stage_times import StageClock

INPUT_SIZE = 192
"""Side of the network's square input, in pixels."""

_ANCHORS = make_anchors(INPUT_SIZE, ((8, 2), (16, 6)))
_WRIST, _MIDDLE_MCP = 0, 2
_SAME_PALM_IOU = 0.3
_SAME_PALM_IOU_ACROSS_VIEWS = 0.7
"""Overlap above which two boxes are one palm. Between views it is higher: where they disagree
about a palm, the landmark network shall judge."""

_REGION_SCALE = 2.6
_REGION_SHIFT = 0.5
"""Of the palm's box: how much larger the hand is, and how far towards the fingers it lies."""


class Palms(NamedTuple):
    """Palms found in an image, best first.

    Attributes
    ----------
    boxes_px : np.ndarray
        (n, 4): xmin, ymin, xmax, ymax, along the axes of the view in which it was found,
        carried to the full image.
    keypoints_px : np.ndarray
        (n, 7, 2): wrist, index, middle, ring and pinky MCP, thumb CMC and MCP.
    sizes_px : np.ndarray
        (n,): side of the square palm box.
    scores : np.ndarray
        (n,): 0 to 1.
    """

    boxes_px: np.ndarray
    keypoints_px: np.ndarray
    sizes_px: np.ndarray
    scores: np.ndarray

    def take(self, index: np.ndarray) -> 'Palms':
        """Return the palms that `index` (integers or a mask) selects."""
        return Palms(*(field[index] for field in self))


class PalmDetector:
    """Finds palms in one or more views of a frame.

    Parameters
    ----------
    session : InferenceSession
        The network `palm_detection_full` or `palm_detection_lite`.
    threshold : float
        Lowest score of a palm, 0 to 1, exclusive.

    Attributes
    ----------
    turns : np.ndarray
        [0]: a palm tells where the fingers point.
    """

    turns = np.zeros(1)

    def __init__(self, session: InferenceSession, *, threshold: float) -> None:
        self._session = session
        self._threshold = threshold

    def detect(self, frame: Frame, views_px: np.ndarray, clock: StageClock) -> Palms:
        """Find the palms in square views (n, 4) of the frame, without duplicates."""
        clock.prepare()
        blob = np.empty((len(views_px), 3, INPUT_SIZE, INPUT_SIZE), np.float32)
        write_crops(frame, views_px, blob)
        clock.infer()
        outputs = run_in_batches(self._session, blob)
        clock.finish()
        return self._collect(outputs, views_px)

    def propose(self, frame: Frame, views_px: np.ndarray, clock: StageClock) -> HandProposals:
        """Return the regions of the hands whose palms are seen in the views (n, 4)."""
        palms = self.detect(frame, views_px, clock)
        return HandProposals(hand_regions(palms), palms.scores)

    def _collect(self, outputs: dict[str, np.ndarray], views_px: np.ndarray) -> Palms:
        """Carry the network's outputs to the full image."""
        found = decode(outputs['boxes'], outputs['scores'], _ANCHORS, self._threshold)
        regions = views_px[found.views]
        points_px = crop_to_image(found.points_crop, regions, INPUT_SIZE)
        sizes_px = found.sides_crop.max(axis=1) * regions[:, 2] / INPUT_SIZE
        half = sizes_px[:, None] / 2
        boxes_px = np.concatenate([points_px[:, 0] - half, points_px[:, 0] + half], axis=1)
        palms = Palms(boxes_px, points_px[:, 1:], sizes_px, found.scores)
        same_view = found.views[:, None] == found.views[None]
        max_iou = np.where(same_view, _SAME_PALM_IOU, _SAME_PALM_IOU_ACROSS_VIEWS)
        return palms.take(suppress(box_iou(boxes_px, boxes_px) > max_iou, found.scores))


def hand_regions(palms: Palms) -> np.ndarray:
    """Return the regions (n, 4) of the whole hands that palms belong to."""
    keypoints = palms.keypoints_px
    rotation = upright_rotation(keypoints[:, _WRIST], keypoints[:, _MIDDLE_MCP])
    up = np.stack([np.sin(rotation), -np.cos(rotation)], axis=1)
    middle = palms.boxes_px.reshape(-1, 2, 2).mean(axis=1)
    centers = middle + _REGION_SHIFT * palms.sizes_px[:, None] * up
    return np.column_stack([centers, _REGION_SCALE * palms.sizes_px, rotation])

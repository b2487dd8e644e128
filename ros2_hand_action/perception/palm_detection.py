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
from ros2_hand_action.perception.regions import (
    box_iou,
    crop_to_image,
    suppress,
    upright_rotation,
    write_crops,
)
from ros2_hand_action.perception.stage_times import StageClock

INPUT_SIZE = 192
"""Side of the network's square input, in pixels."""

KEYPOINTS = 7
_WRIST, _MIDDLE_MCP = 0, 2
_STRIDES = ((8, 2), (16, 6))
"""Pixels between anchors, and anchors at each place."""
_LOGIT_LIMIT = 100.0
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


def make_anchors() -> np.ndarray:
    """Return the (2016, 2) anchor centres in pixels of the network's input."""
    layers = []
    for stride, count in _STRIDES:
        places = (np.arange(INPUT_SIZE // stride) + 0.5) * stride
        grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, count, axis=0))
    return np.concatenate(layers)


_ANCHORS = make_anchors()


def decode(
    boxes: np.ndarray, logits: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Turn the network's outputs into palms, in pixels of its input.

    Parameters
    ----------
    boxes : np.ndarray
        (n, 2016, 18): centre, size and 7 keypoints, relative to the anchor.
    logits : np.ndarray
        (n, 2016, 1).
    threshold : float
        Lowest score that is kept, 0 to 1.

    Returns
    -------
    views, points, sizes, scores
        (m,) index of the view, (m, 8, 2) centre and keypoints, (m,) side, (m,) score.
    """
    clipped = np.clip(logits[..., 0], -_LOGIT_LIMIT, _LOGIT_LIMIT)
    least = np.log(threshold / (1 - threshold))
    views, anchors = np.nonzero(clipped >= least)
    values = boxes[views, anchors].astype(np.float64)
    points = np.concatenate([values[:, :2], values[:, 4:]], axis=1).reshape(-1, 8, 2)
    points += _ANCHORS[anchors][:, None]
    scores = 1 / (1 + np.exp(-clipped[views, anchors].astype(np.float64)))
    return views, points, values[:, 2:4].max(axis=1), scores


class PalmDetector:
    """Finds palms in one or more views of a frame.

    Parameters
    ----------
    session : InferenceSession
        The network `palm_detection_full` or `palm_detection_lite`.
    threshold : float
        Lowest score of a palm, 0 to 1, exclusive.
    """

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

    def _collect(self, outputs: dict[str, np.ndarray], views_px: np.ndarray) -> Palms:
        """Carry the network's outputs to the full image."""
        views, points, sizes, scores = decode(
            outputs['boxes'], outputs['scores'], self._threshold
        )
        regions = views_px[views]
        points_px = crop_to_image(points, regions, INPUT_SIZE)
        sizes_px = sizes * regions[:, 2] / INPUT_SIZE
        half = sizes_px[:, None] / 2
        boxes_px = np.concatenate([points_px[:, 0] - half, points_px[:, 0] + half], axis=1)
        palms = Palms(boxes_px, points_px[:, 1:], sizes_px, scores)
        same_view = views[:, None] == views[None]
        max_iou = np.where(same_view, _SAME_PALM_IOU, _SAME_PALM_IOU_ACROSS_VIEWS)
        return palms.take(suppress(box_iou(boxes_px, boxes_px) > max_iou, scores))


def hand_regions(palms: Palms) -> np.ndarray:
    """Return the regions (n, 4) of the whole hands that palms belong to."""
    keypoints = palms.keypoints_px
    rotation = upright_rotation(keypoints[:, _WRIST], keypoints[:, _MIDDLE_MCP])
    up = np.stack([np.sin(rotation), -np.cos(rotation)], axis=1)
    middle = palms.boxes_px.reshape(-1, 2, 2).mean(axis=1)
    centers = middle + _REGION_SHIFT * palms.sizes_px[:, None] * up
    return np.column_stack([centers, _REGION_SCALE * palms.sizes_px, rotation])

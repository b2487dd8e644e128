"""The EgoHands detector: boxes of hands, from SSDLite MobileNetV2.

Network of github.com/victordibia/handtracking, trained on EgoHands; anchors and box code are
those of TensorFlow's object detection API (its `multiple_grid_anchor_generator.py` and
`faster_rcnn_box_coder.py`).
"""

import numpy as np

from ros2_hand_action.inference.batches import run_in_batches
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_proposals import HandProposals
from ros2_hand_action.perception.regions import box_iou, suppress, write_crops
from ros2_hand_action.perception.ssd import Detections, select
from ros2_hand_action.perception.stage_times import StageClock

INPUT_SIZE = 300
"""Side of the network's square input, in pixels."""

_GRIDS = (19, 10, 5, 3, 2, 1)
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)  # as its configuration rounds them
_LOWEST = ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))
"""Side as a part of the input, and width by height, of the anchors of the finest grid."""

_SHIFT_SCALE, _SIDE_SCALE = 10.0, 5.0
"""By which the network's shifts of centres and logarithms of sides are divided."""

_HAND = 1  # beside 0, the background
_SAME_HAND_IOU = 0.5
_REGION_SCALE = 1.8
"""Side of the landmark network's region, in the box's longer side."""

QUARTER_TURNS = np.arange(4) * np.pi / 2
"""A box says nothing of where the fingers point to."""


def make_egohands_anchors() -> np.ndarray:
    """Return the anchors (1917, 4): centre x, y, width, height in pixels of the input."""
    layers = []
    for layer, count in enumerate(_GRIDS):
        shapes = _LOWEST if layer == 0 else (
            *((_SCALES[layer], ratio) for ratio in _RATIOS),
            (np.sqrt(_SCALES[layer] * _SCALES[layer + 1]), 1.0),
        )
        sides = [(scale * np.sqrt(ratio), scale / np.sqrt(ratio)) for scale, ratio in shapes]
        places = (np.arange(count) + 0.5) / count
        centers = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 1, 2)
        grid = np.broadcast_to(centers, (count * count, len(sides), 2))
        layers.append(np.concatenate([grid, np.broadcast_to(sides, grid.shape)], axis=2))
    return INPUT_SIZE * np.concatenate([layer.reshape(-1, 4) for layer in layers])


_ANCHORS = make_egohands_anchors()


def decode_egohands(boxes: np.ndarray, logits: np.ndarray, threshold: float) -> Detections:
    """Turn the network's outputs into detections, which have no keypoints.

    Parameters
    ----------
    boxes : np.ndarray
        (views, 1917, 4): shifts of centre y, x and logarithms of height, width, as the network
        gives them.
    logits : np.ndarray
        (views, 1917, 2): background, hand.
    threshold : float
        Lowest score that is kept, between 0 and 1.
    """
    views, index, scores = select(logits[..., _HAND], threshold)
    values, anchors = boxes[views, index].astype(np.float64), _ANCHORS[index]
    centers = anchors[:, :2] + values[:, 1::-1] / _SHIFT_SCALE * anchors[:, 2:]
    sides = np.exp(values[:, :1:-1] / _SIDE_SCALE) * anchors[:, 2:]
    return Detections(views, centers[:, None], sides, scores)


class EgoHandsDetector:
    """Proposes hands by the boxes of the EgoHands network.

    Parameters
    ----------
    session : InferenceSession
        The network `egohands_ssd`.
    threshold : float
        Lowest score of a box, between 0 and 1.

    Attributes
    ----------
    turns : np.ndarray
        (4,): a box does not tell where the fingers point.
    """

    turns = QUARTER_TURNS

    def __init__(self, session: InferenceSession, *, threshold: float) -> None:
        self._session = session
        self._threshold = threshold

    def detect(
        self, frame: Frame, views_px: np.ndarray, clock: StageClock
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find hands in upright square views (n, 4) of the frame, without duplicates.

        Returns
        -------
        boxes_px, scores
            (m, 4): xmin, ymin, xmax, ymax in pixels of the full image; (m,): 0 to 1, best first.
        """
        clock.prepare()
        blob = np.empty((len(views_px), 3, INPUT_SIZE, INPUT_SIZE), np.float32)
        write_crops(frame, views_px, blob)
        blob *= 2
        blob -= 1  # the network takes -1 to 1
        clock.infer()
        outputs = run_in_batches(self._session, blob)
        clock.finish()
        found = decode_egohands(outputs['boxes'], outputs['scores'], self._threshold)
        regions = views_px[found.views]
        scale = regions[:, 2:3] / INPUT_SIZE
        centers = regions[:, :2] + (found.points_crop[:, 0] - INPUT_SIZE / 2) * scale
        half = found.sides_crop / 2 * scale
        boxes_px = np.concatenate([centers - half, centers + half], axis=1)
        best = suppress(box_iou(boxes_px, boxes_px) > _SAME_HAND_IOU, found.scores)
        return boxes_px[best], found.scores[best]

    def propose(self, frame: Frame, views_px: np.ndarray, clock: StageClock) -> HandProposals:
        """Return square regions around the boxes that are seen in the views (n, 4)."""
        boxes_px, scores = self.detect(frame, views_px, clock)
        sides = boxes_px[:, 2:] - boxes_px[:, :2]
        centers = (boxes_px[:, :2] + boxes_px[:, 2:]) / 2
        regions = np.column_stack([
            centers, _REGION_SCALE * sides.max(axis=1), np.zeros(len(scores))
        ])
        return HandProposals(regions, scores)

"""Decoding of MediaPipe's single-shot detectors: one anchor grid, boxes with keypoints.

The conventions are those of its `ssd_anchors_calculator.cc` (centres only, unit-sized anchors)
and `tensors_to_detections_calculator.cc`.
"""

from typing import NamedTuple

import numpy as np

_LOGIT_LIMIT = 100.0
_MOST = 1000
"""Detections that are kept, the best: pictures of crowds have some hundred in all views together;
what compares each with each must not ask for memory without bound where weights are broken."""


class Detections(NamedTuple):
    """Detections in a batch of views, in pixels of the network's input.

    Attributes
    ----------
    views : np.ndarray
        (n,): index of the view.
    points_crop : np.ndarray
        (n, 1 + k, 2): centre of the box and its k keypoints.
    sides_crop : np.ndarray
        (n, 2): width and height of the box.
    scores : np.ndarray
        (n,): 0 to 1.
    """

    views: np.ndarray
    points_crop: np.ndarray
    sides_crop: np.ndarray
    scores: np.ndarray


def make_anchors(input_size: int, strides: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Return the (n, 2) centres of the anchors, in pixels of the network's input.

    Parameters
    ----------
    input_size : int
        Side of the network's square input.
    strides : tuple of (int, int)
        Pixels between the anchors of a layer, and anchors at each of its places.
    """
    layers = []
    for stride, count in strides:
        places = (np.arange(input_size // stride) + 0.5) * stride
        grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, count, axis=0))
    return np.concatenate(layers)


def decode(
    boxes: np.ndarray, logits: np.ndarray, anchors: np.ndarray, threshold: float
) -> Detections:
    """Turn a network's outputs into detections.

    Parameters
    ----------
    boxes : np.ndarray
        (views, anchors, 4 + 2 k): centre, size and k keypoints, relative to the anchor.
    logits : np.ndarray
        (views, anchors, 1).
    anchors : np.ndarray
        (anchors, 2).
    threshold : float
        Lowest score that is kept, between 0 and 1.
    """
    views, index, scores = select(logits[..., 0], threshold)
    values = boxes[views, index].astype(np.float64)
    points = np.concatenate([values[:, :2], values[:, 4:]], axis=1)
    points = points.reshape(len(values), boxes.shape[2] // 2 - 1, 2) + anchors[index][:, None]
    return Detections(views, points, values[:, 2:4], scores)


def select(logits: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return view, anchor and score, each (n,), of logits (views, anchors) above a threshold.

    The threshold is a score, between 0 and 1. Of more than 1000 the best are returned.
    """
    clipped = np.clip(logits, -_LOGIT_LIMIT, _LOGIT_LIMIT)
    least = np.log(threshold / (1 - threshold))
    views, index = np.nonzero(clipped >= least)
    if len(views) > _MOST:
        best = np.sort(np.argsort(-clipped[views, index], kind='stable')[:_MOST])
        views, index = views[best], index[best]
    scores = 1 / (1 + np.exp(-clipped[views, index].astype(np.float64)))
    return views, index, scores

"""How well boxes are detected: average precision, precision and recall."""

from dataclasses import dataclass

import numpy as np

from ros2_hand_action.perception.regions import box_iou


@dataclass(frozen=True)
class DetectionReport:
    """Figures of a detector on a set of pictures.

    Attributes
    ----------
    average_precision : float
        Area under the precision-recall curve, all points, 0 to 1; NaN without true boxes.
    precision, recall : float
        At the score that the detector works with; NaN where undefined.
    true_boxes, found, false_alarms : int
        Boxes in the truth, those of them that were found, and detections that are none.
    """

    average_precision: float
    precision: float
    recall: float
    true_boxes: int
    found: int
    false_alarms: int


def match_boxes(
    boxes_px: np.ndarray, scores: np.ndarray, truth_px: np.ndarray, *, min_iou: float = 0.5
) -> np.ndarray:
    """Return which detections (n,) of one picture are right.

    As in PASCAL VOC (Everingham et al., 2010, section 4.2): the best score chooses first, each
    detection is compared with the true box that it overlaps most, and a true box that was taken
    already makes the detection wrong.

    Parameters
    ----------
    boxes_px : np.ndarray
        (n, 4) detections: xmin, ymin, xmax, ymax.
    scores : np.ndarray
        (n,).
    truth_px : np.ndarray
        (m, 4) true boxes.
    min_iou : float
        Least overlap of a right detection.
    """
    right = np.zeros(len(boxes_px), bool)
    if not len(truth_px):
        return right
    overlaps = box_iou(boxes_px, truth_px)
    taken: set[int] = set()
    for index in np.argsort(-scores, kind='stable'):
        best = int(overlaps[index].argmax())
        if overlaps[index, best] >= min_iou and best not in taken:
            taken.add(best)
            right[index] = True
    return right


def average_precision(scores: np.ndarray, right: np.ndarray, true_boxes: int) -> float:
    """Return the area under the precision-recall curve, interpolated at all points.

    Parameters
    ----------
    scores : np.ndarray
        (n,) of the detections of all pictures.
    right : np.ndarray
        bool (n,), from `match_boxes`.
    true_boxes : int
        Number of true boxes in all pictures.
    """
    if not true_boxes:
        return float('nan')
    hits = np.cumsum(right[np.argsort(-scores, kind='stable')])
    precision = hits / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(hits, prepend=0) / true_boxes
    return float(np.sum(steps * best_from_here))


def summarise(
    scores: np.ndarray, right: np.ndarray, true_boxes: int, *, threshold: float
) -> DetectionReport:
    """Return the figures of all pictures; precision and recall are those at `threshold`."""
    used = scores >= threshold
    found = int(np.sum(right & used))
    false_alarms = int(np.sum(~right & used))
    detections = found + false_alarms
    return DetectionReport(
        average_precision=average_precision(scores, right, true_boxes),
        precision=found / detections if detections else float('nan'),
        recall=found / true_boxes if true_boxes else float('nan'),
        true_boxes=true_boxes,
        found=found,
        false_alarms=false_alarms,
    )

"""Body detection: where in an image people may be.

Network, anchors and region geometry are those of MediaPipe's pose detector (BlazePose,
https://arxiv.org/abs/2006.10204); the constants are its `pose_detection_cpu.pbtxt` and
`pose_detection_to_roi.pbtxt`.
"""

from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.regions import (
    box_iou,
    crop_to_image,
    suppress,
    upright_rotation,
    write_crops,
)
from ros2_hand_action.perception.ssd import decode, make_anchors
from ros2_hand_action.perception.stage_times import StageClock

INPUT_SIZE = 224
"""Side of the network's square input, in pixels."""

REGION_SCALE = 1.25
"""Side of a region, over that of the square around the circle in which a body lies."""

ANCHORS = make_anchors(INPUT_SIZE, ((8, 2), (16, 2), (32, 6)))
"""(2254, 2): centres of the anchors in pixels of the network's input."""

_MAX_IOU = 0.3


class Detections(NamedTuple):
    """Bodies found in an image, best first.

    Attributes
    ----------
    faces_px : np.ndarray
        (n, 4): xmin, ymin, xmax, ymax of the head, by which bodies are told apart.
    regions_px : np.ndarray
        (n, 4): regions of the whole bodies.
    scores : np.ndarray
        (n,): 0 to 1.
    """

    faces_px: np.ndarray
    regions_px: np.ndarray
    scores: np.ndarray

    def take(self, index: np.ndarray) -> 'Detections':
        """Return the bodies that `index` (integers or a mask) selects."""
        return Detections(*(field[index] for field in self))


class BodyDetector:
    """Finds bodies in one or more views of a frame, all in one call of the network.

    Parameters
    ----------
    session : InferenceSession
        The network `pose_detection`.
    threshold : float
        Lowest score of a body, 0 to 1, exclusive.
    """

    def __init__(self, session: InferenceSession, *, threshold: float = 0.5) -> None:
        self._session = session
        self._threshold = threshold

    def detect(
        self, frame: Frame, views_px: np.ndarray, clock: StageClock | None = None
    ) -> Detections:
        """Find the bodies in square views (n, 4) of the frame."""
        clock = clock or StageClock()
        clock.prepare()
        blob = np.empty((len(views_px), 3, INPUT_SIZE, INPUT_SIZE), np.float32)
        write_crops(frame, views_px, blob)
        blob *= 2  # the network wants -1..1
        blob -= 1
        clock.infer()
        outputs = self._session.run({'image': blob})
        clock.finish()
        return self._collect(outputs, views_px)

    def _collect(self, outputs: dict[str, np.ndarray], views_px: np.ndarray) -> Detections:
        """Return the bodies that the network saw in the views, without duplicates."""
        found = decode(outputs['boxes'], outputs['scores'], ANCHORS, self._threshold)
        views = views_px[found.views]
        # Centre of the head's box, then keypoints: hip centre and circle around the body.
        points_px = crop_to_image(found.points_crop[:, :3], views, INPUT_SIZE)
        half = found.sides_crop * views[:, 2:3] / INPUT_SIZE / 2
        faces = np.concatenate([points_px[:, 0] - half, points_px[:, 0] + half], axis=1)
        return merge_overlapping(faces, points_px[:, 1:], found.scores)


def merge_overlapping(
    faces_px: np.ndarray, circles_px: np.ndarray, scores: np.ndarray
) -> Detections:
    """Merge what the anchors saw of one body by their mean, weighted by score.

    Parameters
    ----------
    faces_px : np.ndarray
        (n, 4) boxes of heads.
    circles_px : np.ndarray
        (n, 2, 2): middle of the hips, and rim of the circle around the body.
    scores : np.ndarray
        (n,)
    """
    same = box_iou(faces_px, faces_px) > _MAX_IOU
    best = suppress(same, scores)
    hits = same[best]
    is_own = hits & (np.cumsum(hits, axis=0) == 1)  # the best body that a box overlaps owns it
    weights = np.where(is_own, scores, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    merged = np.tensordot(weights, circles_px, axes=1)
    return Detections(
        weights @ faces_px, circle_regions(merged[:, 0], merged[:, 1]), scores[best]
    )


def circle_regions(centers_px: np.ndarray, rims_px: np.ndarray) -> np.ndarray:
    """Return regions (n, 4) of bodies in circles.

    Parameters
    ----------
    centers_px : np.ndarray
        (n, 2): middle of the hips.
    rims_px : np.ndarray
        (n, 2): the point of the circle around the whole body that lies above its head.
    """
    radius = np.linalg.norm(rims_px - centers_px, axis=1)
    rotation = upright_rotation(centers_px, rims_px)
    return np.column_stack([centers_px, 2 * REGION_SCALE * radius, rotation])

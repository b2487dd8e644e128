"""Body landmarks: 33 points in pixels and metres, and presence of the body in a region.

Network, region geometry and the refinement by heatmaps are those of MediaPipe's BlazePose
(https://arxiv.org/abs/2006.10204); the constants are its `pose_landmarks_to_roi.pbtxt` and
`tensors_to_pose_landmarks_and_segmentation.pbtxt`.
"""

from typing import NamedTuple

import cv2
import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.regions import crop_to_image, rotate_points, write_crops
from ros2_hand_action.perception.stage_times import StageClock

INPUT_SIZE = 256
"""Side of the network's square input, in pixels."""

LANDMARKS = 33
_ALIGNMENT = slice(33, 35)
"""Two more points: middle of the hips and rim of the circle around the body."""
_POINTS, _USED = 39, 35
_KERNEL_RADIUS = 4
_MIN_REFINE_CONFIDENCE = 0.5


class BodyLandmarks(NamedTuple):
    """What the network saw in n regions.

    Attributes
    ----------
    landmarks_px : np.ndarray
        (n, 33, 2): x, y in pixels of the full image.
    alignment_px : np.ndarray
        (n, 2, 2): middle of the hips, and the point of the circle around the whole body above
        its head: they make the next region.
    landmarks_m : np.ndarray
        (n, 33, 3): metres, origin at the middle of the hips, with the axes of a camera that
        looks straight at the region's centre and has the image's own up direction.
    visibility, landmark_presence : np.ndarray
        (n, 33): probabilities that a landmark is in view and not hidden, and that it is in the
        region.
    presence : np.ndarray
        (n,): probability that the region holds a body.
    """

    landmarks_px: np.ndarray
    alignment_px: np.ndarray
    landmarks_m: np.ndarray
    visibility: np.ndarray
    landmark_presence: np.ndarray
    presence: np.ndarray

    def take(self, index: np.ndarray) -> 'BodyLandmarks':
        """Return the bodies that `index` (integers or a mask) selects."""
        return BodyLandmarks(*(field[index] for field in self))


class BodyLandmarker:
    """Finds the landmarks of the bodies in regions of a frame.

    Parameters
    ----------
    session : InferenceSession
        The network `pose_landmark_lite`, `pose_landmark_full` or `pose_landmark_heavy`.
    """

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._none = {
            spec.name: np.empty([size or 0 for size in spec.shape], spec.dtype)
            for spec in session.outputs
        }

    def find(
        self, frame: Frame, regions_px: np.ndarray, clock: StageClock | None = None
    ) -> BodyLandmarks:
        """Find the landmarks in regions (n, 4) of the frame; n may be 0."""
        clock = clock or StageClock()
        clock.prepare()
        blob = np.empty((len(regions_px), 3, INPUT_SIZE, INPUT_SIZE), np.float32)
        write_crops(frame, regions_px, blob, border=cv2.BORDER_REPLICATE)
        clock.infer()
        outputs = self._session.run({'image': blob}) if len(blob) else self._none
        clock.finish()
        return _collect(outputs, regions_px)


def _collect(outputs: dict[str, np.ndarray], regions_px: np.ndarray) -> BodyLandmarks:
    """Carry the network's outputs to the full image."""
    raw = outputs['landmarks'].reshape(-1, _POINTS, 5)[:, :_USED].astype(np.float64)
    points = refine_by_heatmaps(raw[..., :2], outputs['heatmaps'][:, :_USED])
    points_px = crop_to_image(points, regions_px, INPUT_SIZE)
    world = outputs['world_landmarks'].reshape(-1, _POINTS, 3)[:, :LANDMARKS].astype(np.float64)
    chances = 1 / (1 + np.exp(-raw[:, :LANDMARKS, 3:]))
    return BodyLandmarks(
        points_px[:, :LANDMARKS],
        points_px[:, _ALIGNMENT],
        rotate_points(world, regions_px[:, 3]),
        chances[..., 0],
        chances[..., 1],
        outputs['presence'][:, 0].astype(np.float64),
    )


def refine_by_heatmaps(points: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Move points to the centre of mass of their heatmap around them, where it is sure.

    Parameters
    ----------
    points : np.ndarray
        (n, k, 2): pixels of the network's input.
    heatmaps : np.ndarray
        (n, k, h, w): one logit map for each point.

    Returns
    -------
    np.ndarray
        (n, k, 2): refined points; one outside its heatmap, or whose heatmap stays below 0.5
        within 4 cells, is kept.
    """
    size = np.array(heatmaps.shape[:1:-1])  # w, h
    cells = np.trunc(points * size / INPUT_SIZE).astype(int)
    inside = ((cells >= 0) & (cells < size)).all(axis=-1)
    steps = np.arange(-_KERNEL_RADIUS, _KERNEL_RADIUS + 1)
    columns = cells[..., 0, None] + steps
    rows = cells[..., 1, None] + steps
    valid = (
        ((rows >= 0) & (rows < size[1]))[..., :, None]
        & ((columns >= 0) & (columns < size[0]))[..., None, :]
    )
    batch, point = np.ogrid[:points.shape[0], :points.shape[1]]
    logits = heatmaps[
        batch[..., None, None], point[..., None, None],
        rows.clip(0, size[1] - 1)[..., :, None], columns.clip(0, size[0] - 1)[..., None, :],
    ].astype(np.float64)
    weights = np.where(valid, 1 / (1 + np.exp(-logits)), 0.0)
    sure = inside & (weights.max(axis=(-2, -1)) >= _MIN_REFINE_CONFIDENCE)
    total = np.where(sure, weights.sum(axis=(-2, -1)), 1.0)
    center = np.stack([
        (weights.sum(axis=-2) * columns).sum(axis=-1), (weights.sum(axis=-1) * rows).sum(axis=-1)
    ], axis=-1) / total[..., None]
    return np.where(sure[..., None], center * INPUT_SIZE / size, points)

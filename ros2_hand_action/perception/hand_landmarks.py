"""Hand landmarks: 21 points, handedness and presence of the hand in a region.

Network and region geometry are those of MediaPipe's hand landmark model; the constants are its
`hand_landmark_landmarks_to_roi.pbtxt` and `hand_landmarks_to_rect_calculator.cc`.
"""

import math
from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.batches import run_in_batches
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.regions import (
    crop_to_image,
    rotate_points,
    write_crops,
)
from ros2_hand_action.perception.stage_times import StageClock

INPUT_SIZE = 224
"""Side of the network's square input, in pixels."""

LANDMARKS = 21
_WRIST, _INDEX_MCP, _MIDDLE_MCP, _RING_MCP = 0, 5, 9, 13
_STABLE = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
"""Landmarks that move little when fingers bend: the next region is built from these."""
_PALM = [0, 5, 9, 13, 17]
"""Wrist and knuckles: their mean is a hand's place, steady while fingers move."""

_REGION_SCALE = 2.0
_REGION_SHIFT = 0.1
"""Of the box around them: how much larger the hand is, and how far towards the fingers it lies."""

_BOX_MARGIN = 0.05
"""In sides of the next region, which is twice the hand's size."""


class HandLandmarks(NamedTuple):
    """What the network saw in n regions.

    Attributes
    ----------
    landmarks_px : np.ndarray
        (n, 21, 3): x, y in pixels of the full image, z relative to the wrist in the same scale.
    landmarks_m : np.ndarray
        (n, 21, 3): metres, origin at the wrist, axes of the camera's optical frame.
    presence : np.ndarray
        (n,): probability that the region holds a hand.
    right : np.ndarray
        (n,): probability that it is the person's right hand.
    """

    landmarks_px: np.ndarray
    landmarks_m: np.ndarray
    presence: np.ndarray
    right: np.ndarray

    def take(self, index: np.ndarray) -> 'HandLandmarks':
        """Return the hands that `index` (integers or a mask) selects."""
        return HandLandmarks(*(field[index] for field in self))


def join(first: HandLandmarks, second: HandLandmarks) -> HandLandmarks:
    """Return the hands of both, in order."""
    return HandLandmarks(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))


class HandLandmarker:
    """Finds the landmarks of the hands in regions of a frame.

    Parameters
    ----------
    session : InferenceSession
        The network `hand_landmark_full` or `hand_landmark_lite`.
    """

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def find(self, frame: Frame, regions_px: np.ndarray, clock: StageClock) -> HandLandmarks:
        """Find the landmarks in regions (n, 4) of the frame; n may be 0."""
        clock.prepare()
        blob = np.empty((len(regions_px), 3, INPUT_SIZE, INPUT_SIZE), np.float32)
        write_crops(frame, regions_px, blob)
        clock.infer()
        outputs = run_in_batches(self._session, blob)
        clock.finish()
        return _collect(outputs, regions_px)


def _collect(outputs: dict[str, np.ndarray], regions_px: np.ndarray) -> HandLandmarks:
    """Carry the network's outputs to the full image."""
    raw = outputs['landmarks'].reshape(-1, LANDMARKS, 3).astype(np.float64)
    landmarks_px = np.empty_like(raw)
    landmarks_px[..., :2] = crop_to_image(raw[..., :2], regions_px, INPUT_SIZE)
    landmarks_px[..., 2] = raw[..., 2] * (regions_px[:, None, 2] / INPUT_SIZE)
    world = outputs['world_landmarks'].reshape(-1, LANDMARKS, 3).astype(np.float64)
    landmarks_m = rotate_points(world - world[:, :1], regions_px[:, 3])
    # The network was trained on mirrored pictures: its "left" is the person's right hand.
    return HandLandmarks(
        landmarks_px,
        landmarks_m,
        outputs['presence'][:, 0].astype(np.float64),
        outputs['handedness'][:, 0].astype(np.float64),
    )


def next_regions(landmarks_px: np.ndarray) -> np.ndarray:
    """Return the regions (n, 4) in which hands with these landmarks (n, 21, 2 or 3) lie."""
    regions = [_next_region(points) for points in landmarks_px[..., :2].tolist()]
    return np.array(regions, np.float64).reshape(-1, 4)


def _next_region(points: list[list[float]]) -> tuple[float, float, float, float]:
    """Return centre, side and rotation of the region of one hand.

    In plain Python: for so few numbers numpy's calls take several times longer.
    """
    (wrist_x, wrist_y), (index_x, index_y), (middle_x, middle_y), (ring_x, ring_y) = (
        points[joint] for joint in (_WRIST, _INDEX_MCP, _MIDDLE_MCP, _RING_MCP)
    )
    across = (index_x + ring_x) / 4 + middle_x / 2 - wrist_x
    down = (index_y + ring_y) / 4 + middle_y / 2 - wrist_y
    rotation = math.atan2(across, -down)
    cos, sin = math.cos(rotation), math.sin(rotation)
    # Box around the stable landmarks along the hand's own axes.
    stable = [points[joint] for joint in _STABLE]
    own_x = [cos * x + sin * y for x, y in stable]
    own_y = [cos * y - sin * x for x, y in stable]
    left, right, top, bottom = min(own_x), max(own_x), min(own_y), max(own_y)
    width, height = right - left, bottom - top
    x, y = (left + right) / 2, (top + bottom) / 2 - _REGION_SHIFT * height
    side = _REGION_SCALE * max(width, height)
    return cos * x - sin * y, sin * x + cos * y, side, rotation


def palm_centers(landmarks_px: np.ndarray) -> np.ndarray:
    """Return the centres (n, 2) of the palms of hands (n, 21, 2 or 3)."""
    centers: np.ndarray = landmarks_px.take(_PALM, axis=1)[..., :2].sum(axis=1) / len(_PALM)
    return centers


def hand_boxes(landmarks_px: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the boxes (n, 4) of the visible hands with these landmarks, clipped to the frame.

    Landmarks lie inside the hand. That a margin of a tenth of the hand's size gives its outline
    was measured: docs/hands.md.
    """
    boxes = [_hand_box(points, frame) for points in landmarks_px[..., :2].tolist()]
    return np.array(boxes, np.float64).reshape(-1, 4)


def _hand_box(points: list[list[float]], frame: Frame) -> tuple[float, float, float, float]:
    margin = _BOX_MARGIN * _next_region(points)[2]
    across, down = [x for x, _ in points], [y for _, y in points]
    return (
        _clip(min(across) - margin, frame.width_px),
        _clip(min(down) - margin, frame.height_px),
        _clip(max(across) + margin, frame.width_px),
        _clip(max(down) + margin, frame.height_px),
    )


def _clip(value: float, limit: float) -> float:
    return min(max(value, 0.0), limit)

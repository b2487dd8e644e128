"""Hand landmarks: 21 points, handedness and presence of the hand in a region.

Network and region geometry are those of MediaPipe's hand landmark model; the constants are its
`hand_landmark_landmarks_to_roi.pbtxt` and `hand_landmarks_to_rect_calculator.cc`.
"""

from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.batches import run_in_batches
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.regions import (
    boxes_around,
    clip_boxes,
    crop_to_image,
    rotate_points,
    upright_rotation,
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
    points = landmarks_px[..., :2]
    knuckles = (points[:, _INDEX_MCP] + points[:, _RING_MCP]) / 4 + points[:, _MIDDLE_MCP] / 2
    rotation = upright_rotation(points[:, _WRIST], knuckles)
    # Box around the stable landmarks along the hand's own axes.
    own = rotate_points(points[:, _STABLE], -rotation)
    low, high = own.min(axis=1), own.max(axis=1)
    sides = high - low
    middle = rotate_points(((low + high) / 2)[:, None], rotation)[:, 0]
    up = np.stack([np.sin(rotation), -np.cos(rotation)], axis=1)
    centers = middle + _REGION_SHIFT * sides[:, 1:] * up
    return np.column_stack([centers, _REGION_SCALE * sides.max(axis=1), rotation])


def palm_centers(landmarks_px: np.ndarray) -> np.ndarray:
    """Return the centres (n, 2) of the palms of hands (n, 21, 2 or 3)."""
    centers: np.ndarray = landmarks_px[:, _PALM, :2].mean(axis=1)
    return centers


def hand_boxes(landmarks_px: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the boxes (n, 4) of the visible hands with these landmarks, clipped to the frame.

    Landmarks lie inside the hand. That a margin of a tenth of the hand's size gives its outline
    was measured: docs/hands.md.
    """
    margins = _BOX_MARGIN * next_regions(landmarks_px)[:, 2:3]
    boxes = boxes_around(landmarks_px) + margins * (-1, -1, 1, 1)
    return clip_boxes(boxes, frame)

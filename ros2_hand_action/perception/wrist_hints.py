"""Where body poses say that hands are: a help for hands of people some metres away."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.body_detection import BodyDetector
from ros2_hand_action.perception.body_landmarks import BodyLandmarker
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_search import whole_frame_view
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.regions import upright_rotation
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.perception.stage_times import StageClock

_PERSON_THRESHOLD = 0.4
_MOST_PERSONS = 4

_BLAZEPOSE_ARMS = ((15, 17, 19), (16, 18, 20))
_ARMS = tuple(
    tuple(INDEX[f'{side}_{part}'] for part in ('wrist', 'pinky_knuckle', 'index_knuckle'))
    for side in ('left', 'right')
)
"""Keypoints of each arm: wrist, pinky knuckle, index knuckle."""

_HAND_SCALE = 3.3
"""Side of a hand's region, in distances from wrist to knuckles; by measurement: docs/hands.md."""
_HAND_M = 0.28
"""The same in metres, for hands that point at the camera and look short."""
_VIEW_SCALE = 2.0
"""Side of a view around a hand, in sides of its region: three hands, as palm detectors like."""

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

    def take(self, index: np.ndarray) -> 'WristHints':
        """Return the hints that `index` (integers or a mask) selects."""
        return WristHints(self.regions_px[index], self.visibility[index])

    @property
    def views_px(self) -> np.ndarray:
        """Upright views (n, 4) in which to look for the hands."""
        return self.regions_px * (1.0, 1.0, _VIEW_SCALE, 0.0)


NO_HINTS = WristHints(np.empty((0, 4)), np.empty(0))


class WristFinder:
    """Finds the bodies in a frame and tells where their hands are.

    Parameters
    ----------
    detector, landmarker : InferenceSession
        The networks `pose_detection` and `pose_landmark_*`.
    """

    def __init__(self, detector: InferenceSession, landmarker: InferenceSession) -> None:
        self._detector = BodyDetector(detector, threshold=_PERSON_THRESHOLD)
        self._landmarker = BodyLandmarker(landmarker)

    def find(self, frame: Frame, clock: StageClock) -> WristHints:
        """Return where the hands of the people in the frame are."""
        persons = self._detector.detect(frame, whole_frame_view(frame), clock)
        seen = self._landmarker.find(frame, persons.regions_px[:_MOST_PERSONS], clock)
        chances = np.minimum(seen.visibility, seen.landmark_presence)
        return _collect(seen.landmarks_px, chances, _BLAZEPOSE_ARMS, 0.0)


def hints_of_bodies(bodies: Sequence[Body]) -> WristHints:
    """Return where the hands of bodies are that were seen a moment ago."""
    hints = [NO_HINTS]
    for body in bodies:
        least_px = _HAND_M * _pixels_per_metre(body)
        hints.append(_collect(body.keypoints_px[None], body.confidence[None], _ARMS, least_px))
    return WristHints(*(np.concatenate(field) for field in zip(*hints, strict=True)))


def _collect(
    points_px: np.ndarray, chances: np.ndarray, arms: Sequence[tuple[int, ...]], least_px: float
) -> WristHints:
    """Return the visible hands of bodies (n, k, 2), whose regions are `least_px` or larger."""
    regions = np.concatenate([_hand_regions(points_px, arm) for arm in arms])
    regions[:, 2] = np.maximum(regions[:, 2], least_px)
    visibility = np.concatenate([chances[:, arm].min(axis=1) for arm in arms])
    hints = WristHints(regions, visibility)
    return hints.take((visibility >= _LEAST_VISIBILITY) & np.isfinite(regions).all(axis=1))


def _hand_regions(points_px: np.ndarray, arm: tuple[int, ...]) -> np.ndarray:
    """Return the regions (n, 4) of the hands at the end of one arm of each body."""
    wrist, pinky, index = (points_px[:, point] for point in arm)
    # As in MediaPipe's holistic model: the middle knuckle lies nearer to the index.
    knuckles = (2 * index + pinky) / 3
    sides = _HAND_SCALE * np.linalg.norm(knuckles - wrist, axis=1)
    return np.column_stack([knuckles, sides, upright_rotation(wrist, knuckles)])


def _pixels_per_metre(body: Body) -> float:
    """Return the scale of a body's image, 0 where nothing is known."""
    known = np.isfinite(body.keypoints_m).all(axis=1) & np.isfinite(body.keypoints_px).all(axis=1)
    if not known.any():
        return 0.0
    spread_px, spread_m = (
        float(np.sqrt(points[known, :2].var(axis=0).sum()))
        for points in (body.keypoints_px, body.keypoints_m)
    )
    return spread_px / max(spread_m, 1e-3)

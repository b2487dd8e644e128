"""What the perception code finds: plain records, frozen, free of ROS.

Coordinates ending in ``_px`` are pixels of the full image, x right, y down, the centre of the
top left pixel at (0.5, 0.5). Coordinates ending in ``_m`` are metres with the axes of the
camera's optical frame: x right, y down, z forward.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np


class Handedness(Enum):
    """Which hand of the person it is, seen from that person. Values equal Hand.msg's."""

    UNKNOWN = 0
    LEFT = 1
    RIGHT = 2


@dataclass(frozen=True)
class Hand:
    """One hand in one image.

    Attributes
    ----------
    track_id : str
        'h1', 'h2', ...: stays with the hand while it is tracked and is never reused by the
        same tracker; '' where no tracker ran.
    handedness : Handedness
    handedness_score : float
        Probability of `handedness`, 0.5 to 1; 0 if UNKNOWN.
    box_px : np.ndarray
        float32 (4,): xmin, ymin, xmax, ymax of the visible hand, clipped to the image.
    score : float
        Detection score, 0 to 1.
    presence : float
        The landmark network's own probability that a hand is in its region, 0 to 1.
    landmarks_px : np.ndarray
        float32 (21, 3): x, y in image pixels, z relative to the wrist in the same scale
        (smaller is nearer). Order: `perception.labels.HAND_LANDMARKS`.
    landmarks_m : np.ndarray
        float32 (21, 3): metres, origin at the wrist, axes of the camera's optical frame.
    """

    track_id: str
    handedness: Handedness
    handedness_score: float
    box_px: np.ndarray
    score: float
    presence: float
    landmarks_px: np.ndarray
    landmarks_m: np.ndarray


@dataclass(frozen=True)
class Gesture:
    """The gesture of one hand in one image.

    Attributes
    ----------
    hand_id : str
        `Hand.track_id`.
    handedness : Handedness
    label : str
        The winning label; 'none' means a hand that shows no known gesture.
    score : float
        Probability of `label`, 0 to 1.
    probabilities : np.ndarray
        float32 (n,): one for each of the classifier's labels, in its order, sum 1.
    """

    hand_id: str
    handedness: Handedness
    label: str
    score: float
    probabilities: np.ndarray


class Phase(Enum):
    """Where in a gesture's life an event lies. Values equal GestureEvent.msg's."""

    STARTED = 0
    HELD = 1
    ENDED = 2


@dataclass(frozen=True)
class GestureEvent:
    """A debounced gesture begins, goes on or ends.

    Attributes
    ----------
    phase : Phase
    label : str
        Never 'none'.
    hand_id, body_id : str
        `Hand.track_id`, and the body it belongs to ('' if unknown).
    handedness : Handedness
    score : float
        Smoothed probability of `label` at this event, 0 to 1.
    start_ns : int
        Stamp of the first image that showed the gesture.
    stamp_ns : int
        Stamp of the image that caused this event; the duration is the difference.
    """

    phase: Phase
    label: str
    hand_id: str
    body_id: str
    handedness: Handedness
    score: float
    start_ns: int
    stamp_ns: int

    @property
    def duration_ns(self) -> int:
        """How long the gesture has lasted."""
        return self.stamp_ns - self.start_ns


@dataclass(frozen=True)
class Body:
    """One person's body in one image; keypoints are those of `perception.skeleton`.

    Attributes
    ----------
    track_id : str
        'p1', 'p2', ...: stays with the person while tracked and is never reused by the same
        tracker.
    score : float
        Probability that it is a body, 0 to 1.
    box_px : np.ndarray
        float32 (4,): xmin, ymin, xmax, ymax around the known keypoints, clipped to the image.
    keypoints_px : np.ndarray
        float32 (34, 2): x, y in image pixels; NaN = unknown.
    confidence : np.ndarray
        float32 (34,): 0 to 1; 0 = unknown.
    keypoints_m : np.ndarray
        float32 (34, 3): metres in the camera's optical frame; NaN = unknown.
    """

    track_id: str
    score: float
    box_px: np.ndarray
    keypoints_px: np.ndarray
    confidence: np.ndarray
    keypoints_m: np.ndarray


@dataclass(frozen=True)
class Action:
    """What one person is doing, from a clip of the last seconds.

    Attributes
    ----------
    body_id : str
        `Body.track_id`; '' = the whole image.
    label : str
        The most probable label.
    score : float
        Probability of `label`, 0 to 1.
    probabilities : np.ndarray
        float32 (n,): one for each of the recogniser's labels, in its order, sum 1.
    clip_start_ns, clip_end_ns : int
        Stamps of the first and last image of the clip.
    """

    body_id: str
    label: str
    score: float
    probabilities: np.ndarray
    clip_start_ns: int
    clip_end_ns: int


@dataclass(frozen=True)
class ActionEvent:
    """A debounced action begins, goes on or ends.

    Attributes
    ----------
    phase : Phase
    label : str
        Never 'other'.
    body_id : str
        `Action.body_id`.
    score : float
        Smoothed probability of `label` at this event, 0 to 1.
    start_ns : int
        Stamp of the first image that showed the action.
    stamp_ns : int
        Stamp of the image that caused this event; the duration is the difference.
    """

    phase: Phase
    label: str
    body_id: str
    score: float
    start_ns: int
    stamp_ns: int

    @property
    def duration_ns(self) -> int:
        """How long the action has lasted."""
        return self.stamp_ns - self.start_ns

"""What a network that sees bodies in regions of a frame gives, and BlazePose as one."""

from typing import NamedTuple, Protocol

import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.body_landmarks import BodyLandmarker
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.lifting import view_rotation
from ros2_hand_action.perception.skeleton import from_blazepose
from ros2_hand_action.perception.stage_times import StageClock

_LEAST_CONFIDENCE = 1e-3
"""A keypoint that is given but surely hidden is still not unknown."""


class SeenBodies(NamedTuple):
    """What a network saw in n regions; keypoints it never gives are NaN in all of them.

    Attributes
    ----------
    keypoints_px : np.ndarray
        (n, 34, 2).
    confidence : np.ndarray
        (n, 34): 0 to 1; 0 = the network's keypoint is a guess, to be taken as unknown.
    relative_m : np.ndarray
        (n, 34, 3): metres of the network's own scale around the body's middle, in the
        camera's axes.
    placed_m : np.ndarray
        (n, 34, 3): metres in the camera's frame; NaN where the network does not know the
        distance.
    circles_px : np.ndarray
        (n, 2, 2): middle of the hips, and rim of the circle around the body above its head.
    presence : np.ndarray
        (n,): probability that the region holds a body.
    """

    keypoints_px: np.ndarray
    confidence: np.ndarray
    relative_m: np.ndarray
    placed_m: np.ndarray
    circles_px: np.ndarray
    presence: np.ndarray

    def take(self, index: np.ndarray) -> 'SeenBodies':
        """Return the bodies that `index` (integers or a mask) selects."""
        return SeenBodies(*(field[index] for field in self))


class BodyNetwork(Protocol):
    """A network that finds the keypoints of the bodies in regions."""

    def find(
        self, frame: Frame, regions_px: np.ndarray, camera: CameraModel, clock: StageClock
    ) -> SeenBodies:
        """Find the keypoints in regions (n, 4) of the frame; n may be 0."""


class BlazePose:
    """MediaPipe's BlazePose as a `BodyNetwork`.

    Parameters
    ----------
    session : InferenceSession
        The network `pose_landmark_lite`, `pose_landmark_full` or `pose_landmark_heavy`.
    keypoint_threshold : float
        Landmark presence below which a keypoint is unknown, 0 to 1.
    """

    def __init__(self, session: InferenceSession, *, keypoint_threshold: float) -> None:
        self._landmarker = BodyLandmarker(session)
        self._threshold = keypoint_threshold

    def find(
        self, frame: Frame, regions_px: np.ndarray, camera: CameraModel, clock: StageClock
    ) -> SeenBodies:
        """Find the keypoints in regions (n, 4) of the frame; n may be 0."""
        seen = self._landmarker.find(frame, regions_px, clock)
        turns = [view_rotation(ray) for ray in camera.unproject(regions_px[:, :2])]
        world_m = seen.landmarks_m @ np.reshape(turns, (-1, 3, 3)).transpose(0, 2, 1)
        certain = np.ones(seen.visibility.shape)
        confidence = np.where(
            seen.landmark_presence >= self._threshold,
            np.maximum(seen.visibility, _LEAST_CONFIDENCE), 0.0,
        )
        keypoints_px, _ = from_blazepose(seen.landmarks_px, certain)
        relative_m, _ = from_blazepose(world_m, certain)
        _, sure = from_blazepose(seen.landmarks_px, confidence)
        return SeenBodies(
            keypoints_px, sure, relative_m, np.full_like(relative_m, np.nan),
            seen.alignment_px, seen.presence,
        )

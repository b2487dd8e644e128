"""Hands in single pictures."""

import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_finder import HandFinder, make_proposer
from ros2_hand_action.perception.hand_landmarks import HandLandmarker, HandLandmarks, hand_boxes
from ros2_hand_action.perception.hand_options import HandDetectorOptions
from ros2_hand_action.perception.hand_search import tile_views, whole_frame_view
from ros2_hand_action.perception.records import Hand, Handedness
from ros2_hand_action.perception.stage_times import StageClock
from ros2_hand_action.perception.task import NetworkTask
from ros2_hand_action.perception.wrist_hints import NO_HINTS, WristFinder

_NO_REGIONS = np.empty((0, 4))


class HandDetector(NetworkTask):
    """Finds the hands in single pictures, thoroughly.

    Looks at the whole picture, at the picture made smaller (for hands that fill it), at
    overlapping tiles (for hands far away) and at the wrists of the people in it.

    Parameters
    ----------
    palm, landmarks : InferenceSession
        The networks `palm_detection_*` or `egohands_ssd`, as the options say, and
        `hand_landmark_*`; closed with the detector.
    pose : tuple of two InferenceSession, optional
        The networks `pose_detection` and `pose_landmark_*`, closed with the detector; without
        them wrists are no help.
    options : HandDetectorOptions, optional
    """

    def __init__(
        self,
        *,
        palm: InferenceSession,
        landmarks: InferenceSession,
        pose: tuple[InferenceSession, InferenceSession] | None = None,
        options: HandDetectorOptions | None = None,
    ) -> None:
        super().__init__(palm, landmarks, *(pose or ()))
        self._options = options or HandDetectorOptions()
        self._finder = HandFinder(
            make_proposer(
                self._options.model, palm, threshold=self._options.palm_threshold
            ),
            HandLandmarker(landmarks),
            min_score=self._options.min_score,
        )
        self._wrists = WristFinder(*pose) if pose else None

    def detect(self, frame: Frame) -> tuple[Hand, ...]:
        """Find the hands in a picture, best first; their `track_id` is ''."""
        views = [whole_frame_view(frame, scale) for scale in self._options.whole_scales]
        views += [tile_views(frame, fraction) for fraction in self._options.tile_fractions]
        clock = StageClock()
        hints = self._wrists.find(frame, clock) if self._wrists else NO_HINTS
        found, scores = self._finder.find(
            frame, np.concatenate(views), known_px=_NO_REGIONS, hints=hints, clock=clock
        )
        boxes = hand_boxes(found.landmarks_px, frame)
        count = min(len(scores), self._options.max_hands)
        return tuple(_make_hand(found, i, boxes[i], float(scores[i])) for i in range(count))


def _make_hand(found: HandLandmarks, index: int, box_px: np.ndarray, score: float) -> Hand:
    """Return the record of one of the hands that were found."""
    right = float(found.right[index])
    return Hand(
        track_id='',
        handedness=Handedness.RIGHT if right >= 0.5 else Handedness.LEFT,
        handedness_score=max(right, 1 - right),
        box_px=box_px.astype(np.float32),
        score=score,
        presence=float(found.presence[index]),
        landmarks_px=found.landmarks_px[index].astype(np.float32),
        landmarks_m=found.landmarks_m[index].astype(np.float32),
    )

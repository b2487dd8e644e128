"""Hands in single pictures."""

import numpy as np

from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_boxes import hand_boxes
from ros2_hand_action.perception.hand_landmarks import HandLandmarker, HandLandmarks, next_regions
from ros2_hand_action.perception.hand_options import HandDetectorOptions
from ros2_hand_action.perception.hand_search import whole_frame_view
from ros2_hand_action.perception.palm_detection import PalmDetector, hand_regions, suppress
from ros2_hand_action.perception.records import Hand, Handedness
from ros2_hand_action.perception.task import NetworkTask

_SAME_HAND_IOU = 0.5


class HandDetector(NetworkTask):
    """Finds the hands in single pictures.

    Parameters
    ----------
    palm, landmarks : InferenceSession
        The networks `palm_detection_*` and `hand_landmark_*`; closed with the detector.
    options : HandDetectorOptions
    """

    def __init__(
        self,
        *,
        palm: InferenceSession,
        landmarks: InferenceSession,
        options: HandDetectorOptions | None = None,
    ) -> None:
        self._options = options or HandDetectorOptions()
        super().__init__(palm, landmarks)
        self._palms = PalmDetector(palm, threshold=self._options.palm_threshold)
        self._landmarker = HandLandmarker(landmarks)

    def detect(self, frame: Frame) -> tuple[Hand, ...]:
        """Find the hands in a picture, best first; their `track_id` is ''."""
        palms = self._palms.detect(frame, whole_frame_view(frame))
        palms = palms.take(np.arange(min(len(palms.scores), self._options.max_hands)))
        if not len(palms.scores):
            return ()
        regions = next_regions(self._landmarker.find(frame, hand_regions(palms)).landmarks_px)
        found = self._landmarker.find(frame, regions)
        boxes = hand_boxes(found.landmarks_px, frame)
        keep = suppress(boxes, found.presence, _SAME_HAND_IOU)
        keep = keep[found.presence[keep] >= self._options.presence_threshold]
        return tuple(
            make_hand(found, index, boxes[index], palms.scores[index]) for index in keep
        )


def make_hand(
    found: HandLandmarks, index: int, box_px: np.ndarray, score: float, track_id: str = ''
) -> Hand:
    """Return the record of one of the hands that the landmark network saw."""
    right = float(found.right[index])
    return Hand(
        track_id=track_id,
        handedness=Handedness.RIGHT if right >= 0.5 else Handedness.LEFT,
        handedness_score=max(right, 1 - right),
        box_px=box_px.astype(np.float32),
        score=float(score),
        presence=float(found.presence[index]),
        landmarks_px=found.landmarks_px[index].astype(np.float32),
        landmarks_m=found.landmarks_m[index].astype(np.float32),
        features=found.features[index],
    )

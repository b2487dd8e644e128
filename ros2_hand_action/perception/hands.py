"""Hands in single pictures: boxes, landmarks, handedness."""

from dataclasses import dataclass
from types import TracebackType

import numpy as np

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_landmarks import HandLandmarker, HandLandmarks, next_regions
from ros2_hand_action.perception.palm_detection import (
    PalmDetector,
    hand_regions,
    suppress,
    whole_frame_view,
)
from ros2_hand_action.perception.records import Hand, Handedness
from ros2_hand_action.perception.regions import boxes_around, clip_boxes

MODELS = ('full', 'lite')
MAX_HANDS = 8
_SAME_HAND_IOU = 0.5


@dataclass(frozen=True)
class HandDetectorOptions:
    """How single pictures are searched.

    Attributes
    ----------
    model : str
        'full', or 'lite': faster, less exact.
    max_hands : int
        1 to 8.
    palm_threshold, presence_threshold : float
        Lowest palm score, and lowest landmark presence, of a hand; 0 to 1, exclusive.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    model: str = 'full'
    max_hands: int = MAX_HANDS
    palm_threshold: float = 0.5
    presence_threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ConfigError(f'model is {self.model!r}, choose one of {MODELS}')
        if not 1 <= self.max_hands <= MAX_HANDS:
            raise ConfigError(f'max_hands is {self.max_hands!r}, choose 1 to {MAX_HANDS}')
        for name in ('palm_threshold', 'presence_threshold'):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f'{name} is {getattr(self, name)!r}, choose between 0 and 1')


class HandDetector:
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
        self._sessions = (palm, landmarks)
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
        boxes = clip_boxes(boxes_around(found.landmarks_px), frame)
        keep = suppress(boxes, found.presence, _SAME_HAND_IOU)
        keep = keep[found.presence[keep] >= self._options.presence_threshold]
        return tuple(
            make_hand(found, index, boxes[index], palms.scores[index]) for index in keep
        )

    def close(self) -> None:
        """Free the networks; may be called again."""
        for session in self._sessions:
            session.close()

    def __enter__(self) -> 'HandDetector':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


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


def create_hand_detector(
    options: HandDetectorOptions | None = None, session_options: SessionOptions | None = None
) -> HandDetector:
    """Load the networks from the model store and return a detector that owns them.

    Raises
    ------
    ModelError
        If a network is not there or damaged; the message says how to fetch it.
    """
    options = options or HandDetectorOptions()
    palm, landmarks = open_hand_networks(options.model, session_options)
    return HandDetector(palm=palm, landmarks=landmarks, options=options)


def open_hand_networks(
    model: str, session_options: SessionOptions | None
) -> tuple[InferenceSession, InferenceSession]:
    """Load the palm and the landmark network of `model`, 'full' or 'lite'."""
    from ros2_hand_action.inference import create_session
    from ros2_hand_action.models.store import model_path

    opened: list[InferenceSession] = []
    try:
        for network in ('palm_detection', 'hand_landmark'):
            opened.append(create_session(model_path(f'{network}_{model}'), session_options))
    except BaseException:
        for session in opened:
            session.close()
        raise
    return opened[0], opened[1]

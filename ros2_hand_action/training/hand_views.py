"""A labelled picture's hand as a detector and a tracker would see it: several views of it."""

from dataclasses import dataclass

import cv2
import numpy as np

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_finder import HandFinder
from ros2_hand_action.perception.hand_landmarks import (
    HandLandmarker,
    HandLandmarks,
    next_regions,
)
from ros2_hand_action.perception.hand_search import whole_frame_view
from ros2_hand_action.perception.hands import open_hand_networks
from ros2_hand_action.perception.palm_detection import PalmDetector
from ros2_hand_action.perception.stage_times import StageClock
from ros2_hand_action.perception.task import NetworkTask

_MODEL = 'full'
_PALM_THRESHOLD = 0.12
_MIN_SCORE = 0.5
_MOST_CANDIDATES = 6
_MIN_PRESENCE = 0.5
_WHOLE_SCALES = (2.0, 1.0)
"""Views of the whole picture, the next where the last shows no hand. Pictures that are all hand
come first: in their own size the palm detector knew 62 % of them, in half of it 93 %."""

_GUESS_SIZE = 1.35
_GUESS_TURNS_RAD = (0.0, 0.6, -0.6, np.pi / 2, -np.pi / 2, np.pi)
"""Regions that are tried where the palm detector is blind: size in longer sides, rotations."""

_CUTOUT_SCALE = 1.8
_CUTOUT_LIMIT_PX = 360
_SHRINKS = (1.0, 1.0, 1.5, 2.0, 3.0, 4.0)
"""How much farther away a hand is made to look."""

_LEAST_HAND_PX = 24.0
_JITTER_SIZE, _JITTER_PLACE, _JITTER_TURN_RAD = 0.09, 0.03, 0.14


@dataclass(frozen=True)
class HandViewOptions:
    """How often each picture is looked at.

    Attributes
    ----------
    count : int
        Views of a picture, at least 1; the first is the picture as it is.

    Raises
    ------
    ConfigError
        If `count` is out of range.
    """

    count: int = 6

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f'count of views is {self.count!r}, choose 1 or more')


class HandViewer(NetworkTask):
    """Looks at the hands of pictures.

    Parameters
    ----------
    palm, landmarks : InferenceSession
        The networks `palm_detection_*` and `hand_landmark_*`; closed with the viewer.
    options : HandViewOptions, optional
    """

    def __init__(
        self,
        *,
        palm: InferenceSession,
        landmarks: InferenceSession,
        options: HandViewOptions | None = None,
    ) -> None:
        super().__init__(palm, landmarks)
        self._landmarker = HandLandmarker(landmarks)
        self._finder = HandFinder(
            PalmDetector(palm, threshold=_PALM_THRESHOLD), self._landmarker, min_score=_MIN_SCORE
        )
        self._options = options or HandViewOptions()

    def find_regions(self, frame: Frame) -> np.ndarray:
        """Return the regions (n, 4) of the hands in a picture, best first; n may be 0."""
        for scale in _WHOLE_SCALES:
            found = self._finder.find(
                frame, whole_frame_view(frame, scale), known_px=np.empty((0, 4)),
                limit=_MOST_CANDIDATES, clock=StageClock(),
            )
            if len(found.scores):
                return next_regions(found.landmarks.landmarks_px)
        side = _GUESS_SIZE * max(frame.width_px, frame.height_px)
        middle = (frame.width_px / 2, frame.height_px / 2, side)
        guesses = np.array([(*middle, turn) for turn in _GUESS_TURNS_RAD])
        seen = self._look(frame, next_regions(self._look(frame, guesses).landmarks_px))
        best = np.argsort(-seen.presence)[:1]
        return next_regions(seen.landmarks_px[best[seen.presence[best] >= _MIN_PRESENCE]])

    def view(
        self, frame: Frame, region_px: np.ndarray, random: np.random.Generator
    ) -> HandLandmarks:
        """Return what is seen of the hand in a region (4,): up to `count` views."""
        cutout, region = cut_out(frame, region_px)
        views = [self._look(cutout, region[None])]
        for _ in range(1, self._options.count):
            varied, varied_region = _vary(cutout, region, random)
            seen = self._look(varied, varied_region[None])
            if random.random() < 0.5:  # as a tracker does
                seen = self._look(varied, next_regions(seen.landmarks_px))
            views.append(seen)
        seen = HandLandmarks(*(np.concatenate(field) for field in zip(*views)))
        return seen.take(seen.presence >= _MIN_PRESENCE)

    def _look(self, frame: Frame, regions_px: np.ndarray) -> HandLandmarks:
        return self._landmarker.find(frame, regions_px, StageClock())


def create_hand_viewer(
    options: HandViewOptions | None = None, session_options: SessionOptions | None = None
) -> HandViewer:
    """Load the networks from the model store and return a viewer that owns them.

    Raises
    ------
    ModelError
        If a network is not there or damaged; the message says how to fetch it.
    """
    palm, landmarks = open_hand_networks(_MODEL, session_options)
    return HandViewer(palm=palm, landmarks=landmarks, options=options)


def cut_out(frame: Frame, region_px: np.ndarray) -> tuple[Frame, np.ndarray]:
    """Return the surroundings of a region as a small frame, and the region (4,) in it.

    What lies outside the picture repeats its edge.
    """
    x, y, size, turn = region_px
    side = max(2, round(_CUTOUT_SCALE * size))
    left, top = round(x - side / 2), round(y - side / 2)
    columns = np.clip(np.arange(left, left + side), 0, frame.width_px - 1)
    rows = np.clip(np.arange(top, top + side), 0, frame.height_px - 1)
    pixels = np.ascontiguousarray(frame.pixels[rows[:, None], columns])
    scale = min(1.0, _CUTOUT_LIMIT_PX / side)
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    region = np.array([(x - left) * scale, (y - top) * scale, size * scale, turn])
    return Frame(pixels, frame.order, frame.stamp_ns), region


def _vary(
    frame: Frame, region_px: np.ndarray, random: np.random.Generator
) -> tuple[Frame, np.ndarray]:
    """Return the picture seen from afar, blurred, in another light, mirrored; and its region."""
    most = max(1.0, region_px[2] / 2 / _LEAST_HAND_PX)
    shrink = min(float(random.choice(_SHRINKS)), most)
    pixels = cv2.resize(
        frame.pixels, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA
    )
    pixels = _relight(_blur(pixels, random), random)
    x, y, size, turn = region_px
    factor = pixels.shape[1] / frame.width_px
    region = np.array([x * factor, y * factor, size * factor, turn])
    region[:2] += random.normal(0, _JITTER_PLACE, 2) * region[2]
    region[2] *= np.exp(random.normal(0, _JITTER_SIZE))
    region[3] += random.normal(0, _JITTER_TURN_RAD)
    if random.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        region[0], region[3] = pixels.shape[1] - region[0], -region[3]
    return Frame(pixels, frame.order, frame.stamp_ns), region


def _blur(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the pixels out of focus or moved, now and then."""
    kind = random.random()
    if kind < 0.12:
        return cv2.GaussianBlur(pixels, (0, 0), 0.3 + 0.012 * max(pixels.shape))
    if kind < 0.22:
        length = max(3, round(0.05 * max(pixels.shape)))
        size = (length, 1) if random.random() < 0.5 else (1, length)
        return cv2.blur(pixels, size)
    return pixels


def _relight(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the pixels in another light: gamma, gain and a colour cast."""
    light = (pixels / np.float32(255)) ** np.float32(random.uniform(0.6, 1.5))
    gains = random.uniform(0.6, 1.25) * random.uniform(0.88, 1.12, pixels.shape[2:])
    return (np.clip(light * gains.astype(np.float32), 0, 1) * 255).astype(np.uint8)

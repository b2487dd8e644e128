"""How a recogniser of actions judges a whole video, as NVIDIA's evaluation does it.

`center` is the clip in the middle; `conv` the mean probability of ten clips spread over all of the
video (`test_consecutive_sample` and `get_clips_list` in NVIDIA/tao_pytorch_backend,
cv/action_recognition/dataloader). A video that is shorter than a clip is looped.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from ros2_hand_action.perception.action_events import ActionEventMachine
from ros2_hand_action.perception.action_recognition import ActionRecognizer
from ros2_hand_action.perception.action_recognition_net import ActionRecognitionNet
from ros2_hand_action.perception.action_stance import StanceWatch
from ros2_hand_action.perception.body_pose import BodyPoseTracker
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.image_clips import ClipNetwork
from ros2_hand_action.perception.labels import OTHER
from ros2_hand_action.perception.records import Body
from ros2_hand_action.training.action_dataset import ActionVideo

SEGMENTS = 10
_LARGEST_SIDE_PX = 640


class Judgement(NamedTuple):
    """Probabilities (labels,) of a video."""

    center: np.ndarray
    conv: np.ndarray


class VideoJudge(Protocol):
    """Names what a video shows."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities."""

    def judge(self, video: ActionVideo) -> Judgement:
        """Judge a video; raises MediaError where it cannot be read."""


class ClipJudge:
    """Judges by a network on clips: whole images, one step of the network apart.

    Parameters
    ----------
    network : ClipNetwork
    """

    def __init__(self, network: ClipNetwork) -> None:
        self._network = network

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities."""
        return self._network.labels

    def judge(self, video: ActionVideo) -> Judgement:
        """Judge a video; its optical flow is read where the network wants it and it is there."""
        network = self._network
        if video.has_flow and isinstance(network, ActionRecognitionNet) and network.takes_flow:
            return self._judge_flow(network, video)
        count, rate_hz = video.count_and_rate()
        step = max(round(network.step_ns * rate_hz / 1e9), 1)
        clips = _choose_clips(count, network.images, step)
        wanted = {place for clip in clips for place in clip}
        images = {
            place: _to_rgb(frame) for place, frame in enumerate(video.frames()) if place in wanted
        }
        return _average(
            network.classify([[images[place] for place in clip]])[0] for clip in clips
        )

    def _judge_flow(self, network: ActionRecognitionNet, video: ActionVideo) -> Judgement:
        step = max(round(network.step_ns * video.rate_hz / 1e9), 1)
        clips = _choose_clips(video.count_flow(), network.planes, step)
        images = video.read_flow(place for clip in clips for place in clip)
        return _average(
            network.classify_planes([[images[place] for place in clip]])[0] for clip in clips
        )


class PersonJudge:
    """Judges by what the largest person in each image does, followed from the first image on.

    As the node tells it: falls only of who is down.

    Parameters
    ----------
    recognizer : ActionRecognizer
    tracker : BodyPoseTracker
    """

    def __init__(self, recognizer: ActionRecognizer, tracker: BodyPoseTracker) -> None:
        self._recognizer, self._tracker = recognizer, tracker
        self._stances, self._events = StanceWatch(), ActionEventMachine()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities."""
        return self._recognizer.labels

    def judge(self, video: ActionVideo) -> Judgement:
        """Judge a video; 'other' where nobody is seen for long enough."""
        self._tracker.reset()
        self._recognizer.reset()
        self._stances.reset()
        rows = [row for row in map(self._look, video.frames()) if row is not None]
        if not rows:
            nothing = np.array([label == OTHER for label in self.labels], np.float32)
            return Judgement(nothing, nothing)
        return _average(rows[place] for (place,) in _choose_clips(len(rows), 1, 1))

    def _look(self, frame: Frame) -> np.ndarray | None:
        bodies = self._tracker.process(frame).bodies
        stances = self._stances.update(bodies, stamp_ns=frame.stamp_ns)
        actions = self._events.withhold_falls(
            self._recognizer.process(bodies, stamp_ns=frame.stamp_ns, frame=frame),
            labels=self.labels, stances=stances,
        )
        sizes = {body.track_id: _area(body) for body in bodies}
        largest = max(actions, key=lambda action: sizes[action.body_id], default=None)
        return None if largest is None else largest.probabilities


def center_clip(count: int, length: int, step: int = 1) -> np.ndarray:
    """Return the places (length,) of the clip in the middle of `count` images."""
    spare = count - length * step + 1
    start = int(spare / 2) if spare > 0 else 0
    return np.mod(start + np.arange(length) * step, count)


def spread_clips(
    count: int, length: int, step: int = 1, segments: int = SEGMENTS
) -> list[np.ndarray]:
    """Return the places of clips spread evenly; of a video that is too short, one."""
    spare = count - length * step + 1
    if spare <= 0:
        return [center_clip(count, length, step)]
    tick = spare / segments
    starts = (int(tick / 2 + tick * segment) for segment in range(segments))
    return [start + np.arange(length) * step for start in starts]


def _choose_clips(count: int, length: int, step: int) -> list[Sequence[int]]:
    """Return the middle clip, then those of the segments."""
    clips = [center_clip(count, length, step), *spread_clips(count, length, step)]
    return [clip.tolist() for clip in clips]


def _average(rows: Iterable[np.ndarray]) -> Judgement:
    """Return the judgement of the middle clip's row and those of the segments."""
    center, *segments = rows
    return Judgement(center, np.mean(segments, axis=0))


def _to_rgb(frame: Frame) -> np.ndarray:
    """Return the image in RGB, no larger than need be: several hundred wait at a time."""
    scale = _LARGEST_SIDE_PX / max(frame.width_px, frame.height_px)
    pixels = frame.pixels
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if frame.order is PixelOrder.RGB:
        return pixels
    is_bgr = frame.order is PixelOrder.BGR
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if is_bgr else cv2.COLOR_GRAY2RGB)


def _area(body: Body) -> float:
    width_px, height_px = body.box_px[2:] - body.box_px[:2]
    return float(width_px * height_px)

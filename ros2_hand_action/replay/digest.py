"""What is told of a clip, gathered in one pass: its images may lie in a file."""

from dataclasses import dataclass, field

from ros2_hand_action.replay.history import Known, Track, Tracks, all_events
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame

_MOST_SAMPLES = 1500
"""Of the images of one clip, so that what is made of a long one stays small."""

Sample = tuple[RecordedFrame, Known]
Point = tuple[float, float]
"""Seconds since the first image, and a value."""


@dataclass
class Digest:
    """What a report and a timeline tell of a clip.

    Attributes
    ----------
    clip : ClipRecording
    hands, bodies : list of Track
        In order of appearance.
    samples : list of (RecordedFrame, Known)
        The images with what was known; of a long clip some, and all with events.
    frame_count, processed_count, searched_count : int
        Images, those with an answer about hands, and those with one about bodies.
    gestures_ms, bodies_ms : list of (float, float)
        Latencies of image to gestures and image to bodies, over time.
    left_out_s : list of float
        Times of images without an answer about hands.
    duration_s : float
        From the first image to the end of the latest one; stamps may go back.
    """

    clip: ClipRecording
    hands: list[Track] = field(default_factory=list)
    bodies: list[Track] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    frame_count: int = 0
    processed_count: int = 0
    searched_count: int = 0
    gestures_ms: list[Point] = field(default_factory=list)
    bodies_ms: list[Point] = field(default_factory=list)
    left_out_s: list[float] = field(default_factory=list)
    duration_s: float = 0.0


def digest(clip: ClipRecording) -> Digest:
    """Read a clip's images once; where stamps go back, times occur again."""
    found = Digest(clip)
    hands, bodies, sampler, known = Tracks(), Tracks(), _Sampler(clip), Known()
    for frame in clip.frames:
        now_s = clip.seconds(frame.stamp_ns)
        known = known.after(frame)
        for hand in frame.hands or ():
            hands.add(now_s, hand.track_id, hand.handedness)
        for body in frame.bodies or ():
            bodies.add(now_s, body.track_id)
        if sampler.wants(frame):
            found.samples.append((frame, known))
        _count(found, frame, now_s)
    found.hands, found.bodies = hands.tracks(), bodies.tracks()
    found.samples.sort(key=lambda sample: sample[0].stamp_ns)
    return found


def _count(found: Digest, frame: RecordedFrame, now_s: float) -> None:
    found.frame_count += 1
    found.duration_s = max(found.duration_s, now_s + 1 / found.clip.fps)
    found.processed_count += frame.is_processed
    found.searched_count += frame.bodies is not None
    if frame.gestures_latency_ms is not None:
        found.gestures_ms.append((now_s, frame.gestures_latency_ms))
    if frame.bodies_latency_ms is not None:
        found.bodies_ms.append((now_s, frame.bodies_latency_ms))
    if not frame.is_processed:
        found.left_out_s.append(now_s)


class _Sampler:
    """Chooses all images of a short clip; of a long one some, and those with events."""

    def __init__(self, clip: ClipRecording) -> None:
        self._step = -(-len(clip.frames) // _MOST_SAMPLES)  # rounded up
        self._with_events = {event.stamp_ns for event in all_events(clip)}
        self._count = -1

    def wants(self, frame: RecordedFrame) -> bool:
        self._count += 1
        return self._count % self._step == 0 or frame.stamp_ns in self._with_events

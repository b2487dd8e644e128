"""A recorded clip with everything drawn that was known at each of its images."""

from collections.abc import Iterator

import cv2
import numpy as np

from ros2_hand_action.perception.drawing import draw_caption, draw_overlay
from ros2_hand_action.perception.records import GestureEvent, Phase
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame, active_events
from ros2_hand_action.replay.video import read_frames

_HOLD_NS = 250_000_000
"""How long an answer is shown while the images after it are left out."""

_NEWS_NS = 900_000_000
"""How long the start or end of a gesture is announced."""


def annotate(clip: ClipRecording) -> Iterator[tuple[RecordedFrame, np.ndarray]]:
    """Yield every image that was published, drawn on: uint8 (height, width, 3), BGR."""
    answered: RecordedFrame | None = None
    frames = {frame.index: frame for frame in clip.frames}
    for index, image in enumerate(read_frames(clip.video)):
        frame = frames.get(index)
        if frame is None:
            continue
        if frame.is_processed:
            answered = frame
        elif answered and frame.stamp_ns - answered.stamp_ns > _HOLD_NS:
            answered = None
        draw_frame(image, clip, frame, answered)
        yield frame, image


def draw_frame(
    image_bgr: np.ndarray,
    clip: ClipRecording,
    frame: RecordedFrame,
    answered: RecordedFrame | None,
) -> None:
    """Draw into one image of a clip; `answered` is the newest one whose answer is known."""
    hands = (answered.hands or ()) if answered else ()
    gestures = (answered.gestures or ()) if answered else ()
    active = active_events(clip, frame.stamp_ns)
    draw_overlay(image_bgr, hands, gestures, active, stamp_ns=frame.stamp_ns)
    name = clip.name.replace('_', ' ')
    draw_caption(image_bgr, f'{name}  {clip.seconds(frame.stamp_ns):4.1f} s')
    news = _newest_change(clip, frame.stamp_ns)
    if news:
        draw_caption(image_bgr, f'{news.phase.name} {news.label} {news.hand_id}', right=True)


def encode_jpeg(image_bgr: np.ndarray, *, width_px: int, quality: int = 82) -> bytes:
    """Return the image as JPEG, scaled down to a width where it is wider."""
    height, width = image_bgr.shape[:2]
    if width > width_px:
        size = (width_px, round(height * width_px / width))
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data.tobytes())


def _newest_change(clip: ClipRecording, stamp_ns: int) -> GestureEvent | None:
    changes = (
        recorded.event
        for recorded in reversed(clip.events)
        if recorded.event.phase is not Phase.HELD
        and 0 <= stamp_ns - recorded.event.stamp_ns < _NEWS_NS
    )
    return next(changes, None)

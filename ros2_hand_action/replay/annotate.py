"""A recorded clip with everything drawn that was known at each of its images."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from ros2_hand_action.perception.body_drawing import draw_bodies
from ros2_hand_action.perception.drawing import draw_caption, draw_overlay
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.history import (
    Event,
    active_actions,
    active_events,
    all_events,
    owner_id,
)
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame
from ros2_hand_action.replay.video import read_frames

_HOLD_NS = 250_000_000
"""How long an answer is shown while the images after it are left out."""

_NEWS_NS = 900_000_000
"""How long the start or end of a gesture is announced."""


def annotate(
    clip: ClipRecording, images: Iterable[np.ndarray] | None = None
) -> Iterator[tuple[RecordedFrame, np.ndarray]]:
    """Yield every image that was published, drawn on: uint8 (height, width, 3), BGR.

    Parameters
    ----------
    clip : ClipRecording
    images : Iterable[np.ndarray], optional
        All images of the clip in order, BGR, writable; by default those of `clip.video`.
    """
    hands: RecordedFrame | None = None
    bodies: RecordedFrame | None = None
    frames = {frame.index: frame for frame in clip.frames}
    for index, image in enumerate(read_frames(clip.video) if images is None else images):
        frame = frames.get(index)
        if frame is None:
            continue
        hands = _newest(hands, frame, frame.is_processed)
        bodies = _newest(bodies, frame, frame.bodies is not None)
        draw_frame(image, clip, frame, hands, bodies)
        yield frame, image


def _newest(
    before: RecordedFrame | None, frame: RecordedFrame, is_answered: bool
) -> RecordedFrame | None:
    """Return the frame whose answer is shown: this one, or one of a moment ago."""
    if is_answered:
        return frame
    if before is not None and frame.stamp_ns - before.stamp_ns <= _HOLD_NS:
        return before
    return None


def draw_frame(
    image_bgr: np.ndarray,
    clip: ClipRecording,
    frame: RecordedFrame,
    hands: RecordedFrame | None,
    bodies: RecordedFrame | None,
) -> None:
    """Draw into one image of a clip; `hands` and `bodies` are the newest frames with such."""
    stamp_ns = frame.stamp_ns
    if bodies is not None:
        doing = active_actions(clip, stamp_ns)
        draw_bodies(
            image_bgr, bodies.bodies or (), bodies.actions or (), doing, stamp_ns=stamp_ns
        )
    found = (hands.hands or (), hands.gestures or ()) if hands else ((), ())
    draw_overlay(image_bgr, *found, active_events(clip, stamp_ns), stamp_ns=stamp_ns)
    name = clip.name.replace('_', ' ')
    draw_caption(image_bgr, f'{name}  {clip.seconds(stamp_ns):4.1f} s')
    news = _newest_change(clip, stamp_ns)
    if news:
        draw_caption(image_bgr, f'{news.phase.name} {news.label} {owner_id(news)}', right=True)


def encode_jpeg(image_bgr: np.ndarray, *, width_px: int, quality: int = 82) -> bytes:
    """Return the image as JPEG, scaled down to a width where it is wider."""
    height, width = image_bgr.shape[:2]
    if width > width_px:
        size = (width_px, round(height * width_px / width))
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data.tobytes())


def _newest_change(clip: ClipRecording, stamp_ns: int) -> Event | None:
    changes = [
        event
        for event in all_events(clip)
        if event.phase is not Phase.HELD and 0 <= stamp_ns - event.stamp_ns < _NEWS_NS
    ]
    return changes[-1] if changes else None

"""A recorded clip with everything drawn that was known at each of its images."""

from collections.abc import Collection, Iterator

import cv2
import numpy as np

from ros2_hand_action.perception.body_drawing import draw_bodies
from ros2_hand_action.perception.drawing import draw_overlay
from ros2_hand_action.perception.drawing_text import TextLayer
from ros2_hand_action.perception.encodings import copy_as_bgr
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.history import (
    Event,
    Known,
    active_actions,
    active_events,
    all_events,
    owner_id,
)
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame

_NEWS_NS = 900_000_000
"""How long the start or end of a gesture or action is announced."""


def annotate(
    clip: ClipRecording, wanted: Collection[int] | None = None
) -> Iterator[tuple[RecordedFrame, np.ndarray | None]]:
    """Yield every image that was published, drawn on: uint8 (height, width, 3), BGR.

    Parameters
    ----------
    clip : ClipRecording
        Its images are read from its source once more.
    wanted : collection of int, optional
        Numbers of the images that are drawn, all if not given; None comes in place of others, and
        of those that cannot be used.
    """
    frames = iter(clip.frames)
    frame, known = next(frames, None), Known()
    with open_input(clip.video, clip.selection) as source:
        for image in source:
            while frame is not None and frame.index < image.index:
                frame = next(frames, None)
            if frame is None:
                return
            if frame.index > image.index:
                continue
            known = known.after(frame)
            canvas = None
            if image.frame is not None and (wanted is None or frame.index in wanted):
                canvas = copy_as_bgr(image.frame.pixels, image.frame.order)
                draw_frame(canvas, clip, frame, known)
            yield frame, canvas


def draw_frame(
    image_bgr: np.ndarray, clip: ClipRecording, frame: RecordedFrame, known: Known
) -> None:
    """Draw what is known into one image of a clip."""
    stamp_ns = frame.stamp_ns
    texts = TextLayer(image_bgr)
    doing = active_actions(clip, stamp_ns)
    draw_bodies(image_bgr, known.bodies, known.actions, doing, stamp_ns=stamp_ns, texts=texts)
    showing = active_events(clip, stamp_ns)
    draw_overlay(
        image_bgr, known.hands, known.gestures, showing, stamp_ns=stamp_ns, texts=texts
    )
    name = clip.name.replace('_', ' ')
    old = _describe_age(known, stamp_ns)
    texts.add_caption(f'{name}  {clip.seconds(stamp_ns):4.1f} s{old}')
    news = _newest_change(clip, stamp_ns)
    if news:
        text = f'{news.phase.name} {news.label} {owner_id(news)}'
        texts.add_caption(text, right=True)
    texts.draw()


def _describe_age(known: Known, stamp_ns: int) -> str:
    """Return how old what is drawn is; '' where it is the image's own."""
    shown = [
        ('hands', known.of_hands if known.hands else None),
        ('bodies', known.of_bodies if known.bodies else None),
    ]
    old = [
        f'{what} {(stamp_ns - frame.stamp_ns) / 1e9:.2f} s old'
        for what, frame in shown if frame is not None and frame.stamp_ns < stamp_ns
    ]
    return f'  ({", ".join(old)})' if old else ''


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

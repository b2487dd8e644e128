"""All clips drawn once: the annotated video, its small copy, and pictures for the report."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.annotate import annotate, encode_jpeg
from ros2_hand_action.replay.clips import fit_into
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame, Recording
from ros2_hand_action.replay.report import KeyPicture
from ros2_hand_action.replay.timeline import side
from ros2_hand_action.replay.video import VideoWriter

VIDEO_FPS = 25.0
_SIZE_PX = (960, 540)
_PREVIEW_SIZE_PX = (426, 240)
_PREVIEW_STEP = 2
_PICTURE_WIDTH_PX = 560
_PICTURES_PER_CLIP = 4
_SURROUNDINGS = 6.0
"""A picture is so many times as large as its hand, and at least _SMALLEST_CROP of the image."""
_SMALLEST_CROP = 0.5


class _Moment(NamedTuple):
    """What is worth a picture."""

    title: str
    detail: str
    hand_id: str = ''


def render(
    recording: Recording, folder: Path, *, on_frame: Callable[[], object] = lambda: None
) -> tuple[list[KeyPicture], bytes]:
    """Write annotated.mp4 into a folder; return pictures and a small WebM copy of the video.

    Clips of another rate than VIDEO_FPS are brought to it by leaving out or repeating images.
    The copy is empty where OpenCV cannot write WebM.
    """
    width_px, height_px = _SIZE_PX
    pictures: list[KeyPicture] = []
    with VideoWriter(
        folder / 'annotated.mp4', width_px=width_px, height_px=height_px, fps=VIDEO_FPS
    ) as video, _Preview(folder) as preview:
        for clip in recording.clips:
            moments = _choose_moments(clip)
            written = 0
            for frame, image in annotate(clip):
                on_frame()
                if frame.index in moments:
                    pictures.append(_take_picture(image, frame, moments[frame.index]))
                due = int(clip.seconds(frame.stamp_ns) * VIDEO_FPS + 0.5) + 1
                canvas = fit_into(image, width_px, height_px)
                for _ in range(written, due):
                    video.write(canvas)
                    preview.write(canvas)
                written = max(written, due)
    return pictures, preview.data


class _Preview:
    """The small copy: every second image, as WebM; `data` holds it once closed."""

    def __init__(self, folder: Path) -> None:
        self.data = b''
        self._path = folder / '.preview.webm'
        self._count = 0
        self._writer: VideoWriter | None = None
        width_px, height_px = _PREVIEW_SIZE_PX
        fps = VIDEO_FPS / _PREVIEW_STEP
        with suppress(MediaError):  # an OpenCV built without VP8
            self._writer = VideoWriter(
                self._path, width_px=width_px, height_px=height_px, fps=fps
            )

    def write(self, image: np.ndarray) -> None:
        if self._writer and self._count % _PREVIEW_STEP == 0:
            self._writer.write(fit_into(image, *_PREVIEW_SIZE_PX))
        self._count += 1

    def __enter__(self) -> '_Preview':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is None:
            return
        self._writer.__exit__(kind, error, trace)
        if self._path.exists():
            self.data = self._path.read_bytes()
            self._path.unlink()


def _take_picture(image: np.ndarray, frame: RecordedFrame, moment: _Moment) -> KeyPicture:
    """Return the surroundings of the moment's hand, or the whole image."""
    for hand in frame.hands or ():
        if hand.track_id == moment.hand_id:
            image = crop_around(image, hand.box_px)
    jpeg = encode_jpeg(image, width_px=_PICTURE_WIDTH_PX)
    return KeyPicture(jpeg, moment.title, moment.detail)


def crop_around(image: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """Return the part of an image, of its shape, that shows a hand and where it belongs."""
    height_px, width_px = image.shape[:2]
    xmin, ymin, xmax, ymax = box_px.tolist()
    share = max((xmax - xmin) / width_px, (ymax - ymin) / height_px) * _SURROUNDINGS
    share = min(max(share, _SMALLEST_CROP), 1.0)
    width, height = round(width_px * share), round(height_px * share)
    left = min(max(round((xmin + xmax - width) / 2), 0), width_px - width)
    top = min(max(round((ymin + ymax - height) / 2), 0), height_px - height)
    return image[top : top + height, left : left + width]


def _choose_moments(clip: ClipRecording) -> dict[int, _Moment]:
    """Return image number -> moment: where gestures started, else where most hands are."""
    name = clip.name.replace('_', ' ')
    started = [r.event for r in clip.events if r.event.phase is Phase.STARTED]
    moments = {}
    for event in started[:_PICTURES_PER_CLIP]:
        index = next((f.index for f in clip.frames if f.stamp_ns >= event.stamp_ns), None)
        if index is not None:
            hand = f'{side(event.handedness)} hand {event.hand_id}'.strip()
            detail = f'{hand}, {name} at {clip.seconds(event.stamp_ns):.1f} s'
            moments[index] = _Moment(f'{event.label} begins', detail, event.hand_id)
    if moments or not clip.frames:
        return moments
    best = max(clip.frames, key=lambda frame: len(frame.hands or ()))
    count = len(best.hands or ())
    title = f'{count} hand{"" if count == 1 else "s"} in view' if count else 'no hand found'
    return {best.index: _Moment(title, f'{name} at {clip.seconds(best.stamp_ns):.1f} s')}

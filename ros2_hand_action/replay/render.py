"""All clips drawn once: the annotated video, and pictures for the report."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from ros2_hand_action.replay.annotate import annotate, encode_jpeg
from ros2_hand_action.replay.clips import fit_into
from ros2_hand_action.replay.history import Known
from ros2_hand_action.replay.moments import (
    choose_moments,
    choose_stills,
    crop_to,
    still_step_s,
)
from ros2_hand_action.replay.recording import ClipRecording, RecordedFrame, Recording
from ros2_hand_action.replay.report import KeyPicture, Pictures, Still
from ros2_hand_action.replay.report_data import find_range_m
from ros2_hand_action.replay.space_view import SpaceView
from ros2_hand_action.replay.video import VideoWriter

VIDEO_FPS = 25.0
_SIZE_PX = (960, 540)
_SPACE_WIDTH_PX = 320
_MOMENT_WIDTH_PX = 480
_STILL_WIDTH_PX = 640
_STILL_QUALITY = 70


@dataclass
class _Drawn:
    """The pictures of one clip, as they come."""

    moments: list[KeyPicture]
    stills: list[Still]


def render(
    recording: Recording,
    video_folder: Path | None = None,
    *,
    on_frame: Callable[[], object] = lambda: None,
) -> Pictures:
    """Return the pictures for the report; read from the clips' sources once more.

    Parameters
    ----------
    recording : Recording
    video_folder : Path, optional
        Where annotated.mp4 is written; without it no video is made, and only the images that the
        report shows are drawn. Clips of another rate than VIDEO_FPS are brought to it by leaving
        out or repeating images.
    on_frame : callable
        Called for each image.
    """
    step_s = still_step_s(recording)
    moments: list[KeyPicture] = []
    stills: list[tuple[Still, ...]] = []
    with ExitStack() as stack:
        film = stack.enter_context(_Film(video_folder)) if video_folder else None
        for number, clip in enumerate(recording.clips):
            drawn = _draw_clip(clip, number, step_s, film, on_frame)
            moments += drawn.moments
            stills.append(tuple(drawn.stills))
    return Pictures(tuple(moments), tuple(stills))


def _draw_clip(
    clip: ClipRecording,
    number: int,
    step_s: float,
    film: '_Film | None',
    on_frame: Callable[[], object],
) -> _Drawn:
    drawn = _Drawn([], [])
    moments, stills = choose_moments(clip), choose_stills(clip, step_s=step_s)
    if film:
        film.begin(clip)
    for frame, image in annotate(clip, None if film else stills | moments.keys()):
        on_frame()
        if image is None:
            continue
        time_s = clip.seconds(frame.stamp_ns)
        if frame.index in moments:
            moment = moments[frame.index]
            jpeg = encode_jpeg(crop_to(image, moment, frame), width_px=_MOMENT_WIDTH_PX)
            drawn.moments.append(KeyPicture(jpeg, moment.title, moment.detail, number, time_s))
        if frame.index in stills:
            jpeg = encode_jpeg(image, width_px=_STILL_WIDTH_PX, quality=_STILL_QUALITY)
            drawn.stills.append(Still(jpeg, time_s))
        if film:
            film.show(image, frame)
    return drawn


class _Film:
    """annotated.mp4: the images, and beside them the bodies in space."""

    def __init__(self, folder: Path) -> None:
        width_px, height_px = _SIZE_PX
        self._video = VideoWriter(
            folder / 'annotated.mp4', width_px=width_px + _SPACE_WIDTH_PX, height_px=height_px,
            fps=VIDEO_FPS,
        )

    def begin(self, clip: ClipRecording) -> None:
        """Begin with the next clip."""
        self._clip, self._written, self._known = clip, 0, Known()
        bodies = [body for frame in clip.frames for body in frame.bodies or ()]
        self._space = SpaceView(
            find_range_m(bodies), width_px=_SPACE_WIDTH_PX, height_px=_SIZE_PX[1]
        ) if bodies else None

    def show(self, image: np.ndarray, frame: RecordedFrame) -> None:
        """Append an image as often as its time asks for."""
        self._known = self._known.after(frame)
        due = int(self._clip.seconds(frame.stamp_ns) * VIDEO_FPS + 0.5) + 1
        if due > self._written:
            canvas = self._compose(image)
            for _ in range(self._written, due):
                self._video.write(canvas)
            self._written = due

    def _compose(self, image: np.ndarray) -> np.ndarray:
        width_px, height_px = _SIZE_PX
        if self._space is None:
            return fit_into(image, width_px + _SPACE_WIDTH_PX, height_px)
        space = self._space.draw(self._known.bodies)
        return np.hstack([fit_into(image, width_px, height_px), space])

    def __enter__(self) -> '_Film':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._video.__exit__(kind, error, trace)

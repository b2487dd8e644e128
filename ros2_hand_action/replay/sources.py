"""Videos, folders of pictures and cameras as sequences of frames with stamps."""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import cv2
import numpy as np

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.frame import Frame, PixelOrder

PICTURE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.webp')

DEFAULT_PICTURE_RATE_HZ = 10.0
"""Pictures carry no rate of their own."""

_LOST_FRAMES_RATIO = 0.1
"""Containers only estimate their number of frames; more missing than this is damage."""

_Source = TypeVar('_Source', bound='FrameSource')


class FrameSource(ABC):
    """A sequence of frames; iterate over it once.

    Attributes
    ----------
    name : str
        What was opened.
    rate_hz : float
        Frames per second, nominal.
    frame_count : int
        Frames that there should be; 0 is unknown.
    is_live : bool
        Whether frames come when the camera takes them. Their stamps are then times since 1970,
        else times since the first frame.
    """

    name: str
    rate_hz: float
    frame_count: int = 0
    is_live: bool = False

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; raises MediaError where one cannot be read."""

    def close(self) -> None:  # noqa: B027  pictures have nothing to free
        """Free the file or device; may be called again."""

    def __enter__(self: _Source) -> _Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_source(
    source: str | Path, *, rate_hz: float = 0.0, width_px: int = 0
) -> FrameSource:
    """Open a video file, a picture, a folder of pictures or a camera.

    Parameters
    ----------
    source : str or Path
        A path, or a camera: its index such as '0', or its device such as '/dev/video0'.
    rate_hz : float
        Frames per second instead of the source's own; 0 keeps that.
    width_px : int
        Width to which the frames are scaled; 0 leaves them as they are.

    Raises
    ------
    MediaError
        If there is no such source, or it cannot be opened; says what is wrong with it.
    """
    opened = _open(str(source), rate_hz)
    return ScaledSource(opened, width_px=width_px) if width_px else opened


def _open(name: str, rate_hz: float) -> FrameSource:
    if not name:
        raise MediaError("source is '': name a video, a folder of pictures or a camera")
    if name.isdecimal() or re.fullmatch(r'/dev/video\d+', name):
        return CameraSource(name, rate_hz=rate_hz)
    path = Path(name).expanduser()
    if path.is_dir():
        return PictureSource(_list_pictures(path), name=name, rate_hz=rate_hz)
    if not path.is_file():
        raise MediaError(f'no such video, picture or folder: {name!r}')
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureSource([path], name=name, rate_hz=rate_hz)
    return VideoSource(path, rate_hz=rate_hz)


class ScaledSource(FrameSource):
    """Another source's frames, scaled to one width; closes that source."""

    def __init__(self, source: FrameSource, *, width_px: int) -> None:
        self.name, self.rate_hz, self.is_live = source.name, source.rate_hz, source.is_live
        self.frame_count = source.frame_count
        self._source = source
        self._width_px = width_px

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            height_px = max(round(frame.height_px * self._width_px / frame.width_px), 1)
            size = (self._width_px, height_px)
            pixels = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA)
            yield Frame(pixels, frame.order, frame.stamp_ns)

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class PictureSource(FrameSource):
    """Pictures one after the other, in the order of their names (2 before 10)."""

    def __init__(self, paths: list[Path], *, name: str, rate_hz: float = 0.0) -> None:
        self.name = name
        self.rate_hz = rate_hz or DEFAULT_PICTURE_RATE_HZ
        self.frame_count = len(paths)
        self._paths = paths

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            yield Frame(_read_picture(path), PixelOrder.BGR, round(index * 1e9 / self.rate_hz))


class VideoSource(FrameSource):
    """The frames of a video file."""

    def __init__(self, path: Path, *, rate_hz: float = 0.0) -> None:
        self.name = str(path)
        self._capture = cv2.VideoCapture(self.name)
        if not self._capture.isOpened():
            raise MediaError(
                f'{self.name!r} cannot be opened as a video: it is damaged, cut off or of a kind '
                'that OpenCV does not read (check it with: ffprobe FILE)'
            )
        self._own_rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        if not 0 < self._own_rate_hz < 1000:
            self._own_rate_hz = DEFAULT_PICTURE_RATE_HZ
        self.frame_count = max(round(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        self._keeps_rate = not rate_hz
        self.rate_hz = rate_hz or self._own_rate_hz

    def __iter__(self) -> Iterator[Frame]:
        count, media_ns = 0, 0
        while True:
            read, pixels = self._capture.read()
            if not read:
                break
            media_ns = self._stamp_ns(count, media_ns)
            yield Frame(pixels, PixelOrder.BGR, media_ns)
            count += 1
        self._check_complete(count)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _stamp_ns(self, count: int, before_ns: int) -> int:
        """Return the file's own time of a frame where it grows, else one by the rate."""
        by_rate_ns = round(count * 1e9 / self.rate_hz)
        if not self._keeps_rate or count == 0:
            return by_rate_ns
        own_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return own_ns if own_ns > before_ns else before_ns + round(1e9 / self.rate_hz)

    def _check_complete(self, count: int) -> None:
        if count == 0:
            raise MediaError(f'{self.name!r} holds no frame that can be read: it is damaged')
        promised = self.frame_count
        if promised - count > max(2, _LOST_FRAMES_RATIO * promised):
            raise MediaError(
                f'{self.name!r} is damaged or cut off: it promises {promised} frames, '
                f'only {count} could be read'
            )


class CameraSource(FrameSource):
    """The frames of a camera, stamped when they arrive."""

    is_live = True

    def __init__(self, name: str, *, rate_hz: float = 0.0) -> None:
        self.name = name
        index = int(re.sub(r'\D', '', name))
        self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            raise MediaError(
                f'camera {name!r} cannot be opened: is it plugged in (ls /dev/video*), used by '
                'another program, and may this user read it (groups: video)?'
            )
        if rate_hz:
            self._capture.set(cv2.CAP_PROP_FPS, rate_hz)
        self.rate_hz = self._capture.get(cv2.CAP_PROP_FPS) or rate_hz

    def __iter__(self) -> Iterator[Frame]:
        while True:
            read, pixels = self._capture.read()
            if not read:
                raise MediaError(f'camera {self.name!r} gives no more images: was it unplugged?')
            yield Frame(pixels, PixelOrder.BGR, time.time_ns())

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


def holds_pictures(folder: Path) -> bool:
    """Return whether a folder holds files with names of pictures."""
    return any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.iterdir())


def _list_pictures(folder: Path) -> list[Path]:
    paths = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES]
    if not paths:
        raise MediaError(
            f'folder {str(folder)!r} holds no picture ({", ".join(PICTURE_SUFFIXES)})'
        )
    return sorted(paths, key=natural_key)


def natural_key(path: Path) -> list[tuple[int, str]]:
    """Return what sorts paths by the numbers in their names."""
    parts = re.split(r'(\d+)', path.name)
    return [(int(part), '') if part.isdecimal() else (-1, part) for part in parts]


def _read_picture(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise MediaError(f'{str(path)!r} cannot be read as a picture: it is damaged or no picture')
    return pixels

"""Reading and writing video files with OpenCV's own FFmpeg."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from ros2_hand_action.errors import ImageError, MediaError

SUFFIX, CODEC = '.mp4', 'mp4v'
"""OpenCV's FFmpeg is free of GPL parts, so it has no H.264 encoder; MPEG-4 part 2 is written fast,
and players know it, but browsers do not."""


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """Yield the images of a video: uint8 (height, width, 3), blue, green, red.

    Raises
    ------
    MediaError
        If the file cannot be opened, or holds no image.
    """
    capture = cv2.VideoCapture(str(path))
    count = 0
    try:
        while True:
            read, image = capture.read()
            if not read:
                break
            count += 1
            yield image
    finally:
        capture.release()
    if not count:
        raise MediaError(f'no image can be read from the video {str(path)!r}')


class VideoWriter:
    """Writes a video, complete or not at all: the file appears on `close`.

    Parameters
    ----------
    path : Path
        Ends with SUFFIX.
    width_px, height_px : int
        Of every image; even, as codecs ask for.
    fps : float

    Raises
    ------
    MediaError
        If OpenCV cannot write such a file there.
    """

    def __init__(self, path: Path, *, width_px: int, height_px: int, fps: float) -> None:
        if path.suffix != SUFFIX or width_px % 2 or height_px % 2:
            raise MediaError(
                f'cannot write {width_px}x{height_px} into {str(path)!r}: sizes must be even, '
                f'the name must end with {SUFFIX!r}'
            )
        self._path = path
        self._part = path.with_name(f'.{path.stem}.part{SUFFIX}')
        self._shape = (height_px, width_px, 3)
        self._count = 0
        code = cv2.VideoWriter.fourcc(*CODEC)
        self._writer = cv2.VideoWriter(
            str(self._part), cv2.CAP_FFMPEG, code, fps, (width_px, height_px)
        )
        if not self._writer.isOpened():
            raise MediaError(f'OpenCV cannot write {str(path)!r}: is the folder writable?')

    def write(self, image_bgr: np.ndarray) -> None:
        """Append an image; raises ImageError where its size differs."""
        if image_bgr.shape != self._shape or image_bgr.dtype != np.uint8:
            raise ImageError(
                f'video takes uint8 {self._shape}, got {image_bgr.dtype} {image_bgr.shape}'
            )
        self._writer.write(image_bgr)
        self._count += 1

    def close(self) -> None:
        """Finish the file and put it in its place.

        Raises
        ------
        MediaError
            If not all images are in it, as on a full disk, of which OpenCV says nothing.
        """
        self._writer.release()
        try:
            if self._count:
                self._check_whole()
            if self._part.exists():
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

    def _check_whole(self) -> None:
        capture = cv2.VideoCapture(str(self._part), cv2.CAP_FFMPEG)
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if found != self._count:
            raise MediaError(
                f'cannot write {str(self._path)!r}: {found} of {self._count} images are in it; '
                'make room on the disk'
            )

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.release()
            self._part.unlink(missing_ok=True)

"""The demo's clips, made from real media that `hand-action models fetch --media` brings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.video import VideoWriter, read_frames

WIDTH_PX = 960
HEIGHT_PX = 540
"""Size of all clips: the hands of people who stand 4 m away have about 30 pixels."""

_PAN_FPS = 25.0
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class DemoClip:
    """One clip of the demo.

    Attributes
    ----------
    media : str
        Its name in config/media.yaml, and the clip's name.
    begin_s, seconds : float
        The part of the video that is shown.
    pan : tuple of (float, float, float)
        For a photo: where the camera looks, as (time in seconds, centre x in pixels of the photo,
        width of its view in the same); empty for a video.
    has_people : bool
        Whether whole people are in view, so that it is worth to look for bodies.
    """

    media: str
    begin_s: float
    seconds: float
    pan: tuple[tuple[float, float, float], ...] = ()
    has_people: bool = True


# The five hands of the photo, showing 1 to 5, have their centres at x = 73, 152, 224, 295, 390.
_PAN = (
    (0.0, -140.0, 240.0),
    (1.5, 73.0, 240.0),
    (3.0, 152.0, 240.0),
    (4.5, 160.0, 270.0),
    (6.5, 340.0, 270.0),
    (7.5, 390.0, 240.0),
    (9.0, 395.0, 240.0),
    (10.5, 620.0, 240.0),
)

CLIPS = (
    DemoClip('five_hands', 0.0, 10.5, _PAN, has_people=False),
    DemoClip('jumping_jacks', 0.0, 8.0),
    DemoClip('walking_man', 0.0, 6.0),
    DemoClip('walking_woman', 1.5, 5.0),
)


def prepare_clip(
    clip: DemoClip,
    source: Path,
    target: Path,
    *,
    seconds: float | None = None,
    on_frame: Callable[[], object] = lambda: None,
) -> tuple[int, float]:
    """Write a clip as a video of WIDTH_PX x HEIGHT_PX at its own pace.

    Parameters
    ----------
    source : Path
        The photo or video.
    target : Path
        An .mp4.
    seconds : float, optional
        Longest duration.
    on_frame : callable, optional
        Called after each image.

    Returns
    -------
    tuple of (int, float)
        Number of images, and images per second.

    Raises
    ------
    MediaError
        If the source cannot be read, or ends before the clip begins.
    """
    length_s = clip.seconds if seconds is None else min(clip.seconds, seconds)
    fps = _PAN_FPS if clip.pan else _frame_rate(source)
    images = (
        pan_over(source, clip.pan, fps)
        if clip.pan
        else _cut(read_frames(source), round(clip.begin_s * fps))
    )
    count = 0
    with VideoWriter(target, width_px=WIDTH_PX, height_px=HEIGHT_PX, fps=fps) as writer:
        for image in images:
            writer.write(fit_into(image, WIDTH_PX, HEIGHT_PX))
            on_frame()
            count += 1
            if count >= length_s * fps:
                break
        if not count:  # inside, so that no file is left
            raise MediaError(f'{str(source)!r} ends before {clip.begin_s!r} s: fetch it again')
    return count, fps


def pan_over(
    photo: Path, keyframes: tuple[tuple[float, float, float], ...], fps: float
) -> Iterator[np.ndarray]:
    """Yield what a camera sees that moves over a photo lying on white paper.

    Raises
    ------
    MediaError
        If the photo cannot be read.
    """
    image = cv2.imread(str(photo), cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError(f'the photo {str(photo)!r} cannot be read: fetch it again')
    times_s, centres_px, widths_px = np.array(keyframes).T
    for now_s in np.arange(0.0, times_s[-1], 1 / fps):
        index = int(np.searchsorted(times_s, now_s, side='right')) - 1
        part = (now_s - times_s[index]) / (times_s[index + 1] - times_s[index])
        eased_s = times_s[index] + (times_s[index + 1] - times_s[index]) * _ease(part)
        centre_px = float(np.interp(eased_s, times_s, centres_px))
        scale = WIDTH_PX / float(np.interp(eased_s, times_s, widths_px))
        shift_x = WIDTH_PX / 2 - centre_px * scale
        shift_y = HEIGHT_PX / 2 - image.shape[0] / 2 * scale
        matrix = np.array([[scale, 0.0, shift_x], [0.0, scale, shift_y]])
        yield cv2.warpAffine(
            image, matrix, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_CUBIC, borderValue=_WHITE
        )


def fit_into(image: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """Return the image scaled to fit, centred on black; the same one where it fits already."""
    height, width = image.shape[:2]
    if (width, height) == (width_px, height_px):
        return image
    scale = min(width_px / width, height_px / height)
    size = (min(round(width * scale), width_px), min(round(height * scale), height_px))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, size, interpolation=smooth)
    top, left = (height_px - size[1]) // 2, (width_px - size[0]) // 2
    bottom, right = height_px - size[1] - top, width_px - size[0] - left
    return cv2.copyMakeBorder(scaled, top, bottom, left, right, cv2.BORDER_CONSTANT)


def _ease(part: float) -> float:
    """Return a smooth start and stop of a movement from 0 to 1."""
    return part * part * (3 - 2 * part)


def _frame_rate(video: Path) -> float:
    capture = cv2.VideoCapture(str(video))
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    capture.release()
    if not 1 <= fps <= 240:
        raise MediaError(f'the video {str(video)!r} cannot be read, it claims {fps!r} images/s')
    return fps


def _cut(images: Iterator[np.ndarray], first: int) -> Iterator[np.ndarray]:
    for index, image in enumerate(images):
        if index >= first:
            yield image

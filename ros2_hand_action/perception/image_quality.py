"""Whether an image is good enough to see hands in: light, contrast, sharpness.

Cheap enough to look at a live camera with: a few rows and one channel, no copy of the image.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from ros2_hand_action.perception.frame import Frame

_PIXELS = 12_000
"""Pixels looked at in rows, and as many in columns."""
_CHANNEL = 1  # green, in either order
_LAG_PX = 4

DARK, BRIGHT = 35.0, 225.0
"""Mean brightness, 0 to 255, below and above which hands are hard to see."""
FLAT = 8.0
"""Standard deviation below which there is nothing to see: a covered lens, fog."""
BLURRED = 0.33
"""Sharpness below which an image is blurred; docs/diagnostics.md says how that was measured."""
_WINDOW = 5
_GRID_PX = 16
"""Every so many pixels in either direction one is compared with the last image's."""


@dataclass(frozen=True)
class ImageQuality:
    """What a few rows of an image tell.

    Attributes
    ----------
    brightness, contrast : float
        Mean and standard deviation of the pixels, 0 to 255.
    sharpness : float
        Mean squared difference of neighbours over that of pixels 4 apart, times 4, of rows or
        columns, the smaller one: 0.25 where all changes are gradual, 1 for steps, 4 for noise;
        NaN where nothing differs.
    fingerprint : int
        Equal for equal pixels.
    """

    brightness: float
    contrast: float
    sharpness: float
    fingerprint: int


def measure_quality(frame: Frame) -> ImageQuality:
    """Return the quality of an image; one of 4 pixels or fewer either way has no sharpness."""
    grey = frame.pixels if frame.pixels.ndim == 2 else frame.pixels[..., _CHANNEL]
    down = max(frame.height_px * frame.width_px // _PIXELS, 1)
    rows = np.ascontiguousarray(grey[down // 2::down])
    columns = np.ascontiguousarray(grey[:, down // 2::down].T)
    return ImageQuality(
        brightness=float(rows.mean()),
        contrast=float(rows.std()),
        sharpness=min(_measure_sharpness(rows), _measure_sharpness(columns)),
        fingerprint=hash(rows.tobytes()),
    )


def _measure_sharpness(lines: np.ndarray) -> float:
    """Return the sharpness along lines (n, length) of pixels."""
    values = lines.astype(np.float32)
    far = (values[:, _LAG_PX:] - values[:, :-_LAG_PX]).ravel()
    near = (values[:, 1:] - values[:, :-1]).ravel()
    energy = float(far @ far)
    if not energy:
        return float('nan')
    return _LAG_PX * float(near @ near) / near.size * far.size / energy


class QualityWatch:
    """Tells what is wrong with the images of a stream, once most of the newest show it."""

    def __init__(self) -> None:
        self._newest: deque[ImageQuality] = deque(maxlen=_WINDOW)

    @property
    def newest(self) -> ImageQuality | None:
        """The newest measurement."""
        return self._newest[-1] if self._newest else None

    def observe(self, quality: ImageQuality) -> str:
        """Take a measurement; returns what is wrong and what to do, '' if nothing is."""
        self._newest.append(quality)
        if len(self._newest) < _WINDOW:
            return ''
        brightness, contrast, sharpness = np.median(  # NaN is not below anything
            [(q.brightness, q.contrast, q.sharpness) for q in self._newest], axis=0
        )
        if brightness < DARK:
            return (
                f'too dark (mean {brightness:.0f} of 255); with a camera: more light, or longer '
                'exposure'
            )
        if brightness > BRIGHT:
            return (
                f'too bright (mean {brightness:.0f} of 255); with a camera: shorter exposure, no '
                'light behind'
            )
        if contrast < FLAT:
            return f'nothing to see (contrast {contrast:.1f} of 255): is the lens covered?'
        if len({each.fingerprint for each in self._newest}) == 1:
            return 'the image does not change: has the camera frozen?'
        if sharpness < BLURRED:
            return (
                f'blurred (sharpness {sharpness:.2f}); with a camera: clean the lens, focus, hold '
                'it still'
            )
        return ''


class FreezeWatch:
    """Tells when new images bring the old pixels, as from a driver that repeats its last one.

    A camera's noise changes some of the pixels looked at in every image, however still the scene.

    Parameters
    ----------
    timeout_ns : int
        The same pixels for so long, by the stamps, are a frozen camera; 0 is never.
    """

    def __init__(self, timeout_ns: int) -> None:
        self._timeout_ns = timeout_ns
        self._pixels: np.ndarray = np.empty(0, np.uint8)
        self._since_ns = 0

    def is_frozen(self, frame: Frame) -> bool:
        """Take an image; returns whether it and those before it are one."""
        if not self._timeout_ns:
            return False
        pixels = frame.pixels[::_GRID_PX, ::_GRID_PX]
        if frame.stamp_ns < self._since_ns or not np.array_equal(pixels, self._pixels):
            self._pixels, self._since_ns = pixels.copy(), frame.stamp_ns
        return frame.stamp_ns - self._since_ns >= self._timeout_ns

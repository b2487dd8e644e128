"""Benchmark frames: real hands cut from the five-hand photo, moving over a noisy wall."""

from pathlib import Path

import cv2
import numpy as np

HAND_COLUMNS_PX = ((375, 440), (130, 180), (200, 250), (260, 325))
"""Where four of the photo's hands lie: open palm first, as it is the easiest to track."""

SIZES_PX = ((320, 240), (640, 480), (1280, 720))
FRAME_RATE_HZ = 30.0


def make_clip(photo: Path, size_px: tuple[int, int], hands: int, frames: int) -> np.ndarray:
    """Return a clip of `hands` moving hands.

    Parameters
    ----------
    photo : Path
        `gestures.png` of the package gestureproj: five hands on white.
    size_px : tuple[int, int]
        Width and height of the clip.
    hands : int
        0 to 4.
    frames : int
        Number of frames at `FRAME_RATE_HZ`.

    Returns
    -------
    np.ndarray
        uint8 (frames, height, width, 3), RGB.
    """
    width, height = size_px
    cutouts = [_cut_hand(photo, columns, height) for columns in HAND_COLUMNS_PX[:hands]]
    generator = np.random.default_rng(0)  # sensor noise, so that no two frames are equal
    clip = np.empty((frames, height, width, 3), np.uint8)
    for index in range(frames):
        image = np.full((height, width, 3), 225, np.float32)
        for slot, cutout in enumerate(cutouts):
            _paste(image, cutout, slot, len(cutouts), index / FRAME_RATE_HZ)
        noise = generator.normal(0, 2, (height, width, 1)).astype(np.float32)
        np.clip(image + noise, 0, 255, out=image)
        clip[index] = image
    return clip


def _cut_hand(photo: Path, columns_px: tuple[int, int], height: int) -> np.ndarray:
    image = cv2.imread(str(photo), cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit(f'cannot read {str(photo)!r}; run `hand-action models fetch --media`')
    hand = cv2.cvtColor(image[:118, slice(*columns_px)], cv2.COLOR_BGR2RGB)
    scale = 0.4 * height / hand.shape[0]
    return cv2.resize(hand, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _paste(image: np.ndarray, cutout: np.ndarray, slot: int, count: int, time_s: float) -> None:
    """Put a hand at its place of the moment: each slot sways around the middle of its column."""
    height, width = image.shape[:2]
    rows, columns = cutout.shape[:2]
    sway_px = 0.05 * height
    x_px = int((slot + 0.5) * width / count - columns / 2 + sway_px * np.sin(2.2 * time_s + slot))
    y_px = int(0.35 * height + sway_px * np.cos(1.7 * time_s + slot))
    x_px = min(max(x_px, 0), width - columns)
    region = image[y_px:y_px + rows, x_px:x_px + columns]
    np.multiply(region, cutout / np.float32(255), out=region)  # white paper takes the wall's tone

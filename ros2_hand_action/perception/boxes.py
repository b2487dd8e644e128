"""Boxes in pixels."""

import math

import numpy as np

from ros2_hand_action.errors import ImageError


def touched_pixels(box_px: np.ndarray) -> tuple[int, int, int, int]:
    """Return x, y, width, height of the whole pixels that a box (4,) touches.

    Raises
    ------
    ImageError
        If it is not finite.
    """
    corners = box_px.tolist()
    if not all(map(math.isfinite, corners)):
        raise ImageError(f'box is {box_px!r}, not finite')
    left, top = (max(math.floor(value), 0) for value in corners[:2])
    right, bottom = (math.ceil(value) for value in corners[2:])
    return left, top, max(right - left, 0), max(bottom - top, 0)

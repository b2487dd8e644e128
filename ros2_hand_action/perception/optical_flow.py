"""Optical flow between the images of a clip, and as 8-bit images, which networks learn from."""

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from ros2_hand_action.errors import ImageError

_SMALLEST_PX = 12
"""DIS needs room for its patches."""


class OpticalFlow(Protocol):
    """How far each pixel moves from one image to the next.

    A Jetson's hardware flow (VPI, NVOF) fits behind it as well as OpenCV.
    """

    def compute(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the motion of each pixel.

        Parameters
        ----------
        before, after : np.ndarray
            uint8 (height, width), grey.

        Returns
        -------
        np.ndarray
            float32 (height, width, 2): x to the right and y down, pixels.
        """


class DisFlow:
    """OpenCV's dense inverse search (Kroeger et al., ECCV 2016) on the CPU.

    Not safe for calls from two threads at once.
    """

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def compute(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the motion; raises ImageError where the images do not fit together."""
        if before.shape != after.shape or before.ndim != 2 or before.dtype != np.uint8:
            raise ImageError(
                f'optical flow needs two grey uint8 images of one size, got {before.shape} '
                f'{before.dtype} and {after.shape} {after.dtype}'
            )
        if min(before.shape) < _SMALLEST_PX:
            raise ImageError(f'optical flow needs {_SMALLEST_PX} pixels a side: {before.shape}')
        # no third argument to begin from; OpenCV's types do not know that
        flow: np.ndarray = self._search.calc(before, after, None)  # type: ignore[call-overload]
        return flow


def flow_images(flow: OpticalFlow, clip: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the motion from each image of a clip to the next as images.

    Parameters
    ----------
    flow : OpticalFlow
    clip : Sequence[np.ndarray]
        uint8 (height, width, 3), RGB, all of one size; at least two.

    Returns
    -------
    list of np.ndarray
        One fewer, uint8 (height, width, 2): see `encode_flow`.
    """
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in clip]
    return [encode_flow(flow.compute(*pair)) for pair in zip(grey[:-1], grey[1:])]


def encode_flow(flow_px: np.ndarray) -> np.ndarray:
    """Return a flow field (height, width, 2) as NVIDIA's training images, uint8.

    128 is rest; the longest vector of the image, at least 1 px, reaches the end of the range
    (`max_rad_grayscale` in NVIDIA-AI-IOT/tao_toolkit_recipes, convert_of.py).
    """
    largest_px = max(1.0, float(np.sqrt(np.square(flow_px).sum(axis=-1).max())))
    return np.asarray(flow_px * (127.999 / largest_px) + 128, np.uint8)

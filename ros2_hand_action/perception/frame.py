"""One camera image as the perception code sees it."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ros2_hand_action.errors import ImageError


class PixelOrder(Enum):
    """Meaning of an image's last axis; colour is reordered on small crops, never on the frame."""

    RGB = 'rgb'
    BGR = 'bgr'
    MONO = 'mono'


@dataclass(frozen=True)
class Frame:
    """An image and the moment it was taken.

    Attributes
    ----------
    pixels : np.ndarray
        uint8, (height, width, 3) for RGB and BGR, (height, width) for MONO. It may be a
        read-only view of a message's buffer with padded rows: never write to it.
    order : PixelOrder
        Meaning of the last axis.
    stamp_ns : int
        Acquisition time in nanoseconds of the camera's clock.

    Raises
    ------
    ImageError
        If `pixels` is not a non-empty uint8 array of the shape that `order` asks for.
    """

    pixels: np.ndarray
    order: PixelOrder
    stamp_ns: int = 0

    def __post_init__(self) -> None:
        expected = '(height, width)' if self.order is PixelOrder.MONO else '(height, width, 3)'
        wanted_ndim = 2 if self.order is PixelOrder.MONO else 3
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8:
            raise ImageError(f'image has dtype {self.pixels.dtype}, expected uint8')
        if len(shape) != wanted_ndim or (wanted_ndim == 3 and shape[2] != 3):
            raise ImageError(f'{self.order.value} image has shape {shape}, expected {expected}')
        if 0 in shape:
            raise ImageError(f'image has no pixels: shape {shape}')

    @property
    def width_px(self) -> int:
        """Number of columns."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Number of rows."""
        return int(self.pixels.shape[0])

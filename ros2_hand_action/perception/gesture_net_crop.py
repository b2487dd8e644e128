"""What GestureNet looks at: an upright region around each hand, as NVIDIA's programs cut it.

Two programs of NVIDIA's feed the same network differently, so both are presets:
deepstream_tao_apps (commit 68cd1eb, configs/nvinfer/gesture_tao/gesture_sgie_config.txt) and
gesture_recognition_tlt_deepstream (its Triton configuration). NVIDIA's training
(`convert_bbox_square: true`, `bbox_enlarge_ratio: 1.1`) agrees with the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.regions import clip_boxes

SIDE_PX = 160
"""Side of the network's square input."""

TRAINED_ENLARGEMENT = 1.1
"""Side of NVIDIA's training crops, in the longer side of the hand's box."""


@dataclass(frozen=True)
class CropPreset:
    """How a hand becomes the network's input: (pixel - offset) * scale of RGB.

    Attributes
    ----------
    offset, scale : float
    margin : float
        The box grows by so much of the image's width on every side.
    enlargement : float
        Side of the square around what has become of the box, in its longer side; 0 leaves it
        as it is.
    is_centred : bool
        Where the crop, scaled to fit with its aspect kept, lies in the black square: in the
        middle, or in the top left corner. Only what is inside the image is in the crop.
    threshold : float
        Probability below which a gesture counts as none.
    """

    offset: float
    scale: float
    margin: float
    enlargement: float
    is_centred: bool
    threshold: float

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """Return uint8 RGB pixels as the network takes them, float32 of the same shape."""
        values: np.ndarray = (pixels - np.float32(self.offset)) * np.float32(self.scale)
        return values


PRESETS = {
    'deepstream': CropPreset(
        offset=128.0, scale=1 / 256, margin=0.0, enlargement=TRAINED_ENLARGEMENT,
        is_centred=True, threshold=0.0,
    ),
    'triton': CropPreset(
        offset=0.0, scale=1 / 255, margin=200 / 1280, enlargement=0.0,
        is_centred=False, threshold=0.5,
    ),
}
"""By the program that has it."""


def find_regions(boxes_px: np.ndarray, frame: Frame, preset: CropPreset) -> np.ndarray:
    """Return what is cut around boxes (n, 4), as int (n, 4): xmin, ymin, xmax, ymax in the image.

    Boxes count in whole pixels, as messages hold them: nodes and replay see the same. A region
    without a pixel inside the image, as of a box that is not finite, is all zero.
    """
    boxes = np.asarray(boxes_px, np.float64).reshape(-1, 4)
    usable = np.asarray(np.isfinite(boxes).all(axis=1, keepdims=True))
    known = np.where(usable, boxes, 0)
    low, high = np.floor(known[:, :2]), np.ceil(known[:, 2:])
    half = (high - low) / 2 + preset.margin * frame.width_px
    if preset.enlargement:
        half = np.repeat(half.max(axis=1, keepdims=True) * preset.enlargement, 2, axis=1)
    centers = (low + high) / 2
    regions = clip_boxes(np.concatenate([centers - half, centers + half], axis=1), frame)
    rounded = np.where(usable, regions, 0).round().astype(int)
    rounded[(rounded[:, 2:] <= rounded[:, :2]).any(axis=1)] = 0
    return rounded


def write_hand_crops(
    frame: Frame, regions_px: Sequence[Sequence[int]] | np.ndarray, preset: CropPreset,
    blob: np.ndarray,
) -> None:
    """Cut regions out of a frame as the network takes them.

    Parameters
    ----------
    frame : Frame
    regions_px : np.ndarray
        int (n, 4), inside the image: from `find_regions`. An empty one is black.
    preset : CropPreset
    blob : np.ndarray
        float32 (n, 3, SIDE_PX, SIDE_PX), overwritten.
    """
    for (xmin, ymin, xmax, ymax), planes in zip(regions_px, blob, strict=True):
        planes[:] = -preset.offset * preset.scale
        if xmax <= xmin:
            continue
        crop = fit_square(frame.pixels[ymin:ymax, xmin:xmax], SIDE_PX)
        height, width = crop.shape[:2]
        free = np.array([SIDE_PX - height, SIDE_PX - width])
        top, left = free // 2 if preset.is_centred else (0, 0)
        colours = crop[None] if frame.order is PixelOrder.MONO else crop.transpose(2, 0, 1)
        rgb = colours[::-1] if frame.order is PixelOrder.BGR else colours
        planes[:, top:top + height, left:left + width] = preset.normalize(rgb)


def fit_square(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return pixels scaled so that their longer side is `side`, by bilinear interpolation."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)

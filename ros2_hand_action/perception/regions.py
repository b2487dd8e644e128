"""Rotated square regions of an image: where networks look, and the way back to the image.

A set of regions is a float64 array (n, 4): centre x and y in pixels of the full image, side in
pixels, and rotation in radians, clockwise as seen on the screen, by which the region's own up
direction is turned away from the image's up direction. Pixel coordinates have the centre of the
top left pixel at (0.5, 0.5).
"""

import math

import cv2
import numpy as np

from ros2_hand_action.perception.frame import Frame, PixelOrder

_SCALE = np.float32(1 / 255)
_MIN_SIZE_PX = 1e-3


def crop_to_image_matrices(regions_px: np.ndarray, crop_size: int) -> np.ndarray:
    """Return (n, 2, 3) matrices that map a point of the crop (x, y, 1) to the full image."""
    matrices = [_crop_to_image_matrix(region, crop_size) for region in regions_px.tolist()]
    return np.array(matrices, np.float64).reshape(-1, 2, 3)


def _crop_to_image_matrix(region_px: list[float], crop_size: int) -> tuple[float, ...]:
    """Return a region's matrix by rows, in plain Python: numpy's calls take longer than this."""
    x, y, size, rotation = region_px
    scale, half = max(size, _MIN_SIZE_PX) / crop_size, crop_size / 2
    cos, sin = scale * math.cos(rotation), scale * math.sin(rotation)
    return cos, -sin, x - half * (cos - sin), sin, cos, y - half * (sin + cos)


def crop_to_image(
    points_crop: np.ndarray, regions_px: np.ndarray, crop_size: int
) -> np.ndarray:
    """Map points of crops, (n, k, 2), to the full image, (n, k, 2); both in pixels."""
    matrices = crop_to_image_matrices(regions_px, crop_size)
    return points_crop @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]


def rotate_points(points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Turn the x, y of points (n, k, 2 or 3) by the regions' `rotation` (n,), z unchanged."""
    cos, sin = np.cos(rotation)[:, None], np.sin(rotation)[:, None]
    turned = points.copy()
    turned[..., 0] = cos * points[..., 0] - sin * points[..., 1]
    turned[..., 1] = sin * points[..., 0] + cos * points[..., 1]
    return turned


def write_crops(
    frame: Frame, regions_px: np.ndarray, blob: np.ndarray, *, border: int = cv2.BORDER_CONSTANT
) -> None:
    """Cut regions out of a frame, writing them as RGB in 0..1 into `blob`.

    Only the pixels of the regions are read.

    Parameters
    ----------
    frame : Frame
    regions_px : np.ndarray
        (n, 4) regions.
    blob : np.ndarray
        float32 (n, 3, side, side), overwritten.
    border : int
        OpenCV's border mode for what lies outside the image: black unless told.
    """
    side = blob.shape[-1]
    matrices = crop_to_image_matrices(regions_px, side)
    # cv2 counts from the centre of the top left pixel, here (0.5, 0.5).
    matrices[:, :, 2] += 0.5 * (matrices[:, :, 0] + matrices[:, :, 1]) - 0.5
    for matrix, planes in zip(matrices, blob, strict=True):
        crop = cv2.warpAffine(
            frame.pixels, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        )
        write_planes(crop, frame.order, planes)


def write_planes(crop: np.ndarray, order: PixelOrder, planes: np.ndarray) -> None:
    """Write a uint8 crop as RGB planes in 0..1 into `planes`, float32 (3, height, width)."""
    if order is PixelOrder.MONO:
        np.multiply(crop, _SCALE, out=planes[0])
        planes[1:] = planes[0]
        return
    channels = crop.transpose(2, 0, 1)
    np.multiply(channels[::-1] if order is PixelOrder.BGR else channels, _SCALE, out=planes)


def upright_rotation(bottom: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Return the rotation (n,) of regions in which `top` (n, 2) lies above `bottom` (n, 2)."""
    up = top - bottom
    return np.arctan2(up[:, 0], -up[:, 1])


def boxes_around(points_px: np.ndarray) -> np.ndarray:
    """Return boxes (n, 4) as xmin, ymin, xmax, ymax around points (n, k, 2 or more)."""
    xy = points_px[..., :2]
    return np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=1)


def clip_boxes(boxes_px: np.ndarray, frame: Frame) -> np.ndarray:
    """Return boxes (n, 4) clipped to the frame."""
    limits = (frame.width_px, frame.height_px, frame.width_px, frame.height_px)
    return np.clip(boxes_px, 0, limits)


def box_iou(boxes_a: np.ndarray, boxes_b: np.ndarray) -> np.ndarray:
    """Return the intersection over union (n, m) of boxes (n, 4) and (m, 4); 0 where empty."""
    shared = _intersections(boxes_a, boxes_b)
    return _divide(shared, _areas(boxes_a)[:, None] + _areas(boxes_b)[None] - shared)


def box_containment(boxes_a: np.ndarray, boxes_b: np.ndarray) -> np.ndarray:
    """Return the intersection over the smaller box, (n, m), of boxes (n, 4) and (m, 4)."""
    smaller = np.minimum(_areas(boxes_a)[:, None], _areas(boxes_b)[None])
    return _divide(_intersections(boxes_a, boxes_b), smaller)


def suppress(same: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the indices of the best of those that are the same, best score first.

    Parameters
    ----------
    same : np.ndarray
        bool (n, n): which pairs show the same thing.
    scores : np.ndarray
        (n,).
    """
    order = np.argsort(-scores, kind='stable')
    same = same[np.ix_(order, order)]
    alive = np.ones(len(order), bool)
    for place in range(len(order)):
        if alive[place]:
            alive[place + 1:] &= ~same[place, place + 1:]
    return order[alive]


def _areas(boxes: np.ndarray) -> np.ndarray:
    areas: np.ndarray = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return areas


def _intersections(boxes_a: np.ndarray, boxes_b: np.ndarray) -> np.ndarray:
    low = np.maximum(boxes_a[:, None, :2], boxes_b[None, :, :2])
    high = np.minimum(boxes_a[:, None, 2:], boxes_b[None, :, 2:])
    shared: np.ndarray = np.prod(np.maximum(high - low, 0), axis=2)
    return shared


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)

"""The camera as a geometry: from metres to pixels and back.

Pixels follow `perception.records`: the centre of the top left one is at (0.5, 0.5). OpenCV and
CameraInfo put it at (0, 0); the half pixel is added here and nowhere else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from ros2_hand_action.errors import ConfigError

DEFAULT_FOV_DEG = 60.0
"""Horizontal field of view assumed where nothing is known: that of a usual webcam."""

_UNDISTORT_STEPS = 20
_UNDISTORT_TOLERANCE = 1e-12
_PLUMB_BOB_SIZES = (0, 4, 5, 8, 12, 14)
_EQUIDISTANT_SIZE = 4


class DistortionModel(Enum):
    """How a lens bends rays. Values are CameraInfo's `distortion_model`."""

    PLUMB_BOB = 'plumb_bob'
    RATIONAL = 'rational_polynomial'
    EQUIDISTANT = 'equidistant'


_MODEL_NAMES = {
    '': DistortionModel.PLUMB_BOB,
    'plumb_bob': DistortionModel.PLUMB_BOB,
    'rational_polynomial': DistortionModel.RATIONAL,
    'equidistant': DistortionModel.EQUIDISTANT,
    'fisheye': DistortionModel.EQUIDISTANT,
}


@dataclass(frozen=True)
class CameraModel:
    """A calibrated camera that delivers images of one size.

    Attributes
    ----------
    width_px, height_px : int
        Size of the images.
    matrix : np.ndarray
        float64 (3, 3): focal lengths and principal point of those images, in pixels.
    distortion : np.ndarray
        float64 (n,): coefficients in OpenCV's order, n = 0, 4, 5, 8, 12 or 14 (4 if
        EQUIDISTANT).
    model : DistortionModel
    is_assumed : bool
        True if the camera is not calibrated and `matrix` stands on an assumed field of view:
        distances are then rough.
    """

    width_px: int
    height_px: int
    matrix: np.ndarray
    distortion: np.ndarray
    model: DistortionModel = DistortionModel.PLUMB_BOB
    is_assumed: bool = False

    def project(self, points_m: np.ndarray) -> np.ndarray:
        """Return the pixels (n, 2) of points (n, 3) in metres; NaN behind the camera."""
        points = np.asarray(points_m, np.float64).reshape(-1, 3)
        pixels = np.full((len(points), 2), np.nan)
        seen = points[:, 2] > 0
        if seen.any():
            pixels[seen] = self._distort(points[seen]) + 0.5
        return pixels

    def unproject(self, points_px: np.ndarray) -> np.ndarray:
        """Return rays (n, 3) of pixels (n, 2), scaled to z = 1; NaN where a pixel is NaN."""
        pixels = np.asarray(points_px, np.float64).reshape(-1, 2)
        rays = np.full((len(pixels), 3), np.nan)
        known = np.isfinite(pixels).all(axis=1)
        if known.any():
            rays[known, :2] = self._undistort(pixels[known] - 0.5)
            rays[known, 2] = 1.0
        return rays

    def _distort(self, points_m: np.ndarray) -> np.ndarray:
        zeros = np.zeros(3)
        if self.model is DistortionModel.EQUIDISTANT:
            pixels, _ = cv2.fisheye.projectPoints(
                points_m[:, None], zeros, zeros, self.matrix, self.distortion
            )
        else:
            pixels, _ = cv2.projectPoints(points_m, zeros, zeros, self.matrix, self.distortion)
        return np.asarray(pixels).reshape(-1, 2)

    def _undistort(self, pixels: np.ndarray) -> np.ndarray:
        if self.model is DistortionModel.EQUIDISTANT:
            rays = cv2.fisheye.undistortPoints(pixels[:, None], self.matrix, self.distortion)
        elif not self.distortion.size:
            return (pixels - self.matrix[:2, 2]) / self.matrix[[0, 1], [0, 1]]
        else:
            rays = self._undistort_exactly(pixels)
        return np.asarray(rays).reshape(-1, 2)

    def _undistort_exactly(self, pixels: np.ndarray) -> np.ndarray:
        """Invert the lens by fixed-point steps: OpenCV's own five leave pixels at the rim."""
        rays = cv2.undistortPoints(pixels[:, None], self.matrix, self.distortion).reshape(-1, 2)
        for _ in range(_UNDISTORT_STEPS):
            ahead = np.column_stack([rays, np.ones(len(rays))])
            error = (pixels - self._distort(ahead)) / self.matrix[[0, 1], [0, 1]]
            rays = rays + error
            if np.abs(error).max() < _UNDISTORT_TOLERANCE:
                break
        return rays


def make_camera(
    *,
    image_size: tuple[int, int],
    k: Sequence[float],
    d: Sequence[float] = (),
    distortion_model: str = 'plumb_bob',
    calibrated_size: tuple[int, int] = (0, 0),
    binning: tuple[int, int] = (0, 0),
    roi: tuple[int, int, int, int] = (0, 0, 0, 0),
    fallback_fov_deg: float = DEFAULT_FOV_DEG,
) -> CameraModel:
    """Return the camera that delivers the images, from the fields of a CameraInfo.

    The calibration belongs to the full sensor; images may be a window of it (`roi`), reduced
    (`binning`), and then resized (`image_size` differs from what follows from the others).

    Parameters
    ----------
    image_size, calibrated_size : tuple of int
        Width and height of the images, and of the calibration's (0, 0 = the same).
    k : sequence of float
        9 numbers, row by row; all zero = not calibrated.
    d : sequence of float
        Distortion coefficients; empty = none.
    distortion_model : str
        'plumb_bob', 'rational_polynomial', 'equidistant' ('fisheye'), '' = plumb_bob.
    binning : tuple of int
        Sensor pixels for one image pixel along x and y; 0 = 1.
    roi : tuple of int
        x offset, y offset, width and height on the full sensor; width or height 0 = all.
    fallback_fov_deg : float
        Horizontal field of view for a `k` of zero, degrees between 1 and 179.

    Raises
    ------
    ConfigError
        If a field cannot be used; the message names it.
    """
    width, height = image_size
    if len(k) != 9 or not np.isfinite(k).all():
        raise ConfigError(f'camera matrix k is {list(k)!r}, expected 9 finite numbers')
    if not any(k):
        return _assume_camera(width, height, fallback_fov_deg)
    model, distortion = _check_distortion(distortion_model, d)
    matrix = np.array(k, np.float64).reshape(3, 3)
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise ConfigError(f'camera matrix k is {list(k)!r}: focal lengths must be positive')
    left, top, roi_width, roi_height = roi
    full_width, full_height = (calibrated if calibrated else size for calibrated, size in zip(
        calibrated_size, (width * max(binning[0], 1), height * max(binning[1], 1))
    ))
    if not (roi_width and roi_height):
        left, top, roi_width, roi_height = 0, 0, full_width, full_height
    scale = np.array([width / roi_width, height / roi_height])  # binning and resizing in one
    scaled = matrix.copy()
    scaled[0] *= scale[0]
    scaled[1] *= scale[1]
    scaled[:2, 2] = (matrix[:2, 2] + 0.5 - (left, top)) * scale - 0.5
    return CameraModel(width, height, scaled, distortion, model)


def _assume_camera(width: int, height: int, fov_deg: float) -> CameraModel:
    if not 1 <= fov_deg <= 179:
        raise ConfigError(f'field of view is {fov_deg!r} degrees, choose between 1 and 179')
    focal_px = width / 2 / math.tan(math.radians(fov_deg) / 2)
    matrix = np.array([
        [focal_px, 0, width / 2 - 0.5], [0, focal_px, height / 2 - 0.5], [0, 0, 1],
    ])
    return CameraModel(width, height, matrix, np.zeros(0), is_assumed=True)


def _check_distortion(name: str, d: Sequence[float]) -> tuple[DistortionModel, np.ndarray]:
    if name not in _MODEL_NAMES:
        raise ConfigError(f'distortion model {name!r} is not one of {sorted(_MODEL_NAMES)}')
    model, distortion = _MODEL_NAMES[name], np.array(d, np.float64)
    sizes: tuple[int, ...] = _PLUMB_BOB_SIZES
    if model is DistortionModel.EQUIDISTANT:
        sizes = (0, _EQUIDISTANT_SIZE)
        distortion = distortion if distortion.size else np.zeros(_EQUIDISTANT_SIZE)
    if len(d) not in sizes or not np.isfinite(distortion).all():
        raise ConfigError(
            f'distortion d is {list(d)!r}, expected {" or ".join(map(str, sizes))} finite '
            f'numbers for {model.value!r}'
        )
    if model is not DistortionModel.EQUIDISTANT and not distortion.any():
        distortion = np.zeros(0)
    return model, distortion

"""Distances measured by a depth camera, at the joints of a body."""

from dataclasses import dataclass

import numpy as np

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.skeleton import KEYPOINTS

_MILLIMETRE = 1e-3
_SAMPLES = 7
"""Side of the grid of samples around a joint."""
_RADIUS_M = 0.04
"""Half the width of that grid: a limb's."""
_NEAR_PERCENTILE = 20
_LAYER_M = 0.12
"""Samples this far behind the near ones still lie on the limb."""
_TOLERANCE_M = 0.2
"""A joint's own distance is taken where it is this near to the body's."""
_LEAST_JOINTS = 3
_LEAST_CONFIDENCE = 0.3

_INSIDE_M = {
    'hip': 0.10, 'shoulder': 0.06, 'elbow': 0.04, 'wrist': 0.03, 'knee': 0.06, 'ankle': 0.04,
    'ear': 0.07, 'eye': 0.02, 'heel': 0.03, 'toe': 0.02, 'nose': 0.0,
}
"""How far a joint lies behind the skin that the camera sees: about half the limb."""

_DEPTH_BEHIND_SKIN_M = np.array([
    _INSIDE_M.get(name.split('_')[-1], 0.01) for name in KEYPOINTS
])
_COMPUTED = np.array([name in ('pelvis', 'torso', 'neck') for name in KEYPOINTS])

_ENCODINGS: dict[str, np.dtype] = {
    '16UC1': np.dtype(np.uint16), 'mono16': np.dtype(np.uint16), '32FC1': np.dtype(np.float32)
}
"""Encodings of depth images (REP 118), and mono16, which older drivers say for 16UC1."""


@dataclass(frozen=True)
class DepthImage:
    """A depth image registered to a colour image: same camera, same view, any size.

    Attributes
    ----------
    pixels : np.ndarray
        (height, width): uint16 in millimetres (16UC1, 0 = unknown) or float32 in metres
        (32FC1, NaN or 0 = unknown).
    stamp_ns : int

    Raises
    ------
    ImageError
        If `pixels` is neither.
    """

    pixels: np.ndarray
    stamp_ns: int = 0

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype not in (np.uint16, np.float32):
            raise ImageError(
                f'depth image is {self.pixels.dtype} {self.pixels.shape}, '
                'expected uint16 or float32 (height, width)'
            )
        if 0 in self.pixels.shape:
            raise ImageError(f'depth image has no pixels: shape {self.pixels.shape}')

    def sample(self, points_px: np.ndarray, radius_px: float) -> np.ndarray:
        """Return the distances (k, s) in metres on grids around points (k, 2), NaN = unknown."""
        steps = np.linspace(-radius_px, radius_px, _SAMPLES)
        offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        places = np.floor(np.nan_to_num(points_px[:, None] + offsets, nan=-1.0)).astype(int)
        height, width = self.pixels.shape
        inside = ((places >= 0) & (places < (width, height))).all(axis=-1)
        columns, rows = places[..., 0].clip(0, width - 1), places[..., 1].clip(0, height - 1)
        values = self.pixels[rows, columns].astype(np.float64)
        if self.pixels.dtype == np.uint16:
            values *= _MILLIMETRE
        return np.where(inside & np.isfinite(values) & (values > 0), values, np.nan)


def measure_joints(
    depth: DepthImage, keypoints_px: np.ndarray, *, image_size: tuple[int, int], limb_px: float
) -> np.ndarray:
    """Return the distances (34,) along z of the joints inside the body, NaN = not seen.

    Around each joint the nearest layer counts: beside a limb the depth image shows the wall.

    Parameters
    ----------
    depth : DepthImage
    keypoints_px : np.ndarray
        (34, 2) in pixels of the colour image.
    image_size : tuple of int
        Width and height of the colour image.
    limb_px : float
        Half the width of a limb in pixels of the colour image.
    """
    height, width = depth.pixels.shape
    scale = np.array([width / image_size[0], height / image_size[1]])
    samples = depth.sample(keypoints_px * scale, max(limb_px * float(scale[0]), 1.0))
    seen = np.isfinite(samples).sum(axis=1) >= _SAMPLES
    distances = np.full(len(keypoints_px), np.nan)
    if seen.any():
        near = np.nanpercentile(samples[seen], _NEAR_PERCENTILE, axis=1)[:, None]
        layer = np.where(samples[seen] <= near + _LAYER_M, samples[seen], np.nan)
        distances[seen] = np.nanmedian(layer, axis=1)
    distances[_COMPUTED] = np.nan
    return distances + _DEPTH_BEHIND_SKIN_M


def correct_by_depth(
    points_m: np.ndarray,
    keypoints_px: np.ndarray,
    confidence: np.ndarray,
    depth: DepthImage,
    *,
    image_size: tuple[int, int],
    focal_px: float,
) -> tuple[np.ndarray, float]:
    """Move a body to where the depth image shows it.

    The whole body is scaled about the camera by the median ratio of measured to assumed
    distance; a joint that is seen near there takes its own distance.

    Parameters
    ----------
    points_m : np.ndarray
        (34, 3): keypoints on their rays in the camera's frame.
    keypoints_px, confidence : np.ndarray
        (34, 2) and (34,).
    image_size : tuple of int
        Width and height of the colour image.
    focal_px : float
        Its focal length.

    Returns
    -------
    tuple of np.ndarray and float
        The points, and the factor by which the body is larger than assumed; the points as they
        came and NaN where the depth image shows too few joints.
    """
    ahead = points_m[:, 2][points_m[:, 2] > 0]
    if not len(ahead):
        return points_m, float('nan')
    measured = measure_joints(
        depth, keypoints_px, image_size=image_size,
        limb_px=_RADIUS_M * focal_px / float(np.median(ahead)),
    )
    usable = np.isfinite(measured) & (confidence >= _LEAST_CONFIDENCE) & (points_m[:, 2] > 0)
    if usable.sum() < _LEAST_JOINTS:
        return points_m, float('nan')
    factor = float(np.median(measured[usable] / points_m[usable, 2]))
    moved = points_m * factor
    own = usable & (np.abs(measured - moved[:, 2]) <= _TOLERANCE_M)
    moved[own] *= (measured[own] / moved[own, 2])[:, None]
    return moved, factor


def decode_depth(
    data: memoryview | bytes | bytearray,
    *,
    encoding: str,
    width_px: int,
    height_px: int,
    step: int,
    is_bigendian: bool = False,
) -> np.ndarray:
    """Return the pixels (height, width) of a depth image, a view of `data` where possible.

    Parameters
    ----------
    data : buffer of bytes
        `height_px` rows of `step` bytes.
    encoding : str
        '16UC1' (or 'mono16'), millimetres, or '32FC1', metres.
    step : int
        Bytes from one row to the next.

    Raises
    ------
    ImageError
        If the encoding is another, or the sizes do not fit each other and the data.
    """
    kind = _ENCODINGS.get(encoding)
    if kind is None:
        raise ImageError(
            f'depth encoding {encoding!r} cannot be read: publish 16UC1 (mm) or 32FC1 (m)'
        )
    row_bytes, size = width_px * kind.itemsize, len(memoryview(data))
    if width_px < 1 or height_px < 1 or step < row_bytes or size != height_px * step:
        raise ImageError(
            f'depth image of {width_px} x {height_px} {encoding} has step {step!r} and '
            f'{size!r} bytes, which do not fit: the driver must set them alike'
        )
    rows = np.frombuffer(data, np.uint8).reshape(height_px, step)[:, :row_bytes]
    stored = kind.newbyteorder('>' if is_bigendian else '<')
    return np.ascontiguousarray(rows).view(stored).astype(kind, copy=False)

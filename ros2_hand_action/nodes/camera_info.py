"""CameraInfo messages out of calibration files, or an honest guess."""

import math
from pathlib import Path
from typing import Any

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from sensor_msgs.msg import CameraInfo

from ros2_hand_action.errors import ConfigError


def guess_camera_info(*, width_px: int, height_px: int, field_of_view_deg: float) -> CameraInfo:
    """Return an undistorted camera of a horizontal field of view, centred, with square pixels."""
    focal_px = width_px / (2 * math.tan(math.radians(field_of_view_deg) / 2))
    cx, cy = width_px / 2, height_px / 2
    return CameraInfo(
        width=width_px,
        height=height_px,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[focal_px, 0.0, cx, 0.0, focal_px, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[focal_px, 0.0, cx, 0.0, 0.0, focal_px, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def load_camera_info(url: str) -> CameraInfo:
    """Return the calibration in a YAML file of the package camera_calibration.

    Parameters
    ----------
    url : str
        A path, file:///PATH or package://PACKAGE/PATH.

    Raises
    ------
    ConfigError
        If there is no such file, or it is no calibration.
    """
    path = _resolve(url)
    try:
        entries = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'calibration {url!r} cannot be read: {error}') from error
    try:
        return CameraInfo(
            width=int(entries['image_width']),
            height=int(entries['image_height']),
            distortion_model=str(entries['distortion_model']),
            d=_matrix(entries, 'distortion_coefficients', None),
            k=_matrix(entries, 'camera_matrix', 9),
            r=_matrix(entries, 'rectification_matrix', 9),
            p=_matrix(entries, 'projection_matrix', 12),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f'calibration {url!r} is not one of camera_calibration: {error!r}; '
            'make one with: ros2 run camera_calibration cameracalibrator'
        ) from error


def scale_camera_info(info: CameraInfo, *, width_px: int, height_px: int) -> CameraInfo:
    """Return the calibration of the same camera with its images scaled to another size.

    Raises
    ------
    ConfigError
        If the two sizes have different shapes: then it is another camera, or a crop.
    """
    if not info.width or not info.height:
        raise ConfigError(f'calibration has the size {info.width} x {info.height}')
    if abs(info.width * height_px - info.height * width_px) > max(width_px, height_px):
        raise ConfigError(
            f'calibration is of {info.width} x {info.height} images, but they are {width_px} x '
            f'{height_px}, which is another shape: calibrate this camera in this mode'
        )
    across, down = width_px / info.width, height_px / info.height
    rows = ((across,) * 3, (down,) * 3, (1.0,) * 3)
    k_scale = [scale for row in rows for scale in row]
    p_scale = [scale for row in rows for scale in (*row, row[0])]
    return CameraInfo(
        width=width_px,
        height=height_px,
        distortion_model=info.distortion_model,
        d=info.d,
        k=[value * scale for value, scale in zip(info.k, k_scale)],
        r=info.r,
        p=[value * scale for value, scale in zip(info.p, p_scale)],
    )


def _resolve(url: str) -> Path:
    if url.startswith('package://'):
        package, _, rest = url[len('package://'):].partition('/')
        try:
            return Path(get_package_share_directory(package)) / rest
        except (PackageNotFoundError, ValueError) as error:
            raise ConfigError(f'calibration {url!r} names no installed package') from error
    if url.startswith('file://'):
        url = url[len('file://'):]
    return Path(url).expanduser()


def _matrix(entries: dict[str, Any], name: str, size: int | None) -> list[float]:
    values = [float(value) for value in entries[name]['data']]
    if size is not None and len(values) != size:
        raise ValueError(f'{name} has {len(values)} values, not {size}')
    if not all(map(math.isfinite, values)):
        raise ValueError(f'{name} has a value that is no number')
    return values

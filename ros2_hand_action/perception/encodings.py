"""Camera images in the encodings that drivers publish, as the pixels that networks read.

The names are those of ROS (`sensor_msgs/image_encodings.hpp`); nothing here needs ROS. The three
usual ones are views of the given buffer; OpenCV converts the others.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.frame import PixelOrder

_JPEG_START, _JPEG_END = b'\xff\xd8', b'\xff\xd9'
_PNG_START, _PNG_END = b'\x89PNG', b'IEND'
_END_SEARCH_BYTES = 64
"""Cameras may append a few bytes, and any number of zeros, to a compressed image."""


@dataclass(frozen=True)
class _Layout:
    """How one encoding lies in memory; `convert` takes (rows, columns[, channels])."""

    channels: int
    order: PixelOrder
    convert: Callable[[np.ndarray], np.ndarray] | None = None
    bytes_per_value: int = 1
    rows_numerator: int = 2  # rows in memory per two rows of the image


def _by_opencv(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _reduce_to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """Scale so that the highest bit in use becomes bit 7: many cameras fill 10 or 12 of 16."""
    shift = max(int(pixels.max()).bit_length() - 8, 0)
    return (pixels >> shift).astype(np.uint8)


def _from_16_bit(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: cv2.cvtColor(_reduce_to_8_bit(pixels), code)


_RGB, _BGR, _MONO = PixelOrder.RGB, PixelOrder.BGR, PixelOrder.MONO

# OpenCV names a Bayer pattern by its second row, ROS by its first.
_BAYER = {
    'rggb': cv2.COLOR_BayerBG2BGR,
    'bggr': cv2.COLOR_BayerRG2BGR,
    'gbrg': cv2.COLOR_BayerGR2BGR,
    'grbg': cv2.COLOR_BayerGB2BGR,
}

_UYVY = _Layout(2, _BGR, _by_opencv(cv2.COLOR_YUV2BGR_UYVY))
_YUYV = _Layout(2, _BGR, _by_opencv(cv2.COLOR_YUV2BGR_YUY2))

_LAYOUTS = {
    'rgb8': _Layout(3, _RGB),
    'bgr8': _Layout(3, _BGR),
    'mono8': _Layout(1, _MONO),
    '8UC1': _Layout(1, _MONO),
    '8UC3': _Layout(3, _BGR),
    'rgba8': _Layout(4, _RGB, _by_opencv(cv2.COLOR_RGBA2RGB)),
    'bgra8': _Layout(4, _BGR, _by_opencv(cv2.COLOR_BGRA2BGR)),
    '8UC4': _Layout(4, _BGR, _by_opencv(cv2.COLOR_BGRA2BGR)),
    'mono16': _Layout(1, _MONO, _reduce_to_8_bit, 2),
    'rgb16': _Layout(3, _RGB, _reduce_to_8_bit, 2),
    'bgr16': _Layout(3, _BGR, _reduce_to_8_bit, 2),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    'nv12': _Layout(1, _BGR, _by_opencv(cv2.COLOR_YUV2BGR_NV12), rows_numerator=3),
    'nv21': _Layout(1, _BGR, _by_opencv(cv2.COLOR_YUV2BGR_NV21), rows_numerator=3),
    **{f'bayer_{key}8': _Layout(1, _BGR, _by_opencv(code)) for key, code in _BAYER.items()},
    **{f'bayer_{key}16': _Layout(1, _BGR, _from_16_bit(code), 2) for key, code in _BAYER.items()},
}

ENCODINGS = tuple(_LAYOUTS)
"""Every encoding that can be read."""


def decode_raw(
    data: memoryview | bytes | bytearray,
    *,
    encoding: str,
    width_px: int,
    height_px: int,
    step: int,
    is_bigendian: bool = False,
) -> tuple[np.ndarray, PixelOrder]:
    """Return an uncompressed image as uint8 pixels, (height, width, 3) or (height, width).

    Parameters
    ----------
    data : buffer of bytes
        `height_px` rows of `step` bytes; 3/2 as many rows for nv12 and nv21.
    encoding : str
        One of `ENCODINGS`. The pixels of rgb8, bgr8, mono8 and their aliases are a view of `data`.
    step : int
        Bytes from one row to the next.

    Raises
    ------
    ImageError
        If the encoding is not known, or the sizes do not fit each other and the data.
    """
    layout = _LAYOUTS.get(encoding)
    if layout is None:
        raise ImageError(
            f'image encoding {encoding!r} cannot be read: publish one of {", ".join(ENCODINGS)}'
        )
    rows = _check_sizes(layout, encoding, width_px, height_px, step, len(memoryview(data)))
    row_bytes = width_px * layout.channels * layout.bytes_per_value
    image = np.frombuffer(data, np.uint8).reshape(rows, step)[:, :row_bytes]
    if layout.bytes_per_value == 2:
        image = np.ascontiguousarray(image).view('>u2' if is_bigendian else '<u2')
        image = image.astype(np.uint16, copy=False)  # native byte order, for OpenCV
    if layout.channels > 1:
        image = image.reshape(rows, width_px, layout.channels)
    try:
        return (layout.convert(image) if layout.convert else image), layout.order
    except cv2.error as error:
        raise ImageError(
            f'{encoding} image of {width_px} x {height_px} cannot be converted: {error}'
        ) from error


def _check_sizes(
    layout: _Layout, encoding: str, width_px: int, height_px: int, step: int, size: int
) -> int:
    """Return the number of rows in memory; raise ImageError where the sizes do not fit."""
    if width_px < 1 or height_px < 1:
        raise ImageError(f'image has no pixels: width {width_px!r}, height {height_px!r}')
    row_bytes = width_px * layout.channels * layout.bytes_per_value
    if step < row_bytes:
        raise ImageError(
            f'image step {step!r} is less than the {row_bytes} bytes of '
            f'{width_px} {encoding} pixels: the driver must set step, width and encoding alike'
        )
    if height_px * layout.rows_numerator % 2:
        raise ImageError(f'{encoding} image has the odd height {height_px!r}')
    rows = height_px * layout.rows_numerator // 2
    if size != rows * step:
        raise ImageError(
            f'image holds {size!r} bytes, but {rows} rows of step {step} are {rows * step}'
        )
    return rows


def decode_compressed(
    data: memoryview | bytes | bytearray, *, image_format: str = ''
) -> tuple[np.ndarray, PixelOrder]:
    """Return a JPEG or PNG image as uint8 pixels (height, width, 3).

    Parameters
    ----------
    image_format : str
        `format` of a sensor_msgs/CompressedImage. Only 'compressed rgb' in it matters: such
        a sender has left the colours in the order of the network, not of the file.

    Raises
    ------
    ImageError
        If it is no such image, or it is cut off.
    """
    array = np.frombuffer(data, np.uint8)
    head = array[:4].tobytes()
    if head[:2] == _JPEG_START:
        _check_end(array, _JPEG_END, 'JPEG')
    elif head == _PNG_START:
        _check_end(array, _PNG_END, 'PNG')
    else:
        raise ImageError(
            f'compressed image of format {image_format!r} begins with {head!r}: '
            'neither JPEG nor PNG'
        )
    try:
        pixels = cv2.imdecode(array, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f'compressed image cannot be decoded: {error}') from error
    if pixels is None:
        raise ImageError(
            f'compressed image of format {image_format!r} and {array.size} bytes is damaged'
        )
    return pixels, PixelOrder.RGB if 'compressed rgb' in image_format else PixelOrder.BGR


def _check_end(array: np.ndarray, mark: bytes, name: str) -> None:
    """Raise ImageError unless the end mark is there: OpenCV invents the rest of a cut JPEG."""
    tail = array[-_END_SEARCH_BYTES:].tobytes()
    if mark not in tail:
        tail = array.tobytes().rstrip(b'\0')[-_END_SEARCH_BYTES:]
    if mark not in tail:
        raise ImageError(f'{name} image of {array.size} bytes is cut off: its end mark is missing')


def encode_jpeg(image_bgr: np.ndarray, *, quality: int) -> np.ndarray:
    """Return uint8 pixels (height, width, 3) as the bytes (n,) of a JPEG.

    Raises
    ------
    ImageError
        If OpenCV cannot encode them.
    """
    encoded, data = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise ImageError(f'image of shape {image_bgr.shape} cannot be encoded as JPEG')
    return data.reshape(-1)


def copy_as_bgr(pixels: np.ndarray, order: PixelOrder) -> np.ndarray:
    """Return a writable copy (height, width, 3) in the order blue, green, red."""
    if order is PixelOrder.BGR:
        return np.array(pixels, order='C')
    code = cv2.COLOR_GRAY2BGR if order is PixelOrder.MONO else cv2.COLOR_RGB2BGR
    return cv2.cvtColor(pixels, code)

"""Messages of bags to the records of the perception code, without ROS."""

from typing import Any

from rosbags.typesys import Stores, get_typestore

from ros2_hand_action.errors import ConfigError, ImageError
from ros2_hand_action.perception.camera import CameraModel, make_camera
from ros2_hand_action.perception.depth import DepthImage, decode_depth
from ros2_hand_action.perception.encodings import decode_compressed, decode_raw
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.replay.bag_topics import COMPRESSED_IMAGE

_SECOND_NS = 1_000_000_000


class MessageReader:
    """Reads the messages of sensor_msgs, which are the same in every ROS 2.

    Parameters
    ----------
    is_ros1 : bool
        Whether the bytes are those of ROS 1.
    """

    def __init__(self, *, is_ros1: bool) -> None:
        store = get_typestore(Stores.ROS1_NOETIC if is_ros1 else Stores.ROS2_HUMBLE)
        self._deserialize = store.deserialize_ros1 if is_ros1 else store.deserialize_cdr

    def read(self, data: bytes, kind: str) -> Any:
        """Return a message; raises ImageError where the bytes are none of this type."""
        try:
            return self._deserialize(data, kind)
        except Exception as error:  # rosbags raises whatever its parts raise on damaged bytes
            raise ImageError(f'{len(data)} bytes that are no {kind}: {error!r}') from error


def stamp_of(message: Any) -> int:
    """Return the header's stamp in nanoseconds; 0 where it is not set, or no time since 1970."""
    stamp = message.header.stamp
    if stamp.sec < 0 or not 0 <= stamp.nanosec < _SECOND_NS:
        return 0
    return int(stamp.sec) * _SECOND_NS + int(stamp.nanosec)


def frame_of(message: Any, kind: str, stamp_ns: int) -> Frame:
    """Return the image of a message; raises ImageError where it cannot be used."""
    if kind == COMPRESSED_IMAGE:
        pixels, order = decode_compressed(message.data.data, image_format=message.format)
    else:
        pixels, order = decode_raw(message.data.data, **_layout(message))
    return Frame(pixels, order, stamp_ns)


def depth_of(message: Any, stamp_ns: int) -> DepthImage:
    """Return the depth image of a message; raises ImageError where it is none."""
    return DepthImage(decode_depth(message.data.data, **_layout(message)), stamp_ns)


def camera_of(message: Any, image_size: tuple[int, int]) -> CameraModel | None:
    """Return the camera that delivers images of this size; None where it is not calibrated.

    Raises
    ------
    ConfigError
        If the message cannot be used; says which field.
    """
    k, d = (getattr(message, name, getattr(message, name.upper(), None)) for name in 'kd')
    if k is None or d is None:
        raise ConfigError('camera_info has no k or d')
    if not any(k):
        return None
    roi = message.roi
    return make_camera(
        image_size=image_size,
        k=list(k),
        d=list(d),
        distortion_model=message.distortion_model,
        calibrated_size=(message.width, message.height),
        binning=(message.binning_x, message.binning_y),
        roi=(roi.x_offset, roi.y_offset, roi.width, roi.height),
    )


def _layout(message: Any) -> dict[str, Any]:
    return {
        'encoding': message.encoding,
        'width_px': message.width,
        'height_px': message.height,
        'step': message.step,
        'is_bigendian': bool(message.is_bigendian),
    }

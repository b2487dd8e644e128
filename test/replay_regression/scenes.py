"""Bags of what a camera might see, written by code: hands of the demo's photo on a white wall.

A scene is a list of (stamp in seconds, picture). Nothing of it is kept in the repository.
"""

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from ros2_hand_action.models.store import media_path

WIDTH_PX, HEIGHT_PX = 480, 360
BEGIN_NS = 1_700_000_000 * 10**9
STORE = get_typestore(Stores.ROS2_HUMBLE)
IMAGE = 'sensor_msgs/msg/Image'
BLACK = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
WALL = np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8)

_HAND_COLUMNS = {'two': slice(125, 180), 'stop': slice(340, 440)}
"""Where the photo shows a hand with that gesture, in its pixels."""


def show(*hands, scale=1.6, is_mirrored=False):
    """Return a picture of hands, each (gesture, x of its centre in pixels), 170 px from above."""
    photo = cv2.imread(str(media_path('five_hands')))
    picture = WALL.copy()
    for gesture, x_px in hands:
        hand = cv2.resize(photo[:, _HAND_COLUMNS[gesture]], None, fx=scale, fy=scale)
        hand = hand[:, ::-1] if is_mirrored else hand
        left, top = x_px - hand.shape[1] // 2, 170 - hand.shape[0] // 2
        first, last = max(-left, 0), min(hand.shape[1], WIDTH_PX - left)
        if first < last:
            part = picture[top:top + hand.shape[0], left + first:left + last]
            np.minimum(part, hand[:, first:last], out=part)
    return picture


def shots(picture, begin_s, end_s, *, rate_hz=15):
    """Return a part of a scene in which the picture stays."""
    count = round((end_s - begin_s) * rate_hz)
    return [(begin_s + index / rate_hz, picture) for index in range(count)]


def write_scene(path, scene):
    """Write a bag; log times go on where stamps do not, as on a real machine."""
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection('/camera/image_raw', IMAGE, typestore=STORE)
        for index, (time_s, picture) in enumerate(scene):
            message = picture if isinstance(picture, bytes) else _serialize(time_s, picture)
            writer.write(connection, BEGIN_NS + index * 50_000_000, message)
    return path


def _serialize(time_s, picture):
    stamp = divmod(BEGIN_NS + round(time_s * 1e9), 10**9)
    header = STORE.types['std_msgs/msg/Header'](
        STORE.types['builtin_interfaces/msg/Time'](*stamp), 'camera')
    height, width = picture.shape[:2]
    message = STORE.types[IMAGE](
        header, height, width, 'bgr8', 0, 3 * width, np.ascontiguousarray(picture).reshape(-1))
    return bytes(STORE.serialize_cdr(message, IMAGE))

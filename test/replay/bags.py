"""Small bags written by code: grey images whose level tells them apart."""

import cv2
import numpy as np
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_HUMBLE)
ROS1_STORE = get_typestore(Stores.ROS1_NOETIC)
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
INFO = 'sensor_msgs/msg/CameraInfo'
WIDTH_PX, HEIGHT_PX = 64, 48
BEGIN_NS = 1_700_000_000_000_000_000
PERIOD_NS = 50_000_000
K = (60.0, 0.0, 32.0, 0.0, 60.0, 24.0, 0.0, 0.0, 1.0)


def header(stamp_ns, store=STORE, frame_id='camera'):
    stamp = store.types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
    kind = store.types['std_msgs/msg/Header']
    return kind(0, stamp, frame_id) if store is ROS1_STORE else kind(stamp, frame_id)


def image(stamp_ns, level, store=STORE, encoding='mono8'):
    pixels = np.full(WIDTH_PX * HEIGHT_PX, level % 256, np.uint8)
    return store.types[IMAGE](
        header(stamp_ns, store), HEIGHT_PX, WIDTH_PX, encoding, 0, WIDTH_PX, pixels
    )


def compressed(stamp_ns, level):
    _, data = cv2.imencode('.png', np.full((HEIGHT_PX, WIDTH_PX), level, np.uint8))
    return STORE.types[COMPRESSED](header(stamp_ns), 'mono8; png compressed', data.ravel())


def depth(stamp_ns, metres):
    pixels = np.full((HEIGHT_PX, WIDTH_PX), metres, np.float32)
    data = pixels.view(np.uint8).ravel()
    return STORE.types[IMAGE](
        header(stamp_ns), HEIGHT_PX, WIDTH_PX, '32FC1', 0, 4 * WIDTH_PX, data
    )


def camera_info(stamp_ns, k=K, store=STORE):
    roi = store.types['sensor_msgs/msg/RegionOfInterest'](0, 0, 0, 0, False)
    k = np.array(k, np.float64)
    return store.types[INFO](
        header(stamp_ns, store), HEIGHT_PX, WIDTH_PX, 'plumb_bob', np.zeros(5), k,
        np.eye(3).ravel(), np.zeros(12), 0, 0, roi,
    )


def stream(count, *, topic='/camera/image_raw', make=image, kind=IMAGE, period_ns=PERIOD_NS):
    """Return (topic, type, log time, message) of `count` messages; level n in the n-th."""
    stamps = [BEGIN_NS + index * period_ns for index in range(count)]
    return [(topic, kind, stamp, make(stamp, index)) for index, stamp in enumerate(stamps)]


def write_bag(path, messages, *, storage='MCAP', compression='NONE'):
    """Write a rosbag2 folder, with zstd of the whole FILE or of each MESSAGE, and return it."""
    writer = Ros2Writer(path, version=8, storage_plugin=StoragePlugin[storage])
    writer.set_compression(CompressionMode[compression], CompressionFormat.ZSTD)
    with writer:
        _write(writer, messages, STORE, STORE.serialize_cdr)
    return path


def write_ros1_bag(path, messages):
    with Ros1Writer(path) as writer:
        _write(writer, messages, ROS1_STORE, ROS1_STORE.serialize_ros1)
    return path


def join(path, parts):
    """Make one folder of bags, as a recorder does that splits its files."""
    import yaml

    path.mkdir()
    names = []
    for number, part in enumerate(parts):
        (file,) = (each for each in part.iterdir() if each.name != 'metadata.yaml')
        names.append(f'{path.name}_{number}{"".join(file.suffixes)}')
        file.rename(path / names[-1])
    content = yaml.safe_load((parts[0] / 'metadata.yaml').read_text())
    content['rosbag2_bagfile_information']['relative_file_paths'] = names
    (path / 'metadata.yaml').write_text(yaml.safe_dump(content))
    return path


def levels(source):
    """Return the level of each image of an input, None where it cannot be used."""
    return [None if each.frame is None else int(each.frame.pixels.flat[0]) for each in source]


def _write(writer, messages, store, serialize):
    connections = {}
    for topic, kind, log_ns, message in messages:
        if topic not in connections:
            connections[topic] = writer.add_connection(topic, kind, typestore=store)
        if message is not None:
            data = message if isinstance(message, bytes) else serialize(message, kind)
            writer.write(connections[topic], log_ns, bytes(data))

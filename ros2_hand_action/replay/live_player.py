"""A source published at its own pace, with the clock of its recording."""

import threading
import time
from collections.abc import Callable

import rclpy
from builtin_interfaces.msg import Time
from rclpy.context import Context
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Bool, Header

from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.replay.inputs import ReplayImage, ReplayInput

CLOCK = 'clock'
_CLOCK_PERIOD_S = 0.01
_LARGEST_LAG_S = 0.5
_POLL_S = 0.02
_DEPTH_ENCODINGS = {2: '16UC1', 4: '32FC1'}


class LivePlayer:
    """Publishes images, camera_info, depth and the clock of a source in a thread.

    All topics, the clock too, are under a namespace: no other node takes its time from a bag.

    Parameters
    ----------
    source : ReplayInput
    namespace : str
        Without a leading slash.
    rate : float
        Seconds of the source for a second.

    Attributes
    ----------
    sent_ns : dict of int to int
        Stamp of each image that was published -> time since 1970.
    indices : list of int
        Number in the source of each image that was published.
    size : tuple of (int, int)
        Width and height of the first image.
    error : Exception or None
        What ended the thread.
    """

    def __init__(self, source: ReplayInput, namespace: str, *, rate: float = 1.0) -> None:
        self._source, self._rate = source, rate
        self.sent_ns: dict[int, int] = {}
        self.indices: list[int] = []
        self.size = (0, 0)
        self.error: Exception | None = None
        self._halted = threading.Event()
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node('player', namespace=namespace, context=self._context)
        publish = self._node.create_publisher
        self._images = publish(Image, topics.IMAGE, topics.IMAGE_QOS)
        self._infos = publish(CameraInfo, topics.CAMERA_INFO, topics.IMAGE_QOS)
        self._depths = publish(Image, topics.DEPTH_IMAGE, topics.IMAGE_QOS)
        self._clock = publish(Clock, CLOCK, topics.DIAGNOSTICS_QOS)
        self._ended = publish(Bool, topics.SOURCE_ENDED, topics.LATCHED_QOS)
        self._ended.publish(Bool(data=False))
        self._thread = threading.Thread(target=self._run, name='player', daemon=True)

    def start(self, subscribers: int) -> None:
        """Play as soon as so many subscribe to the images."""
        self._subscribers = subscribers
        self._thread.start()

    def close(self) -> None:
        """End the thread and the node."""
        self._halted.set()
        if self._thread.is_alive():
            self._thread.join()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def __enter__(self) -> 'LivePlayer':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            if self._wait(lambda: self._images.get_subscription_count() >= self._subscribers):
                self._play()
        except Exception as error:  # told by the thread that waits for the images
            self.error = error
        self._ended.publish(Bool(data=True))

    def _wait(self, condition: Callable[[], bool]) -> bool:
        while not condition():
            if self._halted.wait(_POLL_S):
                return False
        return True

    def _play(self) -> None:
        begin_ns, begun_s = None, time.monotonic()
        for image in self._source:
            if image.frame is None:
                continue
            if begin_ns is None:
                begin_ns, begun_s = image.log_ns, time.monotonic()
            due_s = (image.log_ns - begin_ns) / 1e9 / self._rate
            while (left_s := begun_s + due_s - time.monotonic()) > 0:
                self._tell_time(image.log_ns - round(left_s * self._rate * 1e9))
                if self._halted.wait(min(left_s, _CLOCK_PERIOD_S)):
                    return
            if left_s < -_LARGEST_LAG_S:  # go on from here rather than in a burst
                begun_s -= left_s
            self._publish(image, image.frame)

    def _publish(self, image: ReplayImage, frame: Frame) -> None:
        if not any(self.size):
            self.size = (frame.width_px, frame.height_px)
        header = Header(stamp=stamp_from_ns(image.stamp_ns), frame_id=image.frame_id)
        self._tell_time(image.log_ns)
        if image.depth is not None:
            self._depths.publish(_depth_message(image.depth, image.frame_id))
        message = image_message(frame.pixels, frame.order, header)
        self.indices.append(image.index)
        self.sent_ns[image.stamp_ns] = time.time_ns()
        self._infos.publish(_camera_info(image.camera, frame, header))
        self._images.publish(message)

    def _tell_time(self, now_ns: int) -> None:
        self._clock.publish(Clock(clock=_time(now_ns)))


def _time(now_ns: int) -> Time:
    return stamp_from_ns(max(now_ns, 0))


def _depth_message(depth: DepthImage, frame_id: str) -> Image:
    height_px, width_px = depth.pixels.shape
    message = Image(
        header=Header(stamp=stamp_from_ns(depth.stamp_ns), frame_id=frame_id),
        encoding=_DEPTH_ENCODINGS[depth.pixels.itemsize],
        height=height_px, width=width_px, step=width_px * depth.pixels.itemsize,
    )  # fmt: skip
    message.data.frombytes(depth.pixels.tobytes())
    return message


def _camera_info(camera: CameraModel | None, frame: Frame, header: Header) -> CameraInfo:
    """Return the calibration for the image as it is published; K is zero where it is unknown."""
    info = CameraInfo(header=header, width=frame.width_px, height=frame.height_px)
    if camera is not None and not camera.is_assumed:
        info.k = [float(value) for value in camera.matrix.ravel()]
        info.d = [float(value) for value in camera.distortion]
        info.distortion_model = camera.model.value
    return info

"""Node: a video, a folder of pictures or a camera as images."""

import sys
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Bool, Header

from ros2_hand_action.errors import MediaError
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.camera_info import (
    guess_camera_info,
    load_camera_info,
    scale_camera_info,
)
from ros2_hand_action.nodes.conversions import (
    compressed_message,
    image_message,
    stamp_from_ns,
)
from ros2_hand_action.nodes.parameters import Change, NodeParameter
from ros2_hand_action.nodes.runner import run_node
from ros2_hand_action.nodes.statistics import RateMeter
from ros2_hand_action.perception.encodings import copy_as_bgr, encode_jpeg
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.replay.sources import FrameSource, open_source

_FIRST_MEDIA_STAMP_NS = 1_000_000_000
"""Media time of the first frame: a stamp of 0 means none."""

_LARGEST_LAG_S = 0.5
_RETRY_S = 2.0
_POLL_S = 0.02
_PEERS_DEADLINE_S = 60.0
_JOIN_S = 5.0


class VideoSourceNode(HandActionNode):
    """Publishes images and their CameraInfo at the rate of the source."""

    PARAMETERS = (
        NodeParameter(
            'source', '',
            'A video file, a picture, a folder of pictures, or a camera: its index or /dev/videoN',
        ),
        NodeParameter(
            'rate_hz', 0.0, "Images per second; 0 is the source's own, 10 for pictures (Hz)",
            low=0.0, high=1000.0,
        ),
        NodeParameter('loop', False, 'Begin again at the end'),
        NodeParameter('frame_id', 'camera', 'frame_id of the headers: the optical frame'),
        NodeParameter(
            'camera_info_url', '',
            'Calibration YAML of camera_calibration: path, file:// or package://; '
            'empty is a guess',
        ),
        NodeParameter(
            'field_of_view_deg', 60.0,
            'Horizontal field of view that the guess assumes (degrees)', low=1.0, high=179.0,
        ),
        NodeParameter(
            'width_px', 0, 'Width to which images are scaled; 0 is as they are (pixels)',
            low=0, high=16384,
        ),
        NodeParameter(
            'wait_for_subscribers', 1,
            'Begin when so many subscribe to the images and the other nodes of the same command '
            'work; 0 is at once',
            low=0, high=100,
        ),
        NodeParameter(
            'stamps', 'now',
            'Stamp images with the time at which they are published, or their time in the file '
            'plus 1 s', choices=('now', 'media'),
        ),
        NodeParameter(
            'jpeg_quality', 80, 'Quality of the compressed images', low=1, high=100,
            change=Change.ANY_TIME,
        ),
    )

    _calibration: CameraInfo | None
    _image_publisher: Publisher
    _compressed_publisher: Publisher
    _info_publisher: Publisher
    _ended_publisher: Publisher
    _thread: threading.Thread

    def __init__(self, name: str = 'video_source', **arguments: Any) -> None:
        self._source: FrameSource | None = None
        self._camera_info: CameraInfo | None = None
        self._halted = threading.Event()
        self._ended = threading.Event()
        self._rate = RateMeter()
        self._state = 'not started'
        self._problem = ''
        super().__init__(name, **arguments)

    @property
    def is_finished(self) -> bool:
        """Whether the source has come to its end."""
        return self._ended.is_set()

    @property
    def failure(self) -> str:
        """Why the source cannot be played, or not to its end; '' if it can."""
        return super().failure or self._problem

    def load(self) -> None:
        """Open the source and read the calibration, so that a wrong one is told at once."""
        self.when_unloaded(self._close_source)
        self._source = self._open()
        url = self.value('camera_info_url')
        self._calibration = load_camera_info(url) if url else None
        self._camera_info = None
        self._image_publisher = self.advertise(Image, topics.IMAGE, topics.IMAGE_QOS)
        self._compressed_publisher = self.advertise(
            CompressedImage,
            self.resolve_topic_name(topics.IMAGE) + topics.COMPRESSED_SUFFIX,
            topics.IMAGE_QOS,
        )
        self._info_publisher = self.advertise(CameraInfo, topics.CAMERA_INFO, topics.IMAGE_QOS)
        self._ended_publisher = self.advertise(Bool, topics.SOURCE_ENDED, topics.LATCHED_QOS)

    def start(self) -> None:
        """Begin to publish, from the beginning."""
        self._halted.clear()
        self._ended.clear()
        self._problem = ''
        self._ended_publisher.publish(Bool(data=False))
        self._thread = threading.Thread(target=self._run, name=f'{self.get_name()} player')
        self._thread.daemon = True  # a camera that hangs must not keep the process
        self.when_stopped(lambda: self._thread.join(_JOIN_S))
        self.when_stopped(self._halted.set)
        self._thread.start()

    def diagnose(self) -> DiagnosticStatus:
        """Report what is played and how fast."""
        level = DiagnosticStatus.ERROR if self._problem else DiagnosticStatus.OK
        values = {
            'source': self.value('source'),
            'rate (Hz)': self._rate.rate_hz(time.monotonic_ns()),
            'published': self._rate.count,
            'last error': self._problem,
        }
        return self.make_status(
            level, self._problem or self._state, values, hardware_id=str(self.value('source'))
        )

    def _open(self) -> FrameSource:
        return open_source(
            self.value('source'), rate_hz=self.value('rate_hz'), width_px=self.value('width_px')
        )

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def _run(self) -> None:
        """Play to the end; what goes wrong is reported, and ends a file but not a camera."""
        try:
            if self.value('wait_for_subscribers'):
                self._wait_for_peers()
                self._wait_for_subscribers()
            self._state = f'plays {self.value("source")}'
            while not self._halted.is_set():
                is_live = self._play_once()
                if not is_live and not self.value('loop'):
                    break
            if not self._halted.is_set():
                name, count = self.value('source'), self._rate.count
                self.get_logger().info(f'end of {name!r}: {count} images')
        except Exception as error:
            self._problem = self.problems.exception(f'{self.value("source")!r} ended', error)
        if not self._halted.is_set():
            self._state = 'ended'
            self._ended.set()
            self._ended_publisher.publish(Bool(data=True))

    def _wait_for_peers(self) -> None:
        """Wait for the nodes that start beside this one, each of which needs every image.

        Not after a restart: then each moment without images counts.
        """
        deadline_s = time.monotonic() + _PEERS_DEADLINE_S
        while not self.is_restarted and not self._halted.wait(_POLL_S):
            coming = ', '.join(each.get_name() for each in self.peers if each.is_coming)
            if not coming:
                return
            self._state = f'waits for {coming}'
            if time.monotonic() > deadline_s:
                self.problems.warning('peers', f'begins without {coming}: not ready yet')
                return

    def _wait_for_subscribers(self) -> None:
        wanted = self.value('wait_for_subscribers')
        self._state = f'waits for {wanted} subscriber(s) of {self._image_publisher.topic_name}'
        if self._count_subscribers() < wanted:
            self.get_logger().info(self._state)
        while self._count_subscribers() < wanted:
            if self._halted.wait(_POLL_S):
                return

    def _count_subscribers(self) -> int:
        publishers = (self._image_publisher, self._compressed_publisher)
        return sum(publisher.get_subscription_count() for publisher in publishers)

    def _play_once(self) -> bool:
        """Publish the source from its beginning to its end; returns whether it is a camera.

        A camera that is lost is waited for.
        """
        if self._source is None:
            self._source = self._open()
        source = self._source
        try:
            self._play(source)
            self._problem = ''
        except MediaError as error:
            if not source.is_live:
                raise
            self._problem = self.problems.exception('camera lost, trying again', error)
            self._halted.wait(_RETRY_S)
        finally:
            self._close_source()
        return source.is_live

    def _play(self, source: FrameSource) -> None:
        begun_s = time.monotonic()
        for frame in source:
            if not source.is_live:
                due_s = begun_s + frame.stamp_ns / 1e9
                late_s = time.monotonic() - due_s
                if late_s > _LARGEST_LAG_S:  # go on from here rather than in a burst
                    begun_s += late_s
                self._halted.wait(max(-late_s, 0))
            if self._halted.is_set():
                return
            self._publish(frame)

    def _publish(self, frame: Frame) -> None:
        stamp = self.get_clock().now().to_msg()
        if self.value('stamps') == 'media':
            stamp = stamp_from_ns(_FIRST_MEDIA_STAMP_NS + frame.stamp_ns)
        header = Header(stamp=stamp, frame_id=self.value('frame_id'))
        info = self._camera_info_of(frame)
        info.header = header
        self._info_publisher.publish(info)
        self._image_publisher.publish(image_message(frame.pixels, frame.order, header))
        if self._compressed_publisher.get_subscription_count():
            bgr = copy_as_bgr(frame.pixels, frame.order)
            jpeg = encode_jpeg(bgr, quality=int(self.value('jpeg_quality')))
            self._compressed_publisher.publish(compressed_message(jpeg, header))
        self._rate.count_one(time.monotonic_ns())

    def _camera_info_of(self, frame: Frame) -> CameraInfo:
        """Return the CameraInfo for the size of this frame."""
        info, size = self._camera_info, {'width_px': frame.width_px, 'height_px': frame.height_px}
        if info is not None and (info.width, info.height) == tuple(size.values()):
            return info
        if self._calibration is not None:
            info = scale_camera_info(self._calibration, **size)
        else:
            degrees = self.value('field_of_view_deg')
            info = guess_camera_info(field_of_view_deg=degrees, **size)
            self.get_logger().warning(
                f'camera_info is a guess: {degrees} degrees across, no distortion; '
                'set camera_info_url to a calibration'
            )
        self._camera_info = info
        return info


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(VideoSourceNode)


if __name__ == '__main__':
    sys.exit(main())

"""The images of a bag, with their camera and depth."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ros2_hand_action.errors import ConfigError, HandActionError, ImageError, MediaError
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.replay.bag import Bag
from ros2_hand_action.replay.bag_file import BagMessage
from ros2_hand_action.replay.bag_messages import (
    MessageReader,
    camera_of,
    depth_of,
    frame_of,
    stamp_of,
)
from ros2_hand_action.replay.bag_topics import CAMERA_INFO, IMAGE, choose_topics
from ros2_hand_action.replay.inputs import ReplayImage, ReplayInput
from ros2_hand_action.replay.recording import Selection

_DEPTH_WAIT_NS = 500_000_000
"""An image waits so long, in time of recording, for depth images that were recorded after it."""
_KEPT_DEPTHS = 32
_MOST_RATE_HZ = 1000.0


class _Pending(NamedTuple):
    """An image that waits for its depth."""

    image: ReplayImage
    log_ns: int


class BagInput(ReplayInput):
    """The images of a bag in the order of their recording.

    Without a stamp an image has the time of its recording. The calibration is the newest that was
    recorded before the image, the first one for images before that; depth is that with the nearest
    stamp.
    """

    def __init__(self, path: Path, selection: Selection) -> None:
        super().__init__(path, selection)
        self._bag = Bag(path)
        try:
            self._choose(path)
        except BaseException:
            self._bag.close()
            raise
        self._reader = MessageReader(is_ros1=self._bag.is_ros1)
        self._depths: deque[tuple[int, Any]] = deque(maxlen=_KEPT_DEPTHS)
        self._info: Any = None
        self._camera: tuple[Any, CameraModel | None] | None = None
        self._count = 0

    @property
    def damage(self) -> str:
        """What is wrong with the bag, so far."""
        return self._bag.damage

    def __iter__(self) -> Iterator[ReplayImage]:
        waiting: deque[_Pending] = deque()
        first_ns = last_ns = None
        for message in self._messages():
            if message.topic == self.selection.image_topic:
                waiting.append(_Pending(self._read_image(message), message.log_ns))
                first_ns, last_ns = first_ns or message.log_ns, message.log_ns
            elif message.topic == self.selection.info_topic:
                self._take_info(message)
            else:
                self._take_depth(message)
            while waiting and self._is_settled(waiting[0], message.log_ns):
                yield self._with_depth(waiting.popleft().image)
        while waiting:
            yield self._with_depth(waiting.popleft().image)
        if first_ns is not None and last_ns is not None and last_ns > first_ns:
            self.rate_hz = min((self._count - 1) * 1e9 / (last_ns - first_ns), _MOST_RATE_HZ)

    def close(self) -> None:
        """Close the bag."""
        self._bag.close()

    def _choose(self, path: Path) -> None:
        bag, selection = self._bag, self.selection
        if not any(topic.count for topic in bag.topics):
            told = f' ({bag.damage})' if bag.damage else ''
            raise MediaError(f'{str(path)!r} holds no messages{told}')
        image, info, depth = choose_topics(bag.topics, selection, bag=str(path))
        self._image_type = image.type
        self.selection = replace(
            selection,
            image_topic=image.name,
            info_topic=info.name if info else '',
            depth_topic=depth.name if depth else '',
        )
        self._begin_ns = bag.begin_ns + round(selection.start_s * 1e9)
        is_endless = math.isinf(selection.duration_s)
        self._end_ns = None if is_endless else self._begin_ns + round(selection.duration_s * 1e9)
        length_ns = bag.end_ns - bag.begin_ns + 1
        played_ns = min(self._end_ns or bag.end_ns + 1, bag.end_ns + 1) - self._begin_ns
        share = max(played_ns, 0) / length_ns
        self.image_count = math.ceil((image.count or 0) * share)
        self.rate_hz = min(max((image.count or 1) * 1e9 / length_ns, 1e-3), _MOST_RATE_HZ)

    def _messages(self) -> Iterator[BagMessage]:
        selection = self.selection
        topics = {selection.image_topic}
        if selection.info_topic:
            topics.add(selection.info_topic)
            for message in self._bag.messages({selection.info_topic}):
                self._take_info(message)  # for the images that were recorded before it
                break
        if selection.depth_topic and self.wants_depth:
            topics.add(selection.depth_topic)
        return self._bag.messages(topics, begin_ns=self._begin_ns, end_ns=self._end_ns)

    def _read_image(self, message: BagMessage) -> ReplayImage:
        index = self._count
        self._count += 1
        stamp_ns = message.log_ns
        try:
            content = self._reader.read(message.data, self._image_type)
            stamp_ns = stamp_of(content) or message.log_ns
            if stamp_ns != stamp_of(content):
                self.problems.add(
                    f'images on {message.topic!r} carry no stamp: took the time of recording'
                )
            frame = frame_of(content, self._image_type, stamp_ns)
        except ImageError as error:
            self.problems.add(f'images on {message.topic!r} left out: {error}', index)
            return ReplayImage(index, stamp_ns, None, log_ns=message.log_ns)
        return ReplayImage(
            index, stamp_ns, frame, self._camera_for(frame), log_ns=message.log_ns,
            frame_id=content.header.frame_id,
        )  # fmt: skip

    def _take_info(self, message: BagMessage) -> None:
        try:
            self._info = self._reader.read(message.data, CAMERA_INFO)
        except ImageError as error:
            self.problems.add(f'{message.topic!r} left out: {error}')

    def _camera_for(self, frame: Frame) -> CameraModel | None:
        if self._info is None:
            return None
        key = (_content(self._info), frame.width_px, frame.height_px)
        if self._camera is None or self._camera[0] != key:
            self._camera = key, self._make_camera((frame.width_px, frame.height_px))
        return self._camera[1]

    def _make_camera(self, size: tuple[int, int]) -> CameraModel | None:
        try:
            camera = camera_of(self._info, size)
        except ConfigError as error:
            self.problems.add(f'{self.selection.info_topic!r} not used: {error}')
            return None
        if camera is None:
            self.problems.add(
                f'{self.selection.info_topic!r} is not calibrated (K is zero): assumed a field of '
                'view, so distances are rough'
            )
        return camera

    def _take_depth(self, message: BagMessage) -> None:
        try:
            content = self._reader.read(message.data, IMAGE)
        except ImageError as error:
            self.problems.add(f'depth on {message.topic!r} left out: {error}')
            return
        self._depths.append((stamp_of(content) or message.log_ns, content))

    def _is_settled(self, pending: _Pending, now_ns: int) -> bool:
        if not (self.selection.depth_topic and self.wants_depth):
            return True
        newest_ns = self._depths[-1][0] if self._depths else 0
        return newest_ns >= pending.image.stamp_ns or now_ns - pending.log_ns > _DEPTH_WAIT_NS

    def _with_depth(self, image: ReplayImage) -> ReplayImage:
        if image.frame is None or not self._depths:
            return image
        stamp_ns, message = min(
            self._depths, key=lambda kept: abs(kept[0] - image.stamp_ns)
        )
        return replace(image, depth=self._make_depth(message, stamp_ns))

    def _make_depth(self, message: Any, stamp_ns: int) -> DepthImage | None:
        try:
            return depth_of(message, stamp_ns)
        except HandActionError as error:
            self.problems.add(f'depth on {self.selection.depth_topic!r} left out: {error}')
            return None


def _content(info: Any) -> tuple[Any, ...]:
    """Return what a camera is made of, comparable: drivers send the same with every image."""
    roi = info.roi
    return (
        *(tuple(getattr(info, name, getattr(info, name.upper(), ()))) for name in 'kd'),
        info.distortion_model, info.width, info.height,
        info.binning_x, info.binning_y, roi.x_offset, roi.y_offset, roi.width, roi.height,
    )  # fmt: skip

"""Depth images that belong to images of another topic."""

from collections import deque

from sensor_msgs.msg import Image

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_conversions import depth_from_message
from ros2_hand_action.nodes.conversions import stamp_to_ns
from ros2_hand_action.nodes.parameters import Change, NodeParameter
from ros2_hand_action.nodes.subscription import AdaptiveSubscription, Candidate, Delivery
from ros2_hand_action.perception.depth import DepthImage

DEPTH_TOLERANCE = NodeParameter(
    'depth_tolerance_s', 0.25,
    'Most time between an image and the depth image used with it (seconds)',
    low=0.0, high=10.0, change=Change.ANY_TIME,
)

_KEPT = 8
_REPEAT_S = 30.0


class DepthInput:
    """Keeps the newest depth images, and gives the one nearest to a stamp.

    Parameters
    ----------
    node : HandActionNode
        Declares DEPTH_TOLERANCE.
    """

    def __init__(self, node: HandActionNode) -> None:
        self._node = node
        self._messages: deque[tuple[int, Image]] = deque(maxlen=_KEPT)
        self._subscription = AdaptiveSubscription(
            node,
            candidates=[Candidate(topics.DEPTH_IMAGE, Image)],
            callback=self._take,
            depth=_KEPT,
        )
        self.used = 0

    def nearest(self, stamp_ns: int, frame_id: str) -> DepthImage | None:
        """Return the depth image nearest to a stamp, None where none is near enough."""
        if not self._messages:
            return None
        found_ns, message = min(self._messages, key=lambda kept: abs(kept[0] - stamp_ns))
        gap_s = abs(found_ns - stamp_ns) / 1e9
        if gap_s > float(self._node.value('depth_tolerance_s')):
            self._node.problems.warning(
                'depth apart',
                f'no depth image on {self._subscription.topic!r} within depth_tolerance_s: the '
                f'nearest is {gap_s:.3f} s away. Are both stamped by one clock?',
                repeat_s=_REPEAT_S,
            )
            return None
        if message.header.frame_id != frame_id:
            self._node.problems.warning(
                'depth frame',
                f'depth images are in frame {message.header.frame_id!r}, images in {frame_id!r}: '
                'distances are right only if the depth is registered to the image',
                repeat_s=_REPEAT_S,
            )
        try:
            image = depth_from_message(message, found_ns)
        except HandActionError as error:
            topic = self._subscription.topic
            self._node.problems.exception(f'depth image on {topic!r} not used', error)
            return None
        self.used += 1
        return image

    def clear(self) -> None:
        """Forget all, as when stamps go back."""
        self._messages.clear()

    def watch(self) -> None:
        """Follow the publishers."""
        self._subscription.adapt()

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()

    def _take(self, message: Image, _delivery: Delivery) -> None:
        try:
            self._messages.append((stamp_to_ns(message.header.stamp), message))
        except HandActionError as error:
            topic = self._subscription.topic
            self._node.problems.exception(f'depth image on {topic!r} not used', error)

"""Hands together with the very image that they were found in."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticStatus
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.conversions import frame_from_message, stamp_to_ns
from ros2_hand_action.nodes.image_input import IMAGE_TRANSPORT, image_candidates
from ros2_hand_action.nodes.stream_input import StreamInput
from ros2_hand_action.nodes.subscription import AdaptiveSubscription, Candidate, Delivery
from ros2_hand_action.nodes.wire import ReceivedHands, read_hands
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.stage_times import StageTimes

_KEPT = 8
"""Images that are kept for hands to come, and hands that wait for their image."""


class HandsOfFrame(NamedTuple):
    """Hands and their image; without hands there is none."""

    received: ReceivedHands
    stamp_ns: int
    frame: Frame | None


class _Waiting(NamedTuple):
    """A message of hands, and how it came."""

    stamp_ns: int
    received: ReceivedHands
    delivery: Delivery


class RecentImages:
    """The newest images by their stamps, not decoded yet.

    Parameters
    ----------
    node : HandActionNode
        Declares IMAGE_TRANSPORT.
    on_image : callable
        Called after each image.
    """

    def __init__(self, node: HandActionNode, on_image: Callable[[], None]) -> None:
        self._node = node
        self._on_image = on_image
        self._messages: OrderedDict[int, Any] = OrderedDict()
        self.newest_ns = -1
        self._subscription = AdaptiveSubscription(
            node,
            candidates=image_candidates(node, str(node.value(IMAGE_TRANSPORT.name))),
            callback=self._take,
            depth=_KEPT,
        )

    @property
    def topic(self) -> str:
        """The resolved name that is subscribed to."""
        return self._subscription.topic

    def __contains__(self, stamp_ns: int) -> bool:
        return stamp_ns in self._messages

    def frame(self, stamp_ns: int) -> Frame:
        """Return the image of a stamp that is there; raises ImageError where it is damaged."""
        return frame_from_message(self._messages[stamp_ns], stamp_ns)

    def watch(self) -> None:
        """Follow the publishers."""
        self._subscription.adapt()

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()

    def explain_silence(self) -> str:
        """Return why no image may come, and what to do about it."""
        return self._subscription.explain_silence()

    def _take(self, taken: Any, delivery: Delivery) -> None:
        try:
            message = delivery.candidate.open(taken)
            stamp_ns = stamp_to_ns(message.header.stamp)
        except HandActionError as error:
            self._node.problems.exception(f'image on {self.topic!r} left out', error)
            return
        if stamp_ns < self.newest_ns:  # a recording begins again
            self._messages.clear()
        self.newest_ns = stamp_ns
        self._messages[stamp_ns] = message
        while len(self._messages) > _KEPT:
            self._messages.popitem(last=False)
        self._on_image()


class PairedHands(StreamInput):
    """Takes hands, and answers each message with the image of exactly its stamp.

    Hands that come before their image wait for it. Where a later image comes first, or too many
    wait, they are rejected: nothing is answered by another image.

    Parameters
    ----------
    node : HandActionNode
        Declares STREAM_PARAMETERS and IMAGE_TRANSPORT.
    answer : callable
        HandsOfFrame, header of the hands -> the times of the core.
    restart : callable
        Called before the first message whose stamp lies before the last one's.
    """

    def __init__(
        self,
        node: HandActionNode,
        *,
        answer: Callable[[HandsOfFrame, Header], StageTimes],
        restart: Callable[[], None],
    ) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._without_image = self._without_image_before = 0
        self._images = RecentImages(node, self._answer_ready)
        super().__init__(
            node,
            candidates=[Candidate(topics.HANDS, HandArray, read_hands)],
            depth=topics.RESULTS_QOS.depth,
            decode=self._pair,
            answer=answer,
            restart=restart,
        )

    def close(self) -> None:
        """Unsubscribe from both."""
        super().close()
        self._images.close()
        self._waiting.clear()

    def watch(self) -> None:
        """Follow the publishers of both, and report silence."""
        super().watch()
        self._images.watch()

    def diagnose(self, values: dict[str, object]) -> DiagnosticStatus:
        """Return the entry in /diagnostics, an error where hands come without their images."""
        lost = self._without_image - self._without_image_before
        self._without_image_before = self._without_image
        status = super().diagnose({
            'images': self._images.topic, **values, 'hands without image': self._without_image,
        })
        waits = bool(self._waiting) and self._images.newest_ns < 0
        if lost or waits:
            status.level = max(status.level, DiagnosticStatus.WARN)
            text = f'{lost or len(self._waiting)} hands messages without their image on '
            status.message = f'{text}{self._images.topic!r}: {self._images.explain_silence()}'
        return status

    def _pair(self, received: ReceivedHands, stamp_ns: int) -> HandsOfFrame:
        frame = self._images.frame(stamp_ns) if received.hands else None
        return HandsOfFrame(received, stamp_ns, frame)

    def _take(self, taken: Any, delivery: Delivery) -> None:
        """Answer a message of hands, or keep it until its image is there."""
        try:
            message = delivery.candidate.open(taken)
            stamp_ns = stamp_to_ns(message.header.stamp)
        except HandActionError:
            super()._take(taken, delivery)  # which counts it and says why
            return
        self._hear()
        if self._waiting and stamp_ns < self._waiting[-1].stamp_ns:
            self._give_up(len(self._waiting))
        is_read = delivery.candidate._replace(read=None)
        self._waiting.append(_Waiting(stamp_ns, message, delivery._replace(candidate=is_read)))
        self._answer_ready()
        self._give_up(len(self._waiting) - _KEPT)

    def _answer_ready(self) -> None:
        """Answer what waits, in order, as far as images are there."""
        while self._waiting:
            first = self._waiting[0]
            if not first.received.hands or first.stamp_ns in self._images:
                self._waiting.popleft()
                super()._take(first.received, first.delivery)
            elif self._images.newest_ns > first.stamp_ns:
                self._give_up(1)
            else:
                return

    def _give_up(self, count: int) -> None:
        for _ in range(count):
            lost = self._waiting.popleft()
            self._without_image += 1
            reason = (
                f'no image with the stamp {lost.stamp_ns} ns of the hands on '
                f'{self._images.topic!r}: is it the topic that hand_detector looks at?'
            )
            self._node.problems.warning('no image', reason)
            self.statistics.count_rejected(reason)

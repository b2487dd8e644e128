"""Node: images and results in, annotated images out, while anybody looks."""

import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros2_hand_action.msg import ActionArray, BodyPoseArray, GestureArray, HandArray
from ros2_hand_action.msg import ActionEvent as ActionEventMessage
from ros2_hand_action.msg import GestureEvent as GestureEventMessage
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.action_conversions import (
    action_event_from_message,
    actions_from_message,
)
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.conversions import (
    compressed_message,
    event_from_message,
    frame_from_message,
    gestures_from_message,
    hands_from_message,
    image_message,
    stamp_to_ns,
)
from ros2_hand_action.nodes.image_input import IMAGE_TRANSPORT, image_candidates
from ros2_hand_action.nodes.parameters import Change, NodeParameter
from ros2_hand_action.nodes.runner import run_node
from ros2_hand_action.nodes.statistics import RateMeter
from ros2_hand_action.nodes.subscription import (
    RELIABILITIES,
    AdaptiveSubscription,
    Candidate,
    Delivery,
)
from ros2_hand_action.perception.body_drawing import add_whole_image_action, draw_bodies
from ros2_hand_action.perception.drawing import draw_overlay
from ros2_hand_action.perception.drawing_text import TextLayer
from ros2_hand_action.perception.encodings import copy_as_bgr, encode_jpeg
from ros2_hand_action.perception.frame import PixelOrder
from ros2_hand_action.perception.records import Action, ActionEvent, GestureEvent, Phase

_BODIES_APART_NS = 200_000_000
"""Bodies of an image so near stand in for those of an image that their node left out."""
_ACTIONS_APART_NS = 2_000_000_000
"""Actions are of seconds, and some recognisers name them rarely: so long they are shown."""


@dataclass
class _Pair:
    """What came with one stamp so far."""

    image: Image | CompressedImage | None = None
    hands: HandArray | None = None
    gestures: GestureArray | None = None
    bodies: BodyPoseArray | None = None


class OverlayNode(HandActionNode):
    """Draws bodies, hands and gestures into the very images that they were found in.

    It subscribes to nothing, and so costs nothing, until somebody subscribes to it.
    """

    PARAMETERS = (
        NodeParameter(
            'buffer_size', 10, 'Images that wait for their results at a time', low=1, high=1000
        ),
        NodeParameter(
            'jpeg_quality', 80, 'Quality of the compressed images', low=1, high=100,
            change=Change.ANY_TIME,
        ),
        IMAGE_TRANSPORT,
        NodeParameter(
            'input_reliability', 'auto',
            "Reliability of the images' subscription; auto is that of the publisher",
            choices=RELIABILITIES,
        ),
    )

    _raw: Publisher
    _compressed: Publisher

    def __init__(self, name: str = 'overlay', **arguments: Any) -> None:
        self._subscriptions_in: list[AdaptiveSubscription] = []
        self._pairs: OrderedDict[int, _Pair] = OrderedDict()
        self._lasting: dict[str, GestureEvent] = {}
        self._last_bodies: tuple[int, BodyPoseArray] | None = None
        self._last_actions: tuple[int, tuple[Action, ...]] = (0, ())
        self._lasting_actions: dict[str, ActionEvent] = {}
        self._rate = RateMeter()
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Advertise the annotated images."""
        name = self.resolve_topic_name(topics.OVERLAY_IMAGE)
        self._raw = self.advertise(Image, name, topics.IMAGE_QOS)
        self._compressed = self.advertise(
            CompressedImage, name + topics.COMPRESSED_SUFFIX, topics.IMAGE_QOS
        )

    def start(self) -> None:
        """Wait until somebody looks."""
        self.when_stopped(self._unsubscribe)

    def watch(self) -> None:
        """Subscribe while somebody looks, and follow the publishers."""
        is_wanted = any(p.get_subscription_count() for p in (self._raw, self._compressed))
        if is_wanted and not self._subscriptions_in:
            self._subscribe()
        elif not is_wanted and self._subscriptions_in:
            self._unsubscribe()
        for subscription in self._subscriptions_in:
            subscription.adapt()

    def diagnose(self) -> DiagnosticStatus:
        """Report what is drawn."""
        text = 'draws' if self._subscriptions_in else 'nobody looks at the overlay'
        results = (topics.HANDS, topics.BODIES)
        if self._subscriptions_in and not any(map(self.count_publishers, results)):
            text = f'nobody publishes {" or ".join(map(self.resolve_topic_name, results))}'
        values = {
            'rate (Hz)': self._rate.rate_hz(time.monotonic_ns()),
            'drawn': self._rate.count,
            'waiting': len(self._pairs),
        }
        return self.make_status(DiagnosticStatus.OK, text, values)

    def _subscribe(self) -> None:
        depth = int(self.value('buffer_size'))
        image_inputs = image_candidates(self, str(self.value('image_transport')))
        inputs = (
            (image_inputs, self._take_image, str(self.value('input_reliability'))),
            ([Candidate(topics.HANDS, HandArray)], self._take_hands, 'auto'),
            ([Candidate(topics.GESTURES, GestureArray)], self._take_gestures, 'auto'),
            ([Candidate(topics.BODIES, BodyPoseArray)], self._take_bodies, 'auto'),
            ([Candidate(topics.ACTIONS, ActionArray)], self._take_actions, 'auto'),
            (
                [Candidate(topics.ACTION_EVENTS, ActionEventMessage)],
                self._take_action_event,
                'auto',
            ),
            (
                [Candidate(topics.GESTURE_EVENTS, GestureEventMessage)],
                self._take_event,
                'auto',
            ),
        )
        self._subscriptions_in = [
            AdaptiveSubscription(
                self,
                candidates=candidates,
                callback=self._guard(callback),
                depth=depth,
                reliability=reliability,
            )
            for candidates, callback, reliability in inputs
        ]

    def _unsubscribe(self) -> None:
        for subscription in self._subscriptions_in:
            subscription.close()
        self._subscriptions_in = []
        self._pairs.clear()
        self._lasting.clear()
        self._lasting_actions.clear()
        self._last_bodies, self._last_actions = None, (0, ())

    def _guard(self, callback: Any) -> Any:
        """Return the callback with its errors reported: no message may end the node."""

        def guarded(taken: Any, delivery: Delivery) -> None:
            try:
                callback(delivery.candidate.open(taken))
            except Exception as error:
                self.problems.exception('message left out', error)

        return guarded

    def _take_image(self, message: Image | CompressedImage) -> None:
        self._pair_of(message).image = message
        self._draw_complete()

    def _take_hands(self, message: HandArray) -> None:
        self._pair_of(message).hands = message
        self._draw_complete()

    def _take_gestures(self, message: GestureArray) -> None:
        self._pair_of(message).gestures = message
        self._draw_complete()

    def _take_bodies(self, message: BodyPoseArray) -> None:
        self._pair_of(message).bodies = message
        self._last_bodies = (stamp_to_ns(message.header.stamp), message)
        self._draw_complete()

    def _take_actions(self, message: ActionArray) -> None:
        self._last_actions = stamp_to_ns(message.header.stamp), actions_from_message(message)

    def _take_action_event(self, message: ActionEventMessage) -> None:
        event = action_event_from_message(message)
        if event.phase is Phase.ENDED:
            self._lasting_actions.pop(event.body_id, None)
        else:
            self._lasting_actions[event.body_id] = event

    def _take_event(self, message: GestureEventMessage) -> None:
        event = event_from_message(message)
        if event.phase is Phase.ENDED:
            self._lasting.pop(event.hand_id, None)
        else:
            self._lasting[event.hand_id] = event

    def _pair_of(self, message: Any) -> _Pair:
        """Return what waits for this stamp; the oldest gives way where too much waits."""
        stamp_ns = stamp_to_ns(message.header.stamp)
        pair = self._pairs.setdefault(stamp_ns, _Pair())
        while len(self._pairs) > self.value('buffer_size'):
            self._pairs.popitem(last=False)
        return pair

    def _draw_complete(self) -> None:
        for stamp_ns, pair in sorted(self._pairs.items(), key=lambda item: item[0]):
            if pair.image is not None and self._has_results(pair, stamp_ns):
                del self._pairs[stamp_ns]
                self._draw(pair, pair.image, stamp_ns)

    def _has_results(self, pair: _Pair, stamp_ns: int) -> bool:
        """Return whether all results that are published have come."""
        if pair.hands is None and (
            self.count_publishers(topics.HANDS) or not self.count_publishers(topics.BODIES)
        ):
            return False
        if pair.gestures is None and self.count_publishers(topics.GESTURES):
            return False
        # where those of a later image have come, this one's never will
        is_answered = self._last_bodies is not None and self._last_bodies[0] >= stamp_ns
        return is_answered or not self.count_publishers(topics.BODIES)

    def _draw(self, pair: _Pair, image: Image | CompressedImage, stamp_ns: int) -> None:
        frame = frame_from_message(image, stamp_ns)
        canvas = copy_as_bgr(frame.pixels, frame.order)
        texts = TextLayer(canvas)
        self._draw_people(canvas, pair.bodies or self._bodies_near(stamp_ns), stamp_ns, texts)
        hands = hands_from_message(pair.hands) if pair.hands else ()
        gestures = gestures_from_message(pair.gestures) if pair.gestures else ()
        draw_overlay(canvas, hands, gestures, self._lasting, stamp_ns=stamp_ns, texts=texts)
        texts.draw()
        self._publish(canvas, image.header)

    def _draw_people(
        self, canvas: np.ndarray, bodies: BodyPoseArray | None, stamp_ns: int, texts: TextLayer
    ) -> None:
        named_ns, actions = self._last_actions
        shown = actions if abs(stamp_ns - named_ns) <= _ACTIONS_APART_NS else ()
        lasting = self._lasting_actions
        if bodies is not None:
            people = bodies_from_message(bodies)
            draw_bodies(canvas, people, shown, lasting, stamp_ns=stamp_ns, texts=texts)
        add_whole_image_action(texts, shown, lasting, stamp_ns=stamp_ns)

    def _bodies_near(self, stamp_ns: int) -> BodyPoseArray | None:
        if self._last_bodies is None or abs(self._last_bodies[0] - stamp_ns) > _BODIES_APART_NS:
            return None
        return self._last_bodies[1]

    def _publish(self, canvas: np.ndarray, header: Header) -> None:
        if self._raw.get_subscription_count():
            self._raw.publish(image_message(canvas, PixelOrder.BGR, header))
        if self._compressed.get_subscription_count():
            jpeg = encode_jpeg(canvas, quality=int(self.value('jpeg_quality')))
            self._compressed.publish(compressed_message(jpeg, header))
        self._rate.count_one(time.monotonic_ns())


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(OverlayNode)


if __name__ == '__main__':
    sys.exit(main())

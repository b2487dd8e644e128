"""Bodies on the topics of REP-155, where hri_msgs is installed."""

from contextlib import suppress
from importlib import import_module
from typing import Any

from rclpy.publisher import Publisher
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from ros2_hand_action.msg import GestureEvent
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.conversions import image_message
from ros2_hand_action.nodes.hri_conversions import (
    crop_of,
    gesture_to_hri,
    joints_to_message,
    posture_to_hri,
    region_to_hri,
    skeleton_to_hri,
)
from ros2_hand_action.nodes.subscription import AdaptiveSubscription, Candidate, Delivery
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.records import Body

_BODIES = '/humans/bodies'
_ROI, _CROPPED, _SKELETON = 'roi', 'cropped', 'skeleton2d'
_JOINTS, _POSTURE, _GESTURE = 'joint_states', 'posture', 'gesture'


def import_hri() -> Any:
    """Return the module hri_msgs.msg, None where it is not installed."""
    with suppress(ImportError):
        return import_module('hri_msgs.msg')
    return None


class HriBridge:
    """Publishes the bodies of each image, and their gestures, under /humans/bodies.

    Topics of a body come and go with it.

    Parameters
    ----------
    node : HandActionNode
    hri : module
        hri_msgs.msg.
    """

    def __init__(self, node: HandActionNode, hri: Any) -> None:
        self._node, self._hri = node, hri
        self._types = {
            _ROI: hri.NormalizedRegionOfInterest2D, _CROPPED: Image, _SKELETON: hri.Skeleton2D,
            _JOINTS: JointState, _GESTURE: hri.Gesture,
        }
        if hasattr(hri, 'BodyPosture'):  # older hri_msgs have none
            self._types[_POSTURE] = hri.BodyPosture
        self._tracked = self._advertise(hri.IdsList, 'tracked')
        self._of_bodies: dict[str, dict[str, Publisher]] = {}
        self._events = AdaptiveSubscription(
            node,
            candidates=[Candidate(topics.GESTURE_EVENTS, GestureEvent)],
            callback=self._take_event,
            depth=50,
        )

    def show(
        self, bodies: tuple[Body, ...], frame: Frame, header: Header, *, pitch_deg: float
    ) -> None:
        """Publish the bodies of an image of a camera that looks down by `pitch_deg`."""
        ids = [body.track_id for body in bodies]
        for lost in self._of_bodies.keys() - set(ids):
            self._withdraw(lost)
        self._tracked.publish(self._hri.IdsList(header=header, ids=ids))
        size = (frame.width_px, frame.height_px)
        for body in bodies:
            publishers = self._publishers_of(body.track_id)
            publishers[_ROI].publish(region_to_hri(self._hri, body, header, size))
            publishers[_SKELETON].publish(skeleton_to_hri(self._hri, body, header, size))
            if publishers[_JOINTS].get_subscription_count():
                publishers[_JOINTS].publish(joints_to_message(body, header))
            posture = posture_to_hri(self._hri, body, header, pitch_deg)
            if posture is not None:
                publishers[_POSTURE].publish(posture)
            crop = crop_of(frame.pixels, body)
            if crop is not None and publishers[_CROPPED].get_subscription_count():
                publishers[_CROPPED].publish(image_message(crop, frame.order, header))

    def watch(self) -> None:
        """Follow the publishers of gestures."""
        self._events.adapt()

    def close(self) -> None:
        """Take all topics back."""
        self._events.close()
        for track_id in list(self._of_bodies):
            self._withdraw(track_id)
        self._node.destroy_publisher(self._tracked)

    def _take_event(self, event: GestureEvent, _delivery: Delivery) -> None:
        publishers = self._of_bodies.get(event.body_id)
        if publishers is not None and event.phase == GestureEvent.STARTED:
            publishers[_GESTURE].publish(gesture_to_hri(self._hri, event))

    def _publishers_of(self, track_id: str) -> dict[str, Publisher]:
        if track_id not in self._of_bodies:
            self._of_bodies[track_id] = {
                name: self._advertise(kind, f'{track_id}/{name}')
                for name, kind in self._types.items()
            }
        return self._of_bodies[track_id]

    def _advertise(self, kind: type, name: str) -> Publisher:
        return self._node.create_publisher(kind, f'{_BODIES}/{name}', topics.RESULTS_QOS)

    def _withdraw(self, track_id: str) -> None:
        for publisher in self._of_bodies.pop(track_id).values():
            self._node.destroy_publisher(publisher)

"""A hand too far away for the search is found through the body, by real networks and nodes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import model_path
from ros2_hand_action.msg import BodyPoseArray, HandArray
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.perception.frame import PixelOrder

STEP_NS = 33_000_000
PICTURE = 'gestures_dev/mute_00015.jpg'
SIDE_PX = 92
"""Side of the picture in the image: the hand is as far away as at 5 m."""
IMAGES = 20
"""The search without bodies has looked at none of the small tiles with the hand by then."""


@pytest.fixture
def pixels(shared_data: Path, hand_models) -> np.ndarray:
    """Return an image of a person far away with a hand at the mouth."""
    for name in ('pose_detection', 'pose_landmark_full'):
        try:
            model_path(name)
        except ModelError as error:
            pytest.skip(str(error))
    picture = cv2.imread(str(shared_data / PICTURE))
    image = np.full((480, 640, 3), 114, np.uint8)
    small = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    image[250:250 + SIDE_PX, 460:460 + SIDE_PX] = small
    return image


def test_hand_is_found_at_the_wrist_and_belongs_to_the_body(start_nodes, probe, pixels):
    for node_class in (BodyPoseEstimatorNode, HandDetectorNode):
        start_nodes(node_class, threads=1)
    hands, bodies = probe.listen(HandArray, 'hands'), probe.listen(BodyPoseArray, 'bodies')
    images, owned = probe.publisher(Image, 'image'), []

    def publish(index: int, shown: np.ndarray) -> None:
        header = Header(stamp=stamp_from_ns(index * STEP_NS), frame_id='camera')
        images.publish(image_message(shown, PixelOrder.BGR, header))

    def answered(index: int) -> bool:
        stamp = stamp_from_ns(index * STEP_NS)
        return all(results and results[-1].header.stamp == stamp for results in (hands, bodies))

    # What is sent before all have found each other is lost: this one again and again.
    dark = np.zeros_like(pixels)
    probe.wait(lambda: answered(1) or publish(1, dark), 'answers to a black image')
    for index in range(2, IMAGES):
        publish(index, pixels)
        probe.wait(lambda index=index: answered(index), f'answers to image {index}')
        owned += [hand.body_id for hand in hands[-1].hands if hand.body_id]
    assert owned, 'no hand was found that belongs to a body'
    assert set(owned) <= {body.id for message in bodies for body in message.bodies}

"""A photo of five real hands through the real networks, nodes and middleware."""

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.msg import GestureArray, Hand, HandArray
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.perception.frame import PixelOrder

# Where the hands are in the photo, from left to right; they show one to five fingers.
CENTRES_X_PX = (73, 152, 224, 295, 390)
TOLERANCE_PX = 30


@pytest.fixture
def photo(hand_models) -> np.ndarray:
    try:
        path = media_path('five_hands')
    except HandActionError as error:
        pytest.skip(str(error))
    return cv2.imread(str(path))


def test_five_hands_become_hands_and_gestures(start_nodes, probe, photo):
    detector = start_nodes(HandDetectorNode, max_hands=8, min_score=1.0)
    classifier = start_nodes(GestureClassifierNode)
    hands = probe.listen(HandArray, 'hands')
    gestures = probe.listen(GestureArray, 'gestures')
    publisher = probe.publisher(Image, 'image')
    probe.wait(lambda: detector.is_active and classifier.is_active, 'active nodes')
    probe.wait(
        lambda: publisher.get_subscription_count()
        and probe.node.count_publishers('hands')
        and probe.node.count_subscribers('hands') == 2,
        'a complete graph',
    )
    stamps_ns = iter(range(10**9, 10**12, 33_000_000))
    found: dict[int, list] = {}

    def all_seen() -> bool:
        header = Header(stamp=stamp_from_ns(next(stamps_ns)), frame_id='camera')
        before = len(gestures)
        publisher.publish(image_message(photo, PixelOrder.BGR, header))
        probe.wait(lambda: len(gestures) > before, 'gestures')
        for message in hands:
            for hand in message.hands:
                centre = hand.box.x_offset + hand.box.width / 2
                for place, expected in enumerate(CENTRES_X_PX):
                    if abs(centre - expected) < TOLERANCE_PX:
                        found.setdefault(place, []).append(hand)
        return len(found) == len(CENTRES_X_PX)

    assert not all_seen()
    assert found == {}  # no hand is as certain as that
    lower = Parameter('min_score', value=0.5)
    assert detector.set_parameters([lower])[0].successful
    probe.wait(all_seen, 'all five hands')
    height_px, width_px = photo.shape[:2]
    assert {(m.image_width, m.image_height) for m in hands} == {(width_px, height_px)}
    for hand in (each for seen in found.values() for each in seen):
        assert hand.handedness in (Hand.LEFT, Hand.RIGHT)
        assert hand.presence > 0.4
        assert 0.05 < spread_m(hand) < 0.3
    newest = gestures[-1]
    answered = next(m for m in hands if m.header == newest.header)
    assert [g.hand_id for g in newest.gestures] == [hand.id for hand in answered.hands]
    for gesture in newest.gestures:
        assert sum(gesture.probabilities) == pytest.approx(1, abs=1e-3)
        assert gesture.label == newest.labels[int(np.argmax(gesture.probabilities))]
    two = {hand.id for hand in found[1]}
    shown = {g.label for message in gestures for g in message.gestures if g.hand_id in two}
    assert 'two' in shown
    status = probe.wait(lambda: probe.status('/gesture_classifier'), 'diagnostics')
    assert status.level != DiagnosticStatus.ERROR


def spread_m(hand: Hand) -> float:
    points = np.array([(point.x, point.y, point.z) for point in hand.landmarks])
    return float(np.linalg.norm(np.ptp(points, axis=0)))

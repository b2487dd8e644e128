"""The hand detector beside bodies: whose hand it is, and where it is."""

import numpy as np
import pytest
from people import make_body
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from ros2_hand_action.msg import BodyPoseArray, HandArray
from ros2_hand_action.nodes.body_conversions import bodies_to_message
from ros2_hand_action.nodes.conversions import stamp_from_ns, stamp_to_ns
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.skeleton import INDEX

SECOND_NS = 1_000_000_000
K = [50.0, 0.0, 31.5, 0.0, 50.0, 23.5, 0.0, 0.0, 1.0]


def hand_at(hand, wrist_px):
    """Return a small hand whose wrist is at these pixels."""
    points = np.zeros((21, 3), np.float32)
    points[:, 0], points[:, 1] = wrist_px[0], wrist_px[1] - 0.1 * np.arange(21)
    return type(hand)(**{**vars(hand), 'landmarks_px': points})


class Scene:
    """Shows images to a hand detector, and bodies where asked for."""

    def __init__(self, probe, make_image) -> None:
        self._probe, self._make_image = probe, make_image
        self.hands = probe.listen(HandArray, 'hands')
        self._images = probe.publisher(Image, 'image')
        self._bodies = probe.publisher(BodyPoseArray, 'bodies')

    def start(self, node) -> None:
        self.node = node
        self._probe.connect(node)

    def show_bodies(self, stamp_ns: int, *bodies) -> None:
        header = Header(stamp=stamp_from_ns(stamp_ns), frame_id='camera')
        self._bodies.publish(bodies_to_message(bodies, header, width_px=64, height_px=48))
        self._probe.wait(lambda: self.node._bodies._stamp_ns == stamp_ns, 'the bodies')

    def show(self, stamp_ns: int) -> HandArray:
        before = len(self.hands)
        self._images.publish(self._make_image(stamp_ns))
        self._probe.wait(lambda: len(self.hands) > before, f'hands of {stamp_ns}')
        return self.hands[-1]


@pytest.fixture
def scene(probe, make_image) -> Scene:
    return Scene(probe, make_image)


def test_hand_at_the_wrist_belongs_to_the_body(start_nodes, tracker, scene, hand):
    body = make_body('p7')
    tracker.hand = hand_at(hand, body.keypoints_px[INDEX['left_wrist']])
    scene.start(start_nodes(HandDetectorNode))
    assert scene.show(1).hands[0].body_id == ''
    scene.show_bodies(SECOND_NS, body)
    assert scene.show(SECOND_NS + 30_000_000).hands[0].body_id == 'p7'
    assert scene.show(3 * SECOND_NS).hands[0].body_id == '', 'the bodies are too old'


def test_tracker_is_shown_the_bodies_that_are_new_enough(start_nodes, tracker, scene):
    node = start_nodes(HandDetectorNode, bodies_max_age_s=0.2)
    scene.start(node)
    scene.show(SECOND_NS)
    scene.show_bodies(SECOND_NS, make_body('p7'))
    for later_ns in (30_000_000, 190_000_000, 210_000_000):
        scene.show(SECOND_NS + later_ns)
    shown = [[body.track_id for body in bodies] for bodies in tracker.bodies]
    assert shown == [[], ['p7'], ['p7'], []]
    node.set_parameters([Parameter('bodies_max_age_s', value=0.3)])
    scene.show(SECOND_NS + 220_000_000)
    assert [body.track_id for body in tracker.bodies[-1]] == ['p7']


def test_hand_keeps_its_owner_while_both_are_there(start_nodes, tracker, scene, hand):
    body = make_body('p7')
    tracker.hand = hand_at(hand, body.keypoints_px[INDEX['left_wrist']])
    scene.start(start_nodes(HandDetectorNode))
    scene.show_bodies(1, body)
    assert scene.show(2).hands[0].body_id == 'p7'
    unseen = make_body('p7', keypoints_px=np.full((34, 2), np.nan, np.float32))
    scene.show_bodies(3, unseen)
    assert scene.show(4).hands[0].body_id == 'p7'
    scene.show_bodies(5, make_body('p8', keypoints_px=unseen.keypoints_px))
    assert scene.show(6).hands[0].body_id == ''


def test_far_hand_belongs_to_nobody(start_nodes, tracker, scene, hand):
    tracker.hand = hand_at(hand, (1.0, 47.0))
    scene.start(start_nodes(HandDetectorNode))
    scene.show_bodies(1, make_body())
    assert scene.show(2).hands[0].body_id == ''


def test_bodies_that_cannot_be_used_are_told(start_nodes, probe, tracker, scene, capfd):
    scene.start(start_nodes(HandDetectorNode))
    scene.show_bodies(1, make_body())
    nameless = bodies_to_message(
        (make_body(track_id=''),), Header(stamp=stamp_from_ns(5)), width_px=64, height_px=48
    )
    logged = ''

    def told() -> bool:
        nonlocal logged
        scene._bodies.publish(nameless)  # one may be lost where the node adapts its subscription
        logged += capfd.readouterr().err
        return 'body has no id' in logged

    probe.wait(told, 'the reason')
    assert scene.show(2).hands


def test_frames_of_hands(start_nodes, probe, tracker, scene, hand):
    place = np.array([0.1, 0.05, 0.6])
    points = np.array(
        [(0.004 * (i % 7), -0.01 * (i // 2), 0.002 * (i % 5)) for i in range(21)], np.float32
    )
    points -= points[0]
    camera = make_camera(image_size=(64, 48), k=K)
    pixels = np.column_stack([camera.project(points + place), np.zeros(21)])
    tracker.hand = type(hand)(**{
        **vars(hand), 'landmarks_m': points, 'landmarks_px': pixels.astype(np.float32)
    })
    frames = probe.listen(TFMessage, '/tf')
    infos = probe.publisher(CameraInfo, 'camera_info')
    node = start_nodes(HandDetectorNode, publish_tf=True)
    scene.start(node)
    infos.publish(CameraInfo(width=64, height=48, k=K))
    probe.wait(lambda: node._camera._message, 'camera_info taken')
    scene.show(7)
    probe.wait(lambda: frames, 'a frame')
    (frame,) = frames[0].transforms
    assert (frame.header.frame_id, frame.child_frame_id) == ('camera', 'hand_h1')
    assert stamp_to_ns(frame.header.stamp) == 7
    moved = frame.transform.translation
    assert [moved.x, moved.y, moved.z] == pytest.approx(place.tolist(), abs=1e-3)


def test_frames_of_hands_are_made_on_demand(start_nodes, tracker, scene):
    node = start_nodes(HandDetectorNode)
    scene.start(node)
    scene.show(1)
    names = {end.topic_name for end in (*node.publishers, *node.subscriptions)}
    assert not {'/tf', '/camera_info'} & names
    assert not node.set_parameters([Parameter('publish_tf', value=True)])[0].successful

import cv2
import numpy as np
import pytest
from people import make_body
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros2_hand_action.msg import (
    ActionArray,
    ActionEvent,
    BodyPoseArray,
    GestureArray,
    GestureEvent,
    HandArray,
)
from ros2_hand_action.nodes.action_conversions import action_event_to_message, actions_to_message
from ros2_hand_action.nodes.body_conversions import bodies_to_message
from ros2_hand_action.nodes.conversions import (
    event_to_message,
    frame_from_message,
    stamp_from_ns,
    stamp_to_ns,
)
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.wire import write_gestures, write_hands
from ros2_hand_action.perception import records
from ros2_hand_action.perception.action_recognition import make_action
from ros2_hand_action.perception.records import Gesture, Handedness, Phase

NAME = '/overlay'
GREY = 90
SIZE = (240, 320)


def header(stamp_ns: int) -> Header:
    return Header(stamp=stamp_from_ns(stamp_ns), frame_id='camera')


@pytest.fixture
def make_hands(hand):
    def make(stamp_ns: int) -> HandArray:
        written = write_hands((hand,), header(stamp_ns), width_px=SIZE[1], height_px=SIZE[0])
        return deserialize_message(written, HandArray)

    return make


def make_gestures(stamp_ns: int) -> GestureArray:
    gesture = Gesture('h1', Handedness.RIGHT, 'ok', 1.0, np.array([1.0, 0.0], np.float32))
    written = write_gestures((gesture,), header(stamp_ns), labels=('ok', 'none'), body_ids={})
    return deserialize_message(written, GestureArray)


def drawn_part(message: Image) -> float:
    return float((frame_from_message(message, 0).pixels != GREY).any(axis=2).mean())


def test_subscribes_and_draws_only_while_somebody_looks(
    start_nodes, probe, make_image, make_hands
):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    hands = probe.publisher(HandArray, 'hands')
    probe.wait_for_value(NAME, 'drawn', '0')
    images.publish(make_image(1, value=GREY, size=SIZE))
    assert images.get_subscription_count() == 0

    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)
    images.publish(make_image(2, value=GREY, size=SIZE))
    hands.publish(make_hands(2))
    probe.wait(lambda: shown, 'an annotated image')
    assert shown[0].header == header(2)
    assert shown[0].encoding == 'bgr8'
    assert 0.01 < drawn_part(shown[0]) < 0.5

    for subscription in list(probe.node.subscriptions):
        if subscription.topic_name == '/overlay/image':
            probe.node.destroy_subscription(subscription)
    probe.wait(lambda: images.get_subscription_count() == 0, 'no subscription')
    probe.wait(lambda: 'nobody looks' in probe.status(NAME).message, 'the reason')


def test_pairs_by_stamp_in_any_order(start_nodes, probe, make_image, make_hands):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    hands = probe.publisher(HandArray, 'hands')
    gestures = probe.publisher(GestureArray, 'gestures')
    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)
    images.publish(make_image(1, value=GREY, size=SIZE))  # its hands never come
    hands.publish(make_hands(2))
    gestures.publish(make_gestures(2))
    images.publish(make_image(3, value=GREY, size=SIZE))
    images.publish(make_image(2, value=GREY, size=SIZE))
    hands.publish(make_hands(3))  # without its gesture: they are published, so it waits for it
    probe.wait(lambda: shown, 'an annotated image')
    gestures.publish(make_gestures(3))
    probe.wait(lambda: len(shown) == 2, 'the other one')
    assert [stamp_to_ns(message.header.stamp) for message in shown] == [2, 3]


def test_what_waits_is_bounded(start_nodes, probe, make_image):
    node = start_nodes(OverlayNode, buffer_size=3)
    images = probe.publisher(Image, 'image', 20)
    probe.publisher(HandArray, 'hands')
    probe.listen(Image, 'overlay/image')
    probe.wait(lambda: images.get_subscription_count(), 'a subscription')
    for stamp_ns in range(1, 12):
        images.publish(make_image(stamp_ns, size=SIZE))
    probe.wait_for_value(NAME, 'waiting', '3')
    assert len(node._pairs) == 3


def test_events_that_last_are_shown(start_nodes, probe, make_image, make_hands):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    hands = probe.publisher(HandArray, 'hands')
    events = probe.publisher(GestureEvent, 'gesture_events')
    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)

    def show(stamp_ns: int) -> np.ndarray:
        before = len(shown)
        images.publish(make_image(stamp_ns, value=GREY, size=SIZE))
        hands.publish(make_hands(stamp_ns))
        probe.wait(lambda: len(shown) > before, f'the annotated image {stamp_ns}')
        return frame_from_message(shown[-1], 0).pixels

    plain = show(1)
    for phase, differs in ((Phase.STARTED, True), (Phase.ENDED, False)):
        event = records.GestureEvent(
            phase=phase, label='stop', hand_id='h1', body_id='', handedness=Handedness.RIGHT,
            score=1.0, start_ns=1, stamp_ns=2,
        )
        events.publish(event_to_message(event, 'camera'))
        probe.wait(lambda differs=differs: bool(node._lasting) == differs, f'{phase} taken')
        assert np.array_equal(show(2 + phase.value), plain) != differs


def test_compressed_images_are_made_on_demand(start_nodes, probe, make_image, make_hands):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    hands = probe.publisher(HandArray, 'hands')
    shown = probe.listen(CompressedImage, 'overlay/image/compressed')
    probe.connect(node)
    images.publish(make_image(5, value=GREY, size=SIZE))
    hands.publish(make_hands(5))
    probe.wait(lambda: shown, 'an annotated image')
    assert shown[0].header == header(5)
    pixels = cv2.imdecode(np.frombuffer(shown[0].data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (*SIZE, 3)


def test_a_bad_image_costs_itself_only(start_nodes, probe, make_image, make_hands, capfd):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    hands = probe.publisher(HandArray, 'hands')
    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)
    bad = make_image(1, size=SIZE)
    bad.step = 1
    for stamp_ns, image in ((1, bad), (2, make_image(2, size=SIZE))):
        images.publish(image)
        hands.publish(make_hands(stamp_ns))
    probe.wait(lambda: shown, 'an annotated image')
    assert stamp_to_ns(shown[0].header.stamp) == 2
    assert 'step 1 is less than' in capfd.readouterr().err


def make_bodies(stamp_ns: int) -> BodyPoseArray:
    body = make_body()
    body = make_body(keypoints_px=body.keypoints_px * 4)
    return bodies_to_message((body,), header(stamp_ns), width_px=SIZE[1], height_px=SIZE[0])


def test_bodies_are_drawn_without_hands_too(start_nodes, probe, make_image):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    bodies = probe.publisher(BodyPoseArray, 'bodies')
    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)
    images.publish(make_image(1, value=GREY, size=SIZE))
    bodies.publish(make_bodies(1))
    probe.wait(lambda: shown, 'an annotated image')
    assert 0.005 < drawn_part(shown[0]) < 0.5


def test_bodies_wait_for_none_that_never_come(start_nodes, probe, make_image, make_hands):
    """Images that body_pose_estimator leaves out are drawn with the bodies near them."""
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    hands = probe.publisher(HandArray, 'hands')
    bodies = probe.publisher(BodyPoseArray, 'bodies')
    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)
    for stamp_ns in (1, 2, 3):
        images.publish(make_image(stamp_ns, value=GREY, size=SIZE))
        hands.publish(make_hands(stamp_ns))
    probe.wait(
        lambda: len([p for p in node._pairs.values() if p.image and p.hands]) == 3, 'all to wait'
    )
    assert not shown
    bodies.publish(make_bodies(2))
    probe.wait(lambda: len(shown) == 2, 'the first two')
    assert [stamp_to_ns(message.header.stamp) for message in shown] == [1, 2]
    assert drawn_part(shown[0]) == drawn_part(shown[1])
    bodies.publish(make_bodies(3))
    probe.wait(lambda: len(shown) == 3, 'the third')


@pytest.mark.parametrize('body_id', ['p1', ''])
def test_actions_are_drawn_at_the_body_or_into_the_corner(
    start_nodes, probe, make_image, body_id
):
    node = start_nodes(OverlayNode)
    images = probe.publisher(Image, 'image')
    bodies = probe.publisher(BodyPoseArray, 'bodies')
    actions = probe.publisher(ActionArray, 'actions')
    events = probe.publisher(ActionEvent, 'action_events')
    shown = probe.listen(Image, 'overlay/image')
    probe.connect(node)

    def show(stamp_ns):
        message = bodies_to_message(
            (make_body('p1'),), header(stamp_ns), width_px=SIZE[1], height_px=SIZE[0]
        )
        before = len(shown)
        images.publish(make_image(stamp_ns, value=GREY, size=SIZE))
        bodies.publish(message)
        probe.wait(lambda: len(shown) > before, 'an annotated image')
        return drawn_part(shown[-1])

    without = show(1)
    action = make_action(body_id, np.array([1.0]), ['walk'], clip_start_ns=1, clip_end_ns=1)
    actions.publish(actions_to_message([action], header(1), ['walk']))
    probe.wait(lambda: node._last_actions[1], 'the action taken')
    named = show(2)
    assert named > without
    event = records.ActionEvent(Phase.STARTED, 'fall_floor', body_id, 1.0, 1, 1)
    events.publish(action_event_to_message(event, 'camera'))
    probe.wait(lambda: node._lasting_actions, 'the event taken')
    assert show(3) != named
    events.publish(action_event_to_message(
        records.ActionEvent(Phase.ENDED, 'fall_floor', body_id, 1.0, 1, 2), 'camera'
    ))
    probe.wait(lambda: not node._lasting_actions, 'the end taken')
    assert show(4) == named
    assert show(4_000_000_000) == without  # too old to say anything

"""Replay does exactly what the nodes do: the same parameters, and the same answers to images."""

from dataclasses import fields

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.msg import GestureArray, HandArray
from ros2_hand_action.nodes.action_parameters import ACTION_PARAMETERS, EVENT_PARAMETERS
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.conversions import (
    gestures_from_message,
    hands_from_message,
    image_message,
    stamp_from_ns,
)
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.events import GestureEventOptions
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gestures import GestureClassifierOptions
from ros2_hand_action.perception.hands import HandTrackerOptions
from ros2_hand_action.replay import action_stage
from ros2_hand_action.replay import pipeline as pipeline_module
from ros2_hand_action.replay.parameter_file import FIXED
from ros2_hand_action.replay.pipeline import Pipeline, PipelineOptions

PERIOD_NS = 40_000_000


@pytest.mark.parametrize(('node', 'kinds'), [
    (HandDetectorNode, [HandTrackerOptions]),
    (GestureClassifierNode, [GestureEventOptions, GestureClassifierOptions]),
    (BodyPoseEstimatorNode, [BodyPoseOptions]),
])
def test_every_option_has_a_parameter_of_the_same_default(node, kinds):
    defaults = {parameter.name: parameter.default for parameter in node.PARAMETERS}
    for field in (field for kind in kinds for field in fields(kind)):
        if field.name in FIXED:
            assert f'{field.name[:-3]}_s' not in defaults
        elif field.name.endswith('_ns'):
            assert round(defaults[f'{field.name[:-3]}_s'] * 1e9) == field.default
        else:
            assert defaults[field.name] == field.default


def test_the_pipelines_own_defaults_are_the_nodes():
    defaults = {
        (node.__name__, parameter.name): parameter.default
        for node in (HandDetectorNode, GestureClassifierNode, BodyPoseEstimatorNode)
        for parameter in node.PARAMETERS
    }
    own = pipeline_module
    assert defaults['GestureClassifierNode', 'hands_timeout_s'] == own._HANDS_TIMEOUT_S
    assert defaults['BodyPoseEstimatorNode', 'depth_tolerance_s'] == own._DEPTH_TOLERANCE_S
    assert defaults['BodyPoseEstimatorNode', 'field_of_view_deg'] == own.DEFAULT_FOV_DEG
    assert defaults['HandDetectorNode', 'threads'] == own._HAND_THREADS
    assert defaults['GestureClassifierNode', 'threads'] == own._OTHER_THREADS
    assert defaults['BodyPoseEstimatorNode', 'threads'] == own._OTHER_THREADS


def test_actions_have_the_parameters_of_their_node():
    declared = {parameter.name: parameter.default for parameter in ACTION_PARAMETERS}
    assert {name: declared[name] for name in action_stage.DEFAULTS} == action_stage.DEFAULTS
    events = {parameter.name for parameter in EVENT_PARAMETERS}
    assert set(action_stage.EVENT_DEFAULTS) == events
    elsewhere = {
        'bodies_max_age_s', 'image_transport', 'input_reliability', 'input_timeout_s', 'slow_ms',
        'statistics_window',
    }
    assert set(declared) - set(action_stage.DEFAULTS) == elsewhere


@pytest.mark.parametrize(('model', 'readers'), [('gesture_head', 1), ('open_gesturenet', 2)])
def test_the_same_images_have_the_same_answers(start_nodes, probe, hand_models, model, readers):
    try:
        photo = cv2.imread(str(media_path('five_hands')))
    except HandActionError as error:
        pytest.skip(str(error))
    detector = start_nodes(HandDetectorNode)
    classifier = start_nodes(GestureClassifierNode, model=model)
    hands = probe.listen(HandArray, 'hands')
    gestures = probe.listen(GestureArray, 'gestures')
    publisher = probe.publisher(Image, 'image')
    probe.wait(lambda: detector.is_active and classifier.is_active, 'active nodes')
    subscriptions = [each for each in probe.node.subscriptions if each.topic_name[1:] in (
        'hands', 'gestures',
    )]
    (sender,) = (each for each in detector.publishers if each.topic_name == '/hands')
    probe.wait(
        lambda: publisher.get_subscription_count() >= readers
        and sender.get_subscription_count() >= 2
        and all(each.get_publisher_count() for each in subscriptions),
        'a complete graph',
    )
    with Pipeline(PipelineOptions(gesture_model=model)) as pipeline:
        for index in range(8):
            stamp_ns = 10**9 + index * PERIOD_NS
            header = Header(stamp=stamp_from_ns(stamp_ns), frame_id='camera')
            publisher.publish(image_message(photo, PixelOrder.BGR, header))
            probe.wait(lambda count=index: len(gestures) > count, 'gestures')
            expected = pipeline.process(Frame(photo, PixelOrder.BGR, stamp_ns)).frame
            check_hands(hands_from_message(hands[index]), expected.hands)
            check_gestures(gestures_from_message(gestures[index]), expected.gestures)
    assert len(expected.hands) > 2


def check_hands(published, replayed):
    assert [hand.track_id for hand in published] == [hand.track_id for hand in replayed]
    for one, other in zip(published, replayed):
        np.testing.assert_array_equal(one.landmarks_px, other.landmarks_px)
        np.testing.assert_array_equal(one.landmarks_m, other.landmarks_m)
        assert one.handedness is other.handedness
        assert one.presence == np.float32(other.presence)


def check_gestures(published, replayed):
    assert [g.label for g in published] == [g.label for g in replayed]
    for one, other in zip(published, replayed):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)

"""The open GestureNet's file, on a stand-in of the backbone."""

import cv2
import numpy as np
import onnx
import pytest
from backbones import COUNT, HAND_SEEN, write_backbone

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.gesture_features import GEOMETRY_SIZE, geometry_features
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.gestures import (
    GESTURE_NET_INPUT,
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_crops import CropSet
from ros2_hand_action.training.gesture_net_evaluation import judge_crops
from ros2_hand_action.training.gesture_net_file import (
    APPEARANCE,
    DIRECTION,
    DIRECTIONS,
    HAND,
    PRESET,
    ROTATION,
    GestureNetBuilder,
)
from ros2_hand_action.training.network import Layer, predict_logits, softmax

RANDOM = np.random.default_rng(0)


def make_layers(*sizes):
    return tuple(
        Layer(RANDOM.normal(size=(a, b)).astype(np.float32), RANDOM.normal(size=b))
        for a, b in zip(sizes[:-1], sizes[1:])
    )


TOWARDS = make_layers(COUNT, 4, len(DIRECTIONS))
HEADS = [make_layers(GEOMETRY_SIZE + 1, len(GESTURES)) for _ in range(2)]
IMAGES = np.random.default_rng(2).uniform(-0.5, 0.5, (3, 3, 160, 160)).astype(np.float32)


@pytest.fixture
def builder(tmp_path):
    backbone = write_backbone(tmp_path / 'backbone.onnx')
    return GestureNetBuilder(pointer=backbone, landmarker=backbone)


@pytest.fixture
def path(builder, tmp_path):
    path = tmp_path / 'net.onnx'
    onnx.save(builder.build(TOWARDS, HEADS), path)
    return path


def run(model, path, **feeds):
    onnx.save(model, path)
    session = create_session(path)
    outputs = session.run(feeds)
    session.close()
    return outputs


def test_backbone_sees_pixels_from_0_to_1(builder, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, 160, 160), np.uint8)
    images = {GESTURE_NET_INPUT: PRESET.normalize(pixels)}
    outputs = run(builder.build_appearance(), tmp_path / 'part.onnx', **images)
    assert set(outputs) == {APPEARANCE}
    means = (pixels / 255).mean(axis=(2, 3))
    np.testing.assert_allclose(outputs[APPEARANCE][:, :3], means, atol=1e-5)


def test_landmarks_come_with_what_turns_them_back(builder, tmp_path):
    """Of a black picture the stand-in always says the same."""
    black = np.full((1, 3, 160, 160), -0.5, np.float32)
    feeds = {GESTURE_NET_INPUT: black, DIRECTION: np.array([[1, 0]], np.float32)}
    seen = run(builder.build_view(), tmp_path / 'part.onnx', **feeds)
    assert set(seen) == {*HAND, ROTATION}
    np.testing.assert_allclose(seen['landmarks'].reshape(21, 3), HAND_SEEN, atol=1e-3)
    np.testing.assert_allclose((0, -1) @ seen[ROTATION][0], (1, 0), atol=1e-5)


def test_hands_are_seen_along_the_direction_that_was_learnt(builder, tmp_path):
    images = {GESTURE_NET_INPUT: IMAGES}
    part = run(builder.build_appearance(), tmp_path / 'part.onnx', **images)
    shares = softmax(predict_logits(TOWARDS, part[APPEARANCE]))
    directions = (shares @ DIRECTIONS).astype(np.float32)
    view = run(builder.build_view(), tmp_path / 'view.onnx', **images, **{DIRECTION: directions})
    hands = run(builder.build_hands(TOWARDS), tmp_path / 'hands.onnx', **images)
    assert set(hands) == set(view)
    for name, values in hands.items():
        np.testing.assert_allclose(values, view[name], atol=1e-3)


def test_gestures_are_named_by_geometry_and_presence(builder, tmp_path):
    images = {GESTURE_NET_INPUT: IMAGES}
    hands = run(builder.build_hands(TOWARDS), tmp_path / 'hands.onnx', **images)
    turned = [hands[name].reshape(3, 21, 3) for name in ('landmarks', 'world_landmarks')]
    for points in turned:
        points[..., :2] = points[..., :2] @ hands[ROTATION]
    features = np.hstack([geometry_features(*turned), hands['presence']])
    (named,) = run(builder.build(TOWARDS, HEADS), tmp_path / 'net.onnx', **images).values()
    expected = np.mean([softmax(predict_logits(head, features)) for head in HEADS], axis=0)
    np.testing.assert_allclose(named, expected, atol=2e-3)


def test_signature_and_labels_are_gesture_nets(path):
    with create_gesture_classifier(GestureClassifierOptions(str(path))) as classifier:
        assert isinstance(classifier, GestureNet)
        assert classifier.labels == GESTURES
    assert {opset.version for opset in onnx.load(path).opset_import} <= set(range(13, 18))


def test_same_weights_same_file(builder):
    files = {builder.build(TOWARDS, HEADS).SerializeToString() for _ in range(2)}
    assert len(files) == 1


def test_weights_of_two_backbones_are_kept_apart(builder):
    names = [array.name for array in builder.build(TOWARDS, HEADS).graph.initializer]
    assert [name for name in names if 'kernel' in name] == ['first_kernel', 'second_kernel']


@pytest.mark.parametrize('content', [None, b'no network', 'other output'])
def test_other_backbones_are_named(tmp_path, content):
    path, good = tmp_path / 'backbone.onnx', write_backbone(tmp_path / 'good.onnx')
    if content == 'other output':
        write_backbone(path, features='embedding')
    elif content:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"backbone.onnx' is no hand landmark network"):
        GestureNetBuilder(pointer=path, landmarker=good)


def test_crops_are_judged_one_by_one(path):
    random = np.random.default_rng(2)
    pixels = tuple(
        cv2.resize(random.integers(0, 256, (4, 4, 3), np.uint8), (60 + place, 90))
        for place in range(6)
    )
    session = create_session(path)
    with GestureNet(session=session) as network:
        report = judge_crops(network, CropSet((), pixels, np.arange(6)))
    assert report.labels == GESTURES
    assert report.confusion.sum(axis=1).tolist() == [1] * 6

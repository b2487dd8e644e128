"""The open GestureNet's file, on a stand-in of the backbone."""

import cv2
import numpy as np
import onnx
import pytest
from backbones import COUNT, write_backbone

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.gesture_net import OUTPUT, GestureNet
from ros2_hand_action.perception.gestures import (
    GESTURE_NET_INPUT,
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_crops import CropSet
from ros2_hand_action.training.gesture_net_evaluation import judge_crops
from ros2_hand_action.training.gesture_net_file import (
    FEATURES,
    PRESET,
    build_features,
    build_gesture_net,
)
from ros2_hand_action.training.network import Layer, predict_logits, softmax


def make_layers():
    random = np.random.default_rng(0)
    sizes = (COUNT, 5, len(GESTURES))
    return tuple(
        Layer(random.normal(size=(a, b)).astype(np.float32), random.normal(size=b))
        for a, b in zip(sizes[:-1], sizes[1:])
    )


@pytest.fixture
def features(tmp_path):
    return build_features(write_backbone(tmp_path / 'backbone.onnx'))


@pytest.fixture
def path(features, tmp_path):
    path = tmp_path / 'net.onnx'
    onnx.save(build_gesture_net(features, make_layers()), path)
    return path


def run(model, path, images):
    onnx.save(model, path)
    session = create_session(path)
    outputs = session.run({GESTURE_NET_INPUT: images})
    session.close()
    return outputs


def test_backbone_sees_pixels_from_0_to_1(features, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, 160, 160), np.uint8)
    outputs = run(features, tmp_path / 'features.onnx', PRESET.normalize(pixels))
    assert set(outputs) == {FEATURES}
    means = (pixels / 255).mean(axis=(2, 3))
    np.testing.assert_allclose(outputs[FEATURES][:, :3], means, atol=1e-5)


def test_layers_follow_the_features(features, tmp_path):
    images = np.random.default_rng(2).uniform(-0.5, 0.5, (3, 3, 160, 160)).astype(np.float32)
    seen = run(features, tmp_path / 'features.onnx', images)[FEATURES]
    whole = run(build_gesture_net(features, make_layers()), tmp_path / 'net.onnx', images)
    np.testing.assert_allclose(
        whole[OUTPUT], softmax(predict_logits(make_layers(), seen)), atol=1e-5
    )


def test_signature_and_labels_are_gesture_nets(path):
    with create_gesture_classifier(GestureClassifierOptions(str(path))) as classifier:
        assert isinstance(classifier, GestureNet)
        assert classifier.labels == GESTURES
    assert {opset.version for opset in onnx.load(path).opset_import} <= set(range(13, 18))


def test_same_weights_same_file(features):
    files = {build_gesture_net(features, make_layers()).SerializeToString() for _ in range(2)}
    assert len(files) == 1


@pytest.mark.parametrize('content', [None, b'no network', 'other output'])
def test_other_backbones_are_named(tmp_path, content):
    path = tmp_path / 'backbone.onnx'
    if content == 'other output':
        write_backbone(path, output='embedding')
    elif content:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"backbone.onnx' has no convolutions from 'image'"):
        build_features(path)


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

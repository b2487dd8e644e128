"""The open GestureNet's file, of weights that were not learnt."""

import cv2
import numpy as np
import onnx
import pytest

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
    CONVOLUTIONS,
    STEM_WIDTH,
    WIDTHS,
    Weights,
    build_gesture_net,
)


def make_weights(seed=0):
    random = np.random.default_rng(seed)
    shapes = [(STEM_WIDTH, 3)]
    for before, width in zip((STEM_WIDTH, *WIDTHS), WIDTHS):
        shapes += [(width, before), (width, width), (width, width)]
    return Weights(
        tuple(
            (
                random.normal(0, (2 / (9 * inputs)) ** 0.5, (outputs, inputs, 3, 3)),
                random.normal(0, 0.1, outputs),
            )
            for outputs, inputs in shapes
        ),
        (random.normal(0, 0.1, (len(GESTURES), WIDTHS[-1])), random.normal(0, 0.1, len(GESTURES))),
    )


def convolve(values, layer, stride):
    kernel, bias = layer
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    return np.einsum('ihwyx,oiyx->ohw', windows, kernel, optimize=True) + bias[:, None, None]


def compute(image, weights):
    """Return the probabilities (6,) of an image (3, 160, 160), in plain numpy."""
    layers = iter(weights.convolutions)
    values = np.maximum(convolve(image, next(layers), 2), 0)
    for _ in WIDTHS:
        values = np.maximum(convolve(values, next(layers), 2), 0)
        inner = np.maximum(convolve(values, next(layers), 1), 0)
        values = np.maximum(convolve(inner, next(layers), 1) + values, 0)
    logits = weights.last[0] @ values.mean(axis=(1, 2)) + weights.last[1]
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp('net') / 'net.onnx'
    onnx.save(build_gesture_net(make_weights()), path)
    return path


def test_file_computes_what_its_description_says(path):
    weights = make_weights()
    assert len(weights.convolutions) == CONVOLUTIONS
    images = np.random.default_rng(1).normal(0, 0.3, (2, 3, 160, 160)).astype(np.float32)
    session = create_session(path)
    found = session.run({GESTURE_NET_INPUT: images})[OUTPUT]
    session.close()
    np.testing.assert_allclose(found, [compute(each, weights) for each in images], atol=1e-5)


def test_signature_and_labels_are_gesture_nets(path):
    with create_gesture_classifier(GestureClassifierOptions(str(path))) as classifier:
        assert isinstance(classifier, GestureNet)
        assert classifier.labels == GESTURES
    (opset,) = onnx.load(path).opset_import
    assert opset.version <= 17


def test_same_weights_same_file():
    files = [build_gesture_net(make_weights()).SerializeToString() for _ in range(2)]
    assert files[0] == files[1]


def test_crops_are_judged_one_by_one(path):
    random = np.random.default_rng(2)
    pixels = tuple(
        cv2.resize(random.integers(0, 256, (4, 4, 3), np.uint8), (60 + place, 90))
        for place in range(6)
    )
    crops = CropSet((), pixels, np.arange(6))
    session = create_session(path)
    with GestureNet(session=session) as network:
        report = judge_crops(network, crops)
    assert report.labels == GESTURES
    assert report.confusion.sum(axis=1).tolist() == [1] * 6

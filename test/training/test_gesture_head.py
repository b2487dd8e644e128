import numpy as np
import onnxruntime
import pytest

from ros2_hand_action.perception.gesture_features import GEOMETRY, geometry_features
from ros2_hand_action.perception.gestures import OUTPUT
from ros2_hand_action.training.gesture_head import (
    HandSamples,
    HeadOptions,
    learn_head,
    vary_hands,
)
from ros2_hand_action.training.head_file import build_head_model, save_head
from ros2_hand_action.training.network import NetworkOptions

LABELS = ('open', 'curled', 'none')
OPTIONS = HeadOptions(network=NetworkOptions(hidden=(24,), batch=64, least_steps=200, epochs=1))


def draw_hand(curl):
    """Return 21 points of a flat hand whose fingers are bent by `curl` radians at each joint."""
    points = [np.zeros(3)]
    for angle in np.deg2rad([-130, -105, -90, -75, -60]):
        base = 0.08 * np.array([np.cos(angle), np.sin(angle), 0])
        points.append(base)
        for joint in range(1, 4):
            bend = curl * joint
            step = np.array([np.cos(angle) * np.cos(bend), np.sin(angle) * np.cos(bend),
                             np.sin(bend)])
            points.append(points[-1] + 0.03 * step)
    return np.array(points)


def make_samples(count=120, seed=0):
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 3
    curls = np.array([0.05, 1.2, 0.6])[targets] + random.normal(0, 0.05, count)
    metric = np.array([draw_hand(curl) for curl in curls])
    metric += random.normal(0, 0.001, metric.shape)
    return HandSamples(metric * 1000 + (300, 200, 0), metric, targets, np.arange(count))


@pytest.fixture(scope='module')
def head():
    return learn_head(make_samples(), LABELS, OPTIONS)


def test_head_learns_and_carries_over(head):
    unseen = make_samples(seed=1)
    probabilities = head.probabilities(unseen)
    assert (probabilities.argmax(axis=1) == unseen.targets).mean() > 0.95
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize('axis', [0, 2], ids=['other hand', 'other side'])
def test_mirror_images_show_the_same(head, axis):
    samples = make_samples(seed=2)
    sign = np.ones(3)
    sign[axis] = -1
    mirrored = HandSamples(
        samples.landmarks_px * sign, samples.landmarks_m * sign, samples.targets,
        samples.pictures,
    )
    assert (head.probabilities(mirrored).argmax(axis=1) == samples.targets).mean() > 0.95


def test_file_computes_what_the_head_does(head, tmp_path):
    samples = make_samples(seed=3)
    save_head(head, tmp_path / 'head.onnx')
    session = onnxruntime.InferenceSession(str(tmp_path / 'head.onnx'))
    features = geometry_features(samples.landmarks_px, samples.landmarks_m)
    (probabilities,) = session.run([OUTPUT], {GEOMETRY: features})
    np.testing.assert_allclose(probabilities, head.probabilities(samples), atol=1e-5)


def test_same_seed_same_file(head):
    again = learn_head(make_samples(), LABELS, OPTIONS)
    assert build_head_model(again) == build_head_model(head)


def test_variation_keeps_shapes_and_lengths():
    samples = make_samples(30)
    varied = vary_hands(samples, np.random.default_rng(0), HeadOptions())
    for before, after in ((samples.landmarks_px, varied.landmarks_px),
                          (samples.landmarks_m, varied.landmarks_m)):
        np.testing.assert_allclose(
            np.linalg.norm(np.diff(after, axis=1), axis=2),
            np.linalg.norm(np.diff(before, axis=1), axis=2), rtol=1e-6,
        )
        assert not np.allclose(after, before)


def test_variation_turns_image_and_space_alike():
    samples = make_samples(30)
    varied = vary_hands(samples, np.random.default_rng(0), HeadOptions())
    image = varied.landmarks_px - varied.landmarks_px[:, :1]
    metric = varied.landmarks_m - varied.landmarks_m[:, :1]
    np.testing.assert_allclose(image, metric * 1000, atol=1e-6)

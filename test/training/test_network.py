import numpy as np
import pytest

from ros2_hand_action.training.network import (
    NetworkOptions,
    _find_gradient,
    _make_layers,
    predict_logits,
    softmax,
    train_network,
)

OPTIONS = NetworkOptions(hidden=(16,), batch=64, least_steps=400, epochs=1, dropout=0.0)


def spirals(count=300):
    """Return points of three classes that no straight line separates."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 3, count)
    radius = random.uniform(0.2, 1, count)
    angle = 2 * np.pi * targets / 3 + 2 * radius + random.normal(0, 0.1, count)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype(np.float32), targets


def train(points, targets, options=OPTIONS, progress=lambda share: None):
    return train_network(
        inputs=lambda index, random: points[index], targets=targets,
        weights=np.ones(len(targets)), input_size=2, label_count=3, options=options,
        progress=progress,
    )


def test_learns_what_is_not_linear():
    points, targets = spirals()
    predicted = predict_logits(train(points, targets), points).argmax(axis=1)
    assert (predicted == targets).mean() > 0.97


def test_same_seed_same_network():
    points, targets = spirals()
    first, second = train(points, targets), train(points, targets)
    for one, other in zip(first, second):
        np.testing.assert_array_equal(one.weight, other.weight)


def test_progress_adds_up_to_one():
    shares = []
    train(*spirals(), progress=shares.append)
    assert sum(shares) == pytest.approx(1)


def test_gradient_equals_finite_differences():
    random = np.random.default_rng(1)
    values = [value.astype(np.float64) for value in _make_layers((4, 5, 3), random)]
    inputs, weights = random.normal(size=(7, 4)), random.uniform(0.5, 2, 7)
    wanted = softmax(random.normal(size=(7, 3)))

    def loss():
        hidden = np.maximum(inputs @ values[0] + values[1], 0)
        probabilities = softmax(hidden @ values[2] + values[3])
        return -np.sum(np.sum(wanted * np.log(probabilities), axis=1) * weights) / weights.sum()

    gradient = _find_gradient(values, inputs, wanted, weights, 0.0, random)
    for value, slopes in zip(values, gradient):
        place = tuple(size // 2 for size in value.shape)
        value[place] += 1e-6
        high = loss()
        value[place] -= 2e-6
        low = loss()
        value[place] += 1e-6
        assert slopes[place] == pytest.approx((high - low) / 2e-6, rel=1e-3, abs=1e-7)


def test_softmax_of_large_logits():
    np.testing.assert_allclose(softmax(np.array([1000.0, 1000.0])), [0.5, 0.5])

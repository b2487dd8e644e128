import numpy as np
import pytest

from ros2_hand_action.perception.hand_options import HandTrackerOptions
from ros2_hand_action.perception.smoothing import OneEuroFilter

SIZE_PX = 100.0
RATES_HZ = [10, 30, 60]


@pytest.fixture
def make_filter():
    options = HandTrackerOptions()
    return lambda: OneEuroFilter(
        min_cutoff_hz=options.smoothing_cutoff_hz, speed_gain=options.smoothing_speed_gain
    )


def smooth(one_euro, values, rate_hz, scale=SIZE_PX):
    return np.array([
        one_euro(value, stamp_ns=round(i * 1e9 / rate_hz), scale=scale)
        for i, value in enumerate(values)
    ])


@pytest.mark.parametrize('rate_hz', RATES_HZ)
def test_jitter_of_a_resting_hand_shrinks(make_filter, rate_hz):
    noise = np.random.default_rng(1).normal(0, 0.01 * SIZE_PX, (10 * rate_hz, 21))
    smoothed = smooth(make_filter(), 300 + noise, rate_hz)[rate_hz:]
    # Jitter is what is seen as motion: the step from image to image.
    steps = np.diff(smoothed, axis=0).std() / np.diff(noise, axis=0).std()
    assert steps < {10: 0.75, 30: 0.4, 60: 0.25}[rate_hz]
    assert smoothed.std() < noise.std()


@pytest.mark.parametrize('rate_hz', RATES_HZ)
@pytest.mark.parametrize('speed', [1, 3, 8])
def test_a_moving_hand_lags_little(make_filter, rate_hz, speed):
    """At `speed` hand sizes each second the lag stays below 50 ms and a third of a step more."""
    times = np.arange(2 * rate_hz) / rate_hz
    path = speed * SIZE_PX * times[:, None]
    lag_s = (path - smooth(make_filter(), path, rate_hz))[-1, 0] / (speed * SIZE_PX)
    assert 0 <= lag_s < 0.05


def test_a_step_is_followed_alike_at_all_rates(make_filter):
    reached = []
    for rate_hz in RATES_HZ:
        values = np.where(np.arange(2 * rate_hz) < rate_hz, 0.0, SIZE_PX)[:, None]
        smoothed = smooth(make_filter(), values, rate_hz)
        reached.append(smoothed[rate_hz + round(0.2 * rate_hz), 0])
    assert min(reached) > 0.9 * SIZE_PX


def test_a_value_at_rest_stays(make_filter):
    smoothed = smooth(make_filter(), np.full((30, 3), 7.5), 30)
    np.testing.assert_allclose(smoothed, 7.5)


def test_scale_makes_large_and_small_hands_alike(make_filter):
    path = np.random.default_rng(2).normal(0, 5, (60, 1)).cumsum(axis=0)
    small = smooth(make_filter(), path, 30, scale=50)
    large = smooth(make_filter(), 4 * path, 30, scale=200)
    np.testing.assert_allclose(large, 4 * small)


@pytest.mark.parametrize('second_ns', [0, -5, 100])
def test_time_that_does_not_advance_passes_values(make_filter, second_ns):
    one_euro = make_filter()
    one_euro(np.array([1.0]), stamp_ns=100)
    np.testing.assert_array_equal(one_euro(np.array([5.0]), stamp_ns=second_ns), [5.0])


def test_input_and_output_are_apart(make_filter):
    one_euro = make_filter()
    values = np.array([1.0])
    first = one_euro(values, stamp_ns=0)
    kept = first.copy()
    one_euro(np.array([9.0]), stamp_ns=33_000_000)
    np.testing.assert_array_equal(first, kept)
    assert values[0] == 1.0

import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.action_clips import ClipBuffer, ClipOptions, TrackClips

_MS = 1_000_000
_OPTIONS = ClipOptions(samples=16, step_ns=66_666_667, maximum_gap_ns=400 * _MS)


def _wave(stamp_ns):
    return np.sin(stamp_ns / 1e9 * 2 * np.pi * np.array([0.5, 1.0]))


def _fill(options, stamps_ns):
    buffer = ClipBuffer(options)
    for stamp_ns in stamps_ns:
        buffer.add(int(stamp_ns), _wave(stamp_ns))
    return buffer


def _stamps(rate_hz, seconds=3.0):
    return np.round(np.arange(round(rate_hz * seconds) + 1) / rate_hz * 1e9).astype(np.int64)


def _sample(buffer):
    clip = buffer.clip()
    return clip.interpolate(np.stack(clip.items))


@pytest.mark.parametrize('rate_hz', [15, 24, 30, 60, 120])
def test_image_rate_does_not_change_the_clip(rate_hz):
    stamps_ns = _stamps(rate_hz)
    buffer = _fill(_OPTIONS, stamps_ns)
    wanted = [_wave(stamps_ns[-1] - 66_666_667 * k) for k in range(15, -1, -1)]
    np.testing.assert_allclose(_sample(buffer), wanted, atol=0.04)
    assert len(buffer.clip().nearest()) == 16


@pytest.mark.parametrize('rate_hz', [15, 30, 60])
def test_nearest_items_are_those_of_the_same_moments(rate_hz):
    buffer = ClipBuffer(_OPTIONS)
    for stamp_ns in _stamps(rate_hz):
        buffer.add(int(stamp_ns), int(stamp_ns))
    clip = buffer.clip()
    assert np.abs(np.array(clip.nearest()) - clip.times_ns).max() < 40 * _MS


def test_dropped_images_change_the_clip_little():
    random = np.random.default_rng(0)
    stamps_ns = _stamps(30)
    kept = stamps_ns[np.append(random.random(len(stamps_ns) - 1) > 0.2, True)]
    whole, dropped = _sample(_fill(_OPTIONS, stamps_ns)), _sample(_fill(_OPTIONS, kept))
    assert np.abs(whole - dropped).max() < 0.15


def test_no_clip_before_it_is_full_enough():
    options = ClipOptions(samples=11, step_ns=100 * _MS, warm_up=0.6)
    buffer = ClipBuffer(options)
    full = []
    for frame in range(12):
        buffer.add(frame * 100 * _MS, 0)
        full.append(buffer.clip() is not None)
    assert full == [False] * 6 + [True] * 6


def test_clip_that_is_not_full_holds_its_first_item():
    buffer = ClipBuffer(ClipOptions(samples=5, step_ns=100 * _MS, warm_up=0.5))
    for frame in range(3):
        buffer.add(frame * 100 * _MS, frame + 1.0)
    clip = buffer.clip()
    assert clip.interpolate(np.array(clip.items)).tolist() == [1, 1, 1, 2, 3]
    assert clip.nearest() == [1, 1, 1, 2, 3]
    assert (clip.start_ns, clip.end_ns) == (0, 200 * _MS)


@pytest.mark.parametrize('stamp_ns', [3_500 * _MS, 100 * _MS])
def test_gap_or_earlier_stamp_starts_anew(stamp_ns):
    buffer = _fill(_OPTIONS, _stamps(30))
    assert buffer.clip() is not None
    buffer.add(stamp_ns, _wave(stamp_ns))
    assert buffer.clip() is None
    assert len(buffer) == 1


def test_same_stamp_replaces_the_item():
    buffer = ClipBuffer(_OPTIONS)
    for item in ('a', 'b'):
        buffer.add(5, item)
    assert len(buffer) == 1


@pytest.mark.parametrize('rate_hz', [15, 30, 60, 1000])
def test_memory_is_bounded_by_the_capacity(rate_hz):
    buffer = ClipBuffer(_OPTIONS)
    sizes = []
    for stamp_ns in _stamps(rate_hz):
        buffer.add(int(stamp_ns), None)
        sizes.append(len(buffer))
    assert max(sizes) <= _OPTIONS.capacity == 23


def test_unknown_values_stay_unknown_only_where_they_are():
    buffer = ClipBuffer(ClipOptions(samples=4, step_ns=100))
    for stamp_ns in (0, 100, 200, 300):
        buffer.add(stamp_ns, np.nan if stamp_ns == 100 else 1.0)
    clip = buffer.clip()
    assert np.isnan(clip.interpolate(np.array(clip.items))).tolist() == [False, True, False, False]


def _run_tracks(tracks, stamps_ns, items):
    clips = {}
    for stamp_ns in stamps_ns:
        clips = tracks.update(dict(items), stamp_ns=int(stamp_ns))
    return clips


def test_each_track_has_its_own_clip_and_a_lost_one_is_forgotten():
    tracks = TrackClips(_OPTIONS)
    assert set(_run_tracks(tracks, _stamps(30, 2), {'p1': 1, 'p2': 2})) == {'p1', 'p2'}
    assert set(_run_tracks(tracks, _stamps(30, 1) + 2_000 * _MS, {'p1': 1})) == {'p1'}
    assert len(tracks) == 1


def test_stamp_that_goes_back_resets_all_tracks():
    tracks = TrackClips(_OPTIONS)
    _run_tracks(tracks, _stamps(30, 2), {'p1': 1})
    assert tracks.update({'p1': 1}, stamp_ns=0) == {}


def test_tracks_beyond_the_limit_are_left_out():
    tracks = TrackClips(ClipOptions(samples=2, step_ns=1, max_tracks=2))
    items = {'p1': 1, 'p2': 1, 'p3': 1}
    assert set(_run_tracks(tracks, range(5), items)) == {'p1', 'p2'}


@pytest.mark.parametrize('change', [
    {'samples': 1}, {'step_ns': 0}, {'warm_up': 0.0}, {'warm_up': float('nan')},
    {'maximum_gap_ns': 0}, {'max_tracks': 0},
])
def test_options_out_of_range_are_named(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        ClipOptions(**{'samples': 16, 'step_ns': 100, **change})

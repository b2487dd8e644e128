import numpy as np
import pytest

from ros2_hand_action.perception.action_features import (
    DENSE_SAMPLES,
    FEATURE_COUNT,
    JOINTS,
    SAMPLES,
    clip_features,
    find_known,
    measure_height,
    mirror_clips,
    smooth_in_time,
    take_joints,
)
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS
from ros2_hand_action.training.action_synthesis import make_gait
from ros2_hand_action.training.action_views import View, look


@pytest.fixture
def walk():
    return make_gait(0, 'walk', np.random.default_rng(2))


def _clip(sequence, **view):
    joints, world = look(sequence, float(sequence.stamps_s[-1]), View(**view))
    return joints[None], world[None]


def test_features_have_the_stated_size_and_are_finite(walk):
    features = clip_features(*_clip(walk))
    assert features.shape == (1, FEATURE_COUNT)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_size_and_place_in_the_image_do_not_matter(walk):
    joints, world = _clip(walk)
    moved = joints * 250 + (320, 200)
    np.testing.assert_allclose(
        clip_features(moved, world), clip_features(joints, world), atol=1e-3
    )


def test_way_in_the_world_matters(walk):
    joints, world = _clip(walk)
    in_place = np.broadcast_to(world[:, :1], world.shape)
    assert np.abs(clip_features(joints, world) - clip_features(joints, in_place)).max() > 0.3


def test_steps_are_counted_over_the_time_in_which_the_person_was_seen():
    run = make_gait(0, 'run', np.random.default_rng(2))
    place = FEATURE_COUNT - 31  # share of the clip in which the person was seen, ankles' speed
    whole, half = (
        clip_features(*(part[None] for part in look(run, end_s, View())))[0, place:place + 2]
        for end_s in (1.9, 0.62)
    )
    assert whole[0] == 1 and half[0] == pytest.approx(0.5, abs=0.06)
    assert half[1] == pytest.approx(whole[1], rel=0.3)


def test_mirrored_twice_is_the_same(walk):
    joints, world = _clip(walk, azimuth=0.7)
    for given, again in zip((joints, world), mirror_clips(*mirror_clips(joints, world))):
        np.testing.assert_array_equal(given, again)


@pytest.mark.parametrize('hidden', [(11, 12), (9, 10, 11, 12), (0, 5, 6)])
def test_joints_that_are_never_seen_leave_the_rest_finite(walk, hidden):
    joints, world = _clip(walk, hidden=hidden)
    assert find_known(joints)[0]
    assert np.isfinite(clip_features(joints, world)).all()


def test_joint_that_is_missed_at_times_is_filled_from_before_and_after(walk):
    joints, world = _clip(walk)
    holey = joints.copy()
    holey[0, 3:5, 11] = np.nan
    assert np.abs(clip_features(holey, world) - clip_features(joints, world)).max() < 2


def test_person_without_hips_or_shoulders_is_not_known(walk):
    joints, _ = _clip(walk)
    for pair in ((1, 2), (7, 8)):
        hidden = joints.copy()
        hidden[0, SAMPLES // 3:, list(pair)] = np.nan
        assert not find_known(hidden)[0]


def test_height_is_that_of_the_body_whatever_the_view(walk):
    heights = [
        measure_height(_clip(walk, azimuth=azimuth)[0])[0] for azimuth in (0, 0.8, 1.6, 3.1)
    ]
    assert max(heights) < 1.3 * min(heights)
    assert measure_height(walk.joints[None])[0] == pytest.approx(1.7, rel=0.02)
    assert np.isnan(measure_height(np.full((1, 3, 13, 2), np.nan))[0])


def test_smoothing_halves_a_single_wrong_pose_and_keeps_what_is_known():
    dense = np.ones((1, DENSE_SAMPLES, 13, 2))
    dense[0, 10] = 3
    dense[0, 20:23] = np.nan
    smooth = smooth_in_time(dense)
    assert smooth.shape == (1, SAMPLES, 13, 2)
    assert smooth[0, 5, 0, 0] == 2
    assert np.isnan(smooth[0, [10, 11]]).all()
    assert np.isfinite(smooth[0, [9, 12]]).all()


def test_joints_are_taken_by_name():
    keypoints = np.arange(len(KEYPOINTS))[:, None] * np.ones(2)
    assert take_joints(keypoints)[:, 0].tolist() == [INDEX[name] for name in JOINTS]

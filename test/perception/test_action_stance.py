from dataclasses import replace

import numpy as np
import pytest

from ros2_hand_action.perception.action_stance import StanceWatch
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.training.action_playback import PlayOptions, make_bodies
from ros2_hand_action.training.action_sequences import PoseSequence
from ros2_hand_action.training.action_synthesis import make_crouch, make_fall, make_gait

_MS = 1_000_000
_STEP_NS = 33 * _MS


@pytest.fixture(scope='module')
def standing():
    joints = make_gait(0, 'walk', np.random.default_rng(1)).joints
    middle = np.abs(np.diff(joints[:, 11:13, 2], axis=1)).argmin()
    still = np.repeat(joints[middle:middle + 1], 60, axis=0)
    return PoseSequence('s', 'kard', 'k1', 'other', 'a1', np.arange(60) / 30, still,
                        np.ones(60, bool))


@pytest.fixture(scope='module')
def fall(standing):
    return [body for _, body in make_bodies(make_fall(standing, 0, np.random.default_rng(0)))]


class _Stream:
    """Feeds a watch with one body an image."""

    def __init__(self, step_ns=_STEP_NS):
        self.watch = StanceWatch()
        self.stamp_ns = 0
        self.step_ns = step_ns

    def show(self, bodies):
        stances = []
        for body in bodies:
            self.stamp_ns += self.step_ns
            stances.append(self.watch.update([body], stamp_ns=self.stamp_ns)[body.track_id])
        return stances


def _hide(body, *parts):
    hidden = [place for name, place in INDEX.items() if any(part in name for part in parts)]
    px, placed = body.keypoints_px.copy(), body.keypoints_m.copy()
    px[hidden], placed[hidden] = np.nan, np.nan
    return replace(body, keypoints_px=px, keypoints_m=placed)


def _lay_down(sequence, direction):
    """Return the person of a sequence turned to the floor about the feet, by 80 degrees."""
    feet = sequence.joints[:, 11:13].mean(axis=1, keepdims=True)
    ahead = np.array([np.sin(direction), 0, np.cos(direction)])
    from_feet, angle = sequence.joints - feet, np.radians(80)
    along, up = from_feet @ ahead, -from_feet[..., 1]
    turned = from_feet + ((np.cos(angle) - 1) * along + np.sin(angle) * up)[..., None] * ahead
    turned[..., 1] = -(np.cos(angle) * up - np.sin(angle) * along)
    return replace(sequence, joints=turned + feet)


@pytest.mark.parametrize(('direction_deg', 'is_placed'), [
    (-90, True), (0, True), (45, True), (90, True), (180, True), (-90, False), (90, False),
    (180, False),
])
def test_who_lies_is_down_for_as_long_as_it_lasts(standing, direction_deg, is_placed):
    lying = _lay_down(standing, np.radians(direction_deg))
    both = replace(
        standing, joints=np.concatenate([standing.joints, lying.joints]),
        stamps_s=np.arange(120) / 30, active=np.ones(120, bool),
    )
    bodies = [body for _, body in make_bodies(both, PlayOptions(is_placed=is_placed))]
    stances = _Stream().show(bodies)
    assert all(stance.is_up and not stance.down_ns for stance in stances[:60])
    assert not stances[-1].is_up and stances[-1].was_up
    assert stances[-1].down_ns >= 58 * _STEP_NS


def test_who_crouches_is_not_down_long_and_is_up_afterwards(standing):
    judged = 0
    for number in range(20):
        crouch = make_crouch(standing, number, np.random.default_rng(number))
        lowest = (crouch.joints[:, 11:13, 1].max(axis=1) - crouch.joints[:, 7, 1]).min()
        if lowest < 0.22 * 1.7:
            continue
        judged += 1
        stances = _Stream().show([body for _, body in make_bodies(crouch)])
        assert max(stance.down_ns for stance in stances) == 0
        assert stances[-1].is_up
    assert judged >= 5


def test_who_lies_towards_the_camera_and_looks_short_is_down(fall):
    short = fall[0].keypoints_px.copy()
    short[:, 1] = 240 + 0.3 * (short[:, 1] - 240)
    short[:, 0] = 320 + 0.3 * (short[:, 0] - 320)
    metres = np.full((34, 3), np.nan, np.float32)
    tall = replace(fall[0], keypoints_m=metres)
    small = replace(fall[0], keypoints_px=short, keypoints_m=metres)
    assert _Stream().show([small] * 20)[-1].is_up
    assert _Stream().show([*[tall] * 30, *[small] * 15])[-1].is_up is False


def test_who_was_never_seen_up_is_told_apart(fall):
    stance = _Stream().show([fall[-1]] * 10)[-1]
    assert not stance.was_up
    assert stance.down_ns > 9 * _STEP_NS


def test_who_stands_on_the_head_is_no_person_on_the_floor(standing):
    """Nobody: a lamp that the tracker followed for twelve seconds was said to have fallen."""
    hips = standing.joints[:, 7:9].mean(axis=1, keepdims=True)
    turned = hips + (standing.joints - hips) * [1, -1, 1]
    stances = _Stream().show([body for _, body in make_bodies(replace(standing, joints=turned))])
    assert not any(stance.is_up or stance.was_up or stance.down_ns for stance in stances)


def test_person_found_again_under_another_id_is_the_same(fall):
    stream = _Stream()
    stream.show(fall[:40])
    stream.stamp_ns += 1000 * _MS
    assert stream.show([replace(fall[-1], track_id='p2')])[0].was_up
    stream.stamp_ns += 3000 * _MS
    assert not stream.show([replace(fall[-1], track_id='p3')])[0].was_up


def test_metres_that_come_and_go_do_not_begin_anew(fall):
    flat = replace(fall[-1], keypoints_m=np.full((34, 3), np.nan, np.float32))
    stream = _Stream()
    stream.show(fall[:1])
    stances = stream.show([fall[-1], flat] * 10)
    assert stances[-1].was_up
    assert stances[-1].down_ns == 20 * _STEP_NS


def test_new_person_beside_one_who_is_in_view_is_another(fall):
    watch = StanceWatch()
    for step in range(10):
        watch.update([fall[0]], stamp_ns=step * _STEP_NS)
    both = watch.update([fall[0], replace(fall[-1], track_id='p2')], stamp_ns=10 * _STEP_NS)
    assert both['p1'].was_up
    assert not both['p2'].was_up


def test_rare_images_count_for_a_tenth_of_a_second_and_long_gaps_begin_anew(fall):
    stream = _Stream(step_ns=400 * _MS)
    assert stream.show([fall[0], *[fall[-1]] * 4])[-1].down_ns == 400 * _MS
    stream.stamp_ns += 500 * _MS
    assert 0 < stream.show([fall[-1]])[0].down_ns <= 100 * _MS


def test_a_few_wrong_poses_are_no_break_and_more_are(fall):
    stream = _Stream()
    stream.show([*fall[:1], *[fall[-1]] * 10])
    assert stream.show([*[fall[0]] * 3, fall[-1]])[-1].down_ns > 10 * _STEP_NS
    assert stream.show([*[fall[0]] * 5, fall[-1]])[-1].down_ns == _STEP_NS


def test_trunk_tells_who_is_down_where_legs_are_hidden(fall):
    up = _Stream().show([_hide(fall[0], 'knee', 'ankle')] * 5)[-1]
    assert up.is_up is None and up.was_up and not up.down_ns
    legless = [_hide(body, 'knee', 'ankle') for body in fall]
    assert _Stream().show([*legless, *[legless[-1]] * 10])[-1].down_ns > 9 * _STEP_NS


def test_nothing_known_tells_nothing(fall):
    unknown = _hide(fall[0], '')
    stream = _Stream()
    assert stream.show([unknown]) == [(None, False, 0)]
    stream.show([fall[0]])
    assert stream.show([unknown]) == [(None, True, 0)]


def test_stamp_that_goes_back_begins_anew(fall):
    stream = _Stream()
    stream.show(fall[:10])
    stream.stamp_ns = -1000 * _MS
    assert not stream.show([fall[-1]])[0].was_up


def test_memory_is_bounded(fall):
    stream = _Stream(step_ns=10 * _MS)
    stream.show([fall[0]] * 1000)
    assert len(stream.watch._people['p1'].heights) <= 52

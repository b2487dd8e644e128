import numpy as np

from ros2_hand_action.perception.labels import FALL
from ros2_hand_action.training.action_falls import (
    _find_fallen,
    find_order,
    read_falls,
    split_at_gaps,
)
from ros2_hand_action.training.action_sequences import PoseSequence

_ROWS = 100


def _fall(numbers, joints=13):
    """Return poses (n, joints, 2): standing, down between images 40 and 55, lying."""
    body = np.stack([np.linspace(-0.05, 0.05, joints), np.linspace(0, 0.5, joints)], axis=1)
    angle = np.clip((numbers - 40) / 15, 0, 1) * np.pi / 2
    feet, up = body[-1], body - body[-1]
    turned = np.stack([
        up[:, 0] * np.cos(angle)[:, None] - up[:, 1] * np.sin(angle)[:, None],
        up[:, 0] * np.sin(angle)[:, None] + up[:, 1] * np.cos(angle)[:, None],
    ], axis=-1)
    sway = 0.004 * np.sin(numbers / 7)
    return turned + feet + sway[:, None, None]


def _as_published(missing):
    """Return the numbers of the first rows when images are sorted by their names as text."""
    names = [n for n in sorted(range(1, 190), key=str) if n not in missing]
    return np.array(names[:_ROWS])


def test_order_in_time_is_found_again():
    numbers = _as_published({44, 46, *range(101, 190, 2)})
    _, found = find_order(_fall(numbers))
    # The numbers may be off by what is missing while standing or lying; the order is not.
    falling = (numbers >= 38) & (numbers <= 56)
    assert falling.sum() > 10
    np.testing.assert_array_equal(np.argsort(found[falling]), np.argsort(numbers[falling]))


def test_trial_is_read_with_its_fall_as_the_active_part(tmp_path):
    numbers = _as_published(set())
    rows = np.zeros((_ROWS, 33, 3), np.float32)
    rows[..., :2] = _fall(numbers, joints=33) / (4 / 3, 1)
    path = tmp_path / 'upfall3d.npz'
    np.savez(path, C1S7A2T1=np.concatenate([rows.reshape(_ROWS, -1), np.zeros((_ROWS, 1))], 1))
    sequences = read_falls(path)
    assert {sequence.group for sequence in sequences} == {'upfall7'}
    assert all(sequence.label == FALL for sequence in sequences)
    assert sum(len(sequence.stamps_s) for sequence in sequences) <= _ROWS
    assert all(np.diff(sequence.stamps_s).min() > 0 for sequence in sequences)


def test_sequence_is_cut_at_long_gaps():
    stamps_s = np.concatenate([np.arange(10) / 18, 5 + np.arange(10) / 18])
    joints = _fall(stamps_s * 18)
    whole = PoseSequence('a', 'upfall', 'g', FALL, '', stamps_s, joints, _find_fallen(joints))
    before, after = split_at_gaps(whole, 0.4)
    assert (before.action, after.action) == ('stand', 'lie')
    assert after.before is before and before.before is None
    assert not before.active.any()
    assert after.active.all()


def test_few_poses_before_a_gap_are_no_sequence_but_tell_who_was_up():
    stamps_s = np.concatenate([np.arange(3) / 18, 5 + np.arange(10) / 18])
    joints = _fall(stamps_s * 18)
    whole = PoseSequence('a', 'upfall', 'g', FALL, '', stamps_s, joints, _find_fallen(joints))
    [after] = split_at_gaps(whole, 0.4)
    assert after.action == 'lie' and len(after.before.stamps_s) == 3

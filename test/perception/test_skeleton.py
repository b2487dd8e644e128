"""The skeleton agrees with the messages and with the skeletons that it is made from."""

import re
from pathlib import Path

import numpy as np

from ros2_hand_action.perception import skeleton
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS, from_blazepose, to_openpose

_MESSAGE = Path(__file__).parents[2] / 'msg' / 'BodyPose.msg'


def test_order_is_that_of_the_message() -> None:
    constants = re.findall(r'^uint8 (\w+)=(\d+)', _MESSAGE.read_text(), re.MULTILINE)
    assert constants[0] == ('KEYPOINTS', str(len(KEYPOINTS)))
    order = {name.lower(): int(value) for name, value in constants[1:]}
    assert order == INDEX


def test_every_left_keypoint_has_a_right_twin() -> None:
    for left, right in skeleton.LEFT_RIGHT:
        assert KEYPOINTS[left].replace('left', 'right') == KEYPOINTS[right]
    assert len(skeleton.LEFT_RIGHT) == 15


def test_limbs_join_all_keypoints_into_one_tree() -> None:
    joined = {INDEX['pelvis']}
    for first, second in sorted(skeleton.LIMBS, key=lambda limb: (
        [INDEX['pelvis'], INDEX['torso'], INDEX['neck']].index(limb[0])
        if limb[0] in (0, 3, 6) else 9, limb
    )) * 4:
        if first in joined:
            joined.add(second)
    assert joined == set(range(len(KEYPOINTS)))
    assert len(skeleton.LIMBS) == len(KEYPOINTS) - 1


def test_blazepose_lands_on_its_names() -> None:
    points = np.arange(33.0)[:, None]
    keypoints, confidence = from_blazepose(points, np.ones(33))
    for name, index in (
        ('nose', 0), ('left_eye', 2), ('right_ear', 8), ('left_shoulder', 11),
        ('right_wrist', 16), ('left_pinky_knuckle', 17), ('right_index_knuckle', 20),
        ('left_hip', 23), ('right_heel', 30), ('left_big_toe', 31),
    ):
        assert keypoints[INDEX[name], 0] == index
    assert keypoints[INDEX['pelvis'], 0] == 23.5
    assert keypoints[INDEX['neck'], 0] == 11.5
    assert keypoints[INDEX['torso'], 0] == 17.5
    unknown = {KEYPOINTS[index] for index in np.flatnonzero(confidence == 0)}
    assert unknown == {
        f'{side}_{part}' for side in ('left', 'right')
        for part in ('small_toe', 'middle_tip', 'thumb_tip')
    }
    assert np.array_equal(np.isnan(keypoints[:, 0]), confidence == 0)


def test_computed_keypoints_need_both_parents() -> None:
    confidence = np.full(33, 0.9)
    confidence[24] = 0.0  # right hip
    confidence[11] = 0.4  # left shoulder
    keypoints, sure = from_blazepose(np.ones((2, 33, 3)), np.stack([confidence] * 2))
    for name in ('pelvis', 'torso', 'right_hip'):
        assert np.isnan(keypoints[:, INDEX[name]]).all()
        assert not sure[:, INDEX[name]].any()
    assert np.allclose(sure[:, INDEX['neck']], 0.4)
    assert np.isfinite(keypoints[:, INDEX['neck']]).all()


def test_openpose_order_is_that_of_rep_155() -> None:
    order = to_openpose(np.arange(34.0))
    assert [KEYPOINTS[int(index)] for index in order[14:]] == [
        'left_eye', 'right_eye', 'left_ear', 'right_ear'
    ]
    assert order[1] == INDEX['neck'] and order[4] == INDEX['right_wrist']
    assert to_openpose(np.zeros((2, 34, 3))).shape == (2, 18, 3)

"""Angles of joints are those that the kinematic model of REP-155 was posed with."""

import numpy as np
import pytest
from bodies import standing_body
from test_body_axes import FACING_THE_CAMERA, random_rotation

from ros2_hand_action.perception.body_joints import find_joint_angles
from ros2_hand_action.perception.skeleton import INDEX

DOWN = np.array([0.0, 0.0, -1.0])


def turn(axis: str, angle: float) -> np.ndarray:
    """Return the rotation about an axis such as '-y', as URDF has it."""
    vector = np.eye(3)['xyz'.index(axis[-1])] * (-1 if axis[0] == '-' else 1)
    x, y, z = vector
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def chain(angles: dict[str, float], *joints: tuple[str, str]) -> np.ndarray:
    """Return the rotation of the last link of joints (name, axis)."""
    rotation = np.eye(3)
    for name, axis in joints:
        rotation = rotation @ turn(axis, angles[name])
    return rotation


def pose(angles: dict[str, float]) -> np.ndarray:
    """Return the keypoints (34, 3) of the model in its body's frame."""
    points = np.full((34, 3), np.nan)
    points[INDEX['pelvis']], points[INDEX['neck']] = (0, 0, 0), (0, 0, 0.5)
    head = chain(angles, ('r_head', 'x'), ('y_head', 'z'), ('p_head', '-y'))
    for side, sign, mirrored in (('left', 1, ''), ('right', -1, '-')):
        p = side[0]
        other = '-' if not mirrored else ''
        shoulder, hip = np.array([0, 0.2 * sign, 0.5]), np.array([0, 0.1 * sign, 0])
        upper = chain(
            angles, (f'{p}_y_shoulder', f'{other}z'), (f'{p}_p_shoulder', f'{mirrored}x'),
            (f'{p}_r_shoulder', f'{mirrored}z'),
        )
        thigh = chain(
            angles, (f'{p}_y_hip', '-z'), (f'{p}_p_hip', f'{mirrored}x'), (f'{p}_r_hip', '-y')
        )
        for names, start, link, hinge, lengths in (
            (('shoulder', 'elbow', 'wrist'), shoulder, upper, f'{p}_elbow', (0.3, 0.25)),
            (('hip', 'knee', 'ankle'), hip, thigh, f'{p}_knee', (0.42, 0.4)),
        ):
            middle = start + lengths[0] * link @ DOWN
            end = middle + lengths[1] * link @ turn('-y', angles[hinge]) @ DOWN
            for name, place in zip(names, (start, middle, end)):
                points[INDEX[f'{side}_{name}']] = place
        points[INDEX[f'{side}_ear']] = head @ (0, 0.07 * sign, 0.1) + (0, 0, 0.6)
        points[INDEX[f'{side}_eye']] = head @ (0.1, 0.03 * sign, 0.1) + (0, 0, 0.6)
    return points


LIMITS = {
    'r_head': (-1, 1), 'y_head': (-1.4, 1.4), 'p_head': (-1.5, 1.5),
    **{
        f'{side}_{joint}': limits for side in 'lr' for joint, limits in {
            'y_shoulder': (-1.1, 1.9), 'p_shoulder': (0.05, 3.1), 'r_shoulder': (-1.7, 1.5),
            'elbow': (0.05, 2.5), 'y_hip': (-0.1, 0.6), 'p_hip': (-0.4, 1.5),
            'r_hip': (-0.4, 1.5), 'knee': (-2.5, -0.55),
        }.items()
    },
}
"""Those of the model, but for poses of which joints are known as a sum only."""


@pytest.mark.parametrize('seed', range(20))
def test_angles_are_those_of_the_pose(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = {joint: random.uniform(*limits) for joint, limits in LIMITS.items()}
    points = pose(angles) @ random_rotation(seed).T + (0.5, 0.2, 3.0)
    found = find_joint_angles(points)
    assert found.pop('waist') == 0
    assert found == pytest.approx(angles)


def test_known_poses() -> None:
    points = standing_body()
    trunk_m = points[INDEX['neck']] @ FACING_THE_CAMERA
    for joint, side, place in (
        ('elbow', 'left', (0, 0.5, 0)), ('wrist', 'left', (0.3, 0.5, 0)),  # out, then ahead
        ('elbow', 'right', (0.3, -0.2, 0)), ('wrist', 'right', (0.3, -0.2, 0.3)),  # ahead, up
    ):
        points[INDEX[f'{side}_{joint}']] = FACING_THE_CAMERA @ (place + trunk_m * (0, 0, 1))
    points[INDEX['right_shoulder']] = FACING_THE_CAMERA @ (trunk_m + (0, -0.2, 0))
    points[INDEX['left_shoulder']] = FACING_THE_CAMERA @ (trunk_m + (0, 0.2, 0))
    found = find_joint_angles(points)
    quarter = pytest.approx(np.pi / 2)
    assert found['l_p_shoulder'] == quarter and found['l_elbow'] == quarter
    assert found['l_y_shoulder'] == pytest.approx(0)
    assert found['r_y_shoulder'] == quarter and found['r_p_shoulder'] == quarter
    assert found['r_elbow'] == quarter
    for joint in ('l_y_hip', 'l_p_hip', 'l_r_hip'):
        assert found[joint] == pytest.approx(0, abs=1e-6)
    assert found['l_knee'] == pytest.approx(-np.arctan2(0.28, 0.96))
    assert found['y_head'] == pytest.approx(0) and found['p_head'] > 0


def test_straight_knees_leave_the_thigh_unturned() -> None:
    angles = dict.fromkeys(LIMITS, 0.0)
    angles.update(l_r_hip=0.5, l_knee=-0.01, r_p_hip=0.3)
    found = find_joint_angles(pose(angles))
    for joint in ('l_r_hip', 'l_knee', 'r_p_hip', 'l_y_hip', 'r_y_hip'):
        assert found[joint] == pytest.approx(angles[joint], abs=1e-6), joint


def test_unknown_keypoints_leave_joints_out() -> None:
    points = standing_body()
    points[[INDEX['left_wrist'], INDEX['right_ankle'], INDEX['left_ear']]] = np.nan
    found = find_joint_angles(points)
    assert found.keys() == {
        'waist', 'l_y_shoulder', 'l_p_shoulder', 'r_y_shoulder', 'r_p_shoulder', 'r_r_shoulder',
        'r_elbow', 'l_y_hip', 'l_p_hip', 'l_r_hip', 'l_knee',
    }
    points[INDEX['left_hip']] = np.nan
    assert find_joint_angles(points) == {}

"""Frames of bodies: places, axes and handedness, by composing transforms as tf2 does."""

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from people import make_body
from std_msgs.msg import Header

from ros2_hand_action.nodes.conversions import stamp_from_ns
from ros2_hand_action.nodes.transforms import body_transforms
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS

HEADER = Header(stamp=stamp_from_ns(1_500_000_000), frame_id='camera_optical')


def matrix(frame: TransformStamped) -> np.ndarray:
    """Return the matrix (4, 4) that takes points of the child to the parent."""
    q, t = frame.transform.rotation, frame.transform.translation
    x, y, z, w = q.x, q.y, q.z, q.w
    made = np.eye(4)
    made[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    made[:3, 3] = t.x, t.y, t.z
    return made


def frames_of(*bodies) -> dict[str, TransformStamped]:
    return {frame.child_frame_id: frame for frame in body_transforms(bodies, HEADER).transforms}


def test_frames_are_children_of_the_image_with_its_stamp():
    frames = frames_of(make_body('p1'), make_body('p2'))
    assert {(frame.header.frame_id, frame.header.stamp.sec) for frame in frames.values()} == {
        ('camera_optical', 1)
    }
    known = np.isfinite(make_body().keypoints_m).all(axis=1)
    names = {KEYPOINTS[index] for index in np.flatnonzero(known)} | {'body'}
    assert frames.keys() == {f'{name}_{key}' for name in names for key in ('p1', 'p2')}


def test_joints_seen_from_the_body():
    """In the body's own frame left is at +y, the neck at +z and an arm stretched ahead at +x."""
    frames = frames_of(make_body())
    to_body = np.linalg.inv(matrix(frames['body_p1']))

    def seen(name: str) -> np.ndarray:
        return (to_body @ matrix(frames[f'{name}_p1']))[:3, 3]

    assert seen('pelvis') == pytest.approx(np.zeros(3), abs=1e-6)
    assert seen('left_hip') == pytest.approx(np.array([0, 0.1, 0]), abs=1e-6)
    assert seen('right_shoulder') == pytest.approx(np.array([0, -0.2, 0.5]), abs=1e-6)
    assert seen('neck') == pytest.approx(np.array([0, 0, 0.5]), abs=1e-6)
    assert seen('left_wrist') == pytest.approx(np.array([0.4, 0.6, 0.3]), abs=1e-6)


def test_axes_are_right_handed_and_those_of_the_body():
    frames = frames_of(make_body())
    body = matrix(frames['body_p1'])[:3, :3]
    assert np.cross(body[:, 0], body[:, 1]) == pytest.approx(body[:, 2], abs=1e-6)
    assert body[:, 0] == pytest.approx(np.array([0, 0, -1]), abs=1e-6)  # out of the chest
    for frame in frames.values():
        assert matrix(frame)[:3, :3] == pytest.approx(body, abs=1e-6)


def test_a_body_turned_away_faces_away():
    half_turn = np.array([[-1, 0, 0], [0, 1, 0], [0, 0, -1]], np.float32)
    center = np.array([0, 0, 3], np.float32)
    points = (make_body().keypoints_m - center) @ half_turn.T + center
    body = matrix(frames_of(make_body(keypoints_m=points))['body_p1'])[:3, :3]
    assert body[:, 0] == pytest.approx(np.array([0, 0, 1]), abs=1e-6)
    assert body[:, 2] == pytest.approx(np.array([0, -1, 0]), abs=1e-6)


def test_without_hips_there_is_no_body_frame():
    points = make_body().keypoints_m.copy()
    for name in ('pelvis', 'torso', 'left_hip', 'right_hip'):
        points[INDEX[name]] = np.nan
    frames = frames_of(make_body(keypoints_m=points))
    assert 'body_p1' not in frames and 'left_hip_p1' not in frames
    assert matrix(frames['neck_p1'])[:3, :3] == pytest.approx(np.eye(3))


def test_every_number_is_finite():
    for frame in frames_of(make_body()).values():
        assert np.isfinite(matrix(frame)).all()


def test_nobody_has_no_frames():
    assert frames_of() == {}

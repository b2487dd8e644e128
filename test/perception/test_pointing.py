"""Arms that point give rays that meet the floor where they should."""

import numpy as np
import pytest
from bodies import standing_body

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.pointing import (
    Plane,
    PointingMethod,
    find_pointing,
    floor_plane,
    meet_plane,
    parse_plane,
)
from ros2_hand_action.perception.records import Body, Handedness
from ros2_hand_action.perception.skeleton import INDEX

FLOOR = Plane((0.0, 1.0, 0.0), 1.0)


def _body(wrist_direction: tuple[float, float, float], confidence: float = 0.9) -> Body:
    """Return a body whose straight left arm goes in this direction."""
    points = standing_body() + (0, 0, 3.0)
    shoulder = points[INDEX['left_shoulder']]
    ahead = np.array(wrist_direction) / np.linalg.norm(wrist_direction)
    for name, length in (('elbow', 0.28), ('wrist', 0.53), ('index_knuckle', 0.62)):
        points[INDEX[f'left_{name}']] = shoulder + length * ahead
    points[[INDEX['right_elbow'], INDEX['right_wrist']]] = np.nan
    return Body('p1', 1.0, np.zeros(4), np.zeros((34, 2)), np.full(34, confidence), points)


def _only(body: Body, **options) -> object:
    rays = find_pointing(body, **options)
    assert len(rays) == 1
    return rays[0]


def test_forearm_points_along_the_arm_and_meets_the_floor() -> None:
    body = _body((0.5, 0.5, -1.0))
    ray = _only(body, method=PointingMethod.FOREARM, plane=FLOOR)
    assert ray.arm is Handedness.LEFT and ray.body_id == 'p1'
    assert np.allclose(ray.direction, np.array([0.5, 0.5, -1]) / np.sqrt(1.5))
    assert ray.target_m[1] == pytest.approx(1.0)
    along = ray.target_m - ray.origin_m
    assert np.allclose(along / np.linalg.norm(along), ray.direction)
    assert ray.confidence == pytest.approx(0.9)


def test_eye_ray_goes_through_the_knuckle() -> None:
    body = _body((0.3, 0.0, -1.0))
    ray = _only(body)
    eyes = body.keypoints_m[[INDEX['left_eye'], INDEX['right_eye']]].mean(axis=0)
    gap = body.keypoints_m[INDEX['left_index_knuckle']] - eyes
    assert np.allclose(ray.origin_m, eyes)
    assert np.allclose(np.cross(ray.direction, gap), 0, atol=1e-9)
    assert np.isnan(ray.target_m).all()


def test_wrist_serves_where_the_knuckle_is_unknown() -> None:
    body = _body((0.3, 0.0, -1.0))
    body.keypoints_m[INDEX['left_index_knuckle']] = np.nan
    gap = body.keypoints_m[INDEX['left_wrist']] - _only(body).origin_m
    assert np.allclose(_only(body).direction, gap / np.linalg.norm(gap))


def test_hanging_and_bent_arms_do_not_point() -> None:
    assert _only(_body((0.0, 1.0, -0.05))).confidence == 0
    bent = _body((0.3, 0.0, -1.0))
    bent.keypoints_m[INDEX['left_wrist']] = bent.keypoints_m[INDEX['left_elbow']] + (0, -0.25, 0)
    assert _only(bent).confidence == 0


def test_unknown_joints_give_no_ray() -> None:
    body = _body((0.3, 0.0, -1.0))
    body.keypoints_m[INDEX['left_eye']] = np.nan
    assert find_pointing(body) == ()
    assert len(find_pointing(body, method=PointingMethod.FOREARM)) == 1


def test_ray_away_from_or_along_the_plane_meets_nothing() -> None:
    origin = np.array([0.0, 0, 3])
    assert np.isnan(meet_plane(origin, np.array([0.0, -1, 0]), FLOOR)).all()
    assert np.isnan(meet_plane(origin, np.array([1.0, 0, 0]), FLOOR)).all()
    assert np.allclose(meet_plane(origin, np.array([0.0, 1, 0]), Plane((0, 2, 0), 2)), [0, 1, 3])


def test_floor_of_a_camera_that_looks_down() -> None:
    ahead, straight_down = np.array([0.0, 0, 1]), np.array([0.0, 1, 0])
    level = floor_plane(height_m=1.2, pitch_deg=0)
    assert np.allclose(meet_plane(np.zeros(3), straight_down, level), [0, 1.2, 0])
    lowered = floor_plane(height_m=1.2, pitch_deg=30)
    assert np.allclose(meet_plane(np.zeros(3), ahead, lowered), [0, 0, 2.4])


def test_plane_of_four_numbers_has_a_distance_in_metres() -> None:
    wall = parse_plane('0 0 -2  -2.5')
    assert np.allclose(meet_plane(np.zeros(3), np.array([0.6, 0, 0.8]), wall), [1.875, 0, 2.5])
    assert parse_plane(' ') is None


@pytest.mark.parametrize(
    'text', ['0 0 0 1', '0 0 1', '0 0 1 2 3', 'a wall', '0 0 nan 1', 'inf 0 0 1', '0 0 1 inf']
)
def test_other_planes_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"'{text}' is no plane.*NX NY NZ OFFSET_M"):
        parse_plane(text)

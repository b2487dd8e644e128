"""Left and right stay a person's own while a network wavers, and follow one who turns round."""

import numpy as np
import pytest
from bodies import standing_body

from ros2_hand_action.perception.body_sides import BodySides
from ros2_hand_action.perception.skeleton import INDEX, MIRROR

STEP_NS = 33_333_333
RADIUS_PX = 200.0
LEFT, RIGHT = INDEX['left_shoulder'], INDEX['right_shoulder']


def _seen(turn: float = 0.0) -> np.ndarray:
    """Return keypoints (34, 2) of a person who has turned by an angle, as from far away."""
    points = standing_body() * RADIUS_PX
    return np.column_stack([
        320 + np.cos(turn) * points[:, 0] + np.sin(turn) * points[:, 2], 240 + points[:, 1]
    ])


def _follow(looks: list[np.ndarray], step_ns: int = STEP_NS) -> list[np.ndarray]:
    sides = BodySides()
    return [
        sides.straighten(
            points, np.column_stack([points, np.full(34, float(place))]), np.ones(34),
            radius_px=RADIUS_PX, stamp_ns=(1 + place) * step_ns,
        )[0]
        for place, points in enumerate(looks)
    ]


def _left_is_right_of_the_image(points: np.ndarray) -> bool:
    return bool(points[LEFT, 0] > points[RIGHT, 0])


FRONT = _seen()
HALFWAY = (FRONT + FRONT[MIRROR]) / 2


@pytest.mark.parametrize('wavering', [
    [FRONT[MIRROR]] * 20,
    [FRONT[MIRROR], FRONT] * 10,
    [HALFWAY, FRONT[MIRROR], FRONT[MIRROR], HALFWAY, FRONT, HALFWAY, FRONT[MIRROR]],
    [HALFWAY, FRONT[MIRROR], HALFWAY, FRONT[MIRROR], FRONT[MIRROR]],
])
def test_sides_survive_a_confusion_and_what_lies_between(wavering) -> None:
    for points in _follow([FRONT] * 30 + wavering + [FRONT] * 5):
        np.testing.assert_allclose(points, FRONT)


def test_who_is_seen_in_another_pose_is_not_held() -> None:
    narrow = _seen(np.pi / 2)
    moved = narrow + np.random.default_rng(0).normal(0, 0.3 * RADIUS_PX, narrow.shape)
    np.testing.assert_array_equal(_follow([narrow] * 10 + [moved])[-1], moved)


def test_second_look_at_a_new_person_counts() -> None:
    np.testing.assert_array_equal(_follow([FRONT, HALFWAY])[-1], HALFWAY)


def test_depths_are_the_last_good_ones_during_a_confusion() -> None:
    sides = BodySides()
    for place, points in enumerate([FRONT] * 10 + [FRONT[MIRROR]] * 3):
        _, relative_m, confidence = sides.straighten(
            points, np.full((34, 3), float(place)), np.arange(34.0),
            radius_px=RADIUS_PX, stamp_ns=(1 + place) * STEP_NS,
        )
    assert (relative_m == 9).all()
    np.testing.assert_array_equal(confidence, np.arange(34.0)[MIRROR])


def test_wrong_first_look_is_put_right_within_a_third_of_a_second() -> None:
    found = _follow([FRONT[MIRROR]] + [FRONT] * 20)
    assert all(_left_is_right_of_the_image(points) for points in found[11:])


def test_who_is_seen_the_other_way_for_longer_is_believed() -> None:
    found = _follow([FRONT] * 60 + [FRONT[MIRROR]] * 40)
    assert _left_is_right_of_the_image(found[85])
    assert not _left_is_right_of_the_image(found[-1])


@pytest.mark.parametrize('step_ns', [STEP_NS, 100_000_000, 200_000_000])
@pytest.mark.parametrize('phase', np.linspace(0, 0.9, 7))
def test_who_turns_round_has_no_sides_exchanged(step_ns, phase) -> None:
    turn_per_s = np.pi * 0.6
    angles = turn_per_s * (np.arange(3 * 10**9 // step_ns) + phase) * step_ns * 1e-9
    looks = [_seen(min(max(angle - np.pi * 0.6, 0), np.pi)) for angle in angles]
    for found, points in zip(_follow(looks, step_ns), looks):
        np.testing.assert_allclose(found, points)


def test_after_a_pause_the_network_is_believed() -> None:
    sides = BodySides()
    for stamp_ns, points in ((1, FRONT), (400_000_001, FRONT[MIRROR])):
        found, _, _ = sides.straighten(
            points, np.zeros((34, 3)), np.ones(34), radius_px=RADIUS_PX, stamp_ns=stamp_ns
        )
    np.testing.assert_array_equal(found, FRONT[MIRROR])

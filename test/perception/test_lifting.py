"""A body of known size comes back from its pixels where it was."""

import numpy as np
import pytest
from bodies import camera, standing_body

from ros2_hand_action.perception import lifting
from ros2_hand_action.perception.lifting import body_height, lift, solve_translation, view_rotation
from ros2_hand_action.perception.skeleton import INDEX

CERTAIN = np.ones(34)


def _place(x: float, z: float, turn_deg: float = 0.0, height_m: float = 1.7) -> np.ndarray:
    angle = np.radians(turn_deg)
    turn = np.array([
        [np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)],
    ])
    return standing_body(height_m) @ turn.T + (x, 0.1, z)


@pytest.mark.parametrize('turn_deg', [0, 40, 90, 200])
@pytest.mark.parametrize(('x', 'z'), [(0, 2.5), (0.8, 3.0), (-1.2, 6.0)])
def test_body_with_exact_depths_is_placed_where_it_is(
    x: float, z: float, turn_deg: float
) -> None:
    truth = _place(x, z, turn_deg)
    rays = camera().unproject(camera().project(truth))
    found = lift(0.9 * (truth - truth[0]), rays, CERTAIN, height_m=1.7)
    assert np.nanmax(np.linalg.norm(found - truth, axis=1)) < 3e-3


def test_wrong_height_scales_the_distance_alike() -> None:
    truth = _place(0.3, 3.0)
    rays = camera().unproject(camera().project(truth))
    found = lift(truth - truth[0], rays, CERTAIN, height_m=1.87)
    assert np.allclose(found, truth * 1.1, atol=2e-3)


def test_lengths_correct_depths_that_the_network_got_wrong() -> None:
    truth = _place(0.2, 3.0, 20)
    rays = camera().unproject(camera().project(truth))
    wrong = truth - truth[0]
    wrong[[INDEX['left_elbow'], INDEX['left_wrist']], 2] -= 0.15
    start = wrong + truth[0]
    found = lift(wrong, rays, CERTAIN, height_m=1.7)
    wrist = INDEX['left_wrist']
    assert np.linalg.norm(found[wrist] - truth[wrist]) < 0.5 * np.linalg.norm(
        start[wrist] - truth[wrist]
    )


def test_keypoints_stay_on_their_rays() -> None:
    truth = _place(0.5, 2.0, 30)
    pixels = camera().project(truth)
    noise = np.random.default_rng(0).normal(0, 0.05, (34, 3))
    found = lift(truth - truth[0] + noise, camera().unproject(pixels), CERTAIN, height_m=1.7)
    limbs = [index for index in range(34) if index not in (0, 3, 6)]
    assert np.allclose(camera().project(found)[limbs], pixels[limbs], atol=1e-6)
    assert np.allclose(found[0], (found[1] + found[2]) / 2)


def test_keypoints_that_the_network_never_gives_stay_unknown() -> None:
    truth = _place(0, 3.0)
    truth[INDEX['left_small_toe']] = np.nan
    rays = camera().unproject(camera().project(truth))
    found = lift(truth - truth[0], rays, CERTAIN, height_m=1.7)
    assert np.isnan(found[INDEX['left_small_toe']]).all()
    assert np.isfinite(np.delete(found, INDEX['left_small_toe'], axis=0)).all()


def test_body_without_rays_is_not_placed() -> None:
    truth = standing_body()
    assert np.isnan(lift(truth, np.full((34, 3), np.nan), CERTAIN, height_m=1.7)).all()


def test_translation_ignores_unknown_points_and_needs_two() -> None:
    truth = _place(0.4, 2.0)
    rays = camera().unproject(camera().project(truth))
    relative = truth - truth[0]
    relative[5:] = np.nan
    assert np.allclose(solve_translation(relative, rays, CERTAIN), truth[0])
    relative[1:] = np.nan
    assert np.isnan(solve_translation(relative, rays, CERTAIN)).all()


def test_translation_that_contradicts_perspective_goes_by_size() -> None:
    truth = _place(0.4, 2.0)
    rays = camera().unproject(camera().project(truth))
    inverted = (truth - truth[0]) * (1, 1, -1)
    inverted[:, 2] -= 2.5  # deeper than the perspective allows
    found = solve_translation(inverted, rays, CERTAIN)
    assert np.isfinite(found).all() and (found + inverted.mean(axis=0))[2] > 0
    dot = np.repeat(rays[:1], 34, axis=0)
    assert np.isnan(solve_translation(-(truth - truth[0]), dot, CERTAIN)).all()


def test_upper_body_alone_is_placed() -> None:
    truth = _place(0.1, 0.9)
    rays = camera().unproject(camera().project(truth))
    weights = np.ones(34)
    legs = [INDEX[f'{side}_{part}'] for side in ('left', 'right')
            for part in ('knee', 'ankle', 'heel', 'big_toe', 'small_toe')]
    weights[legs] = 0
    guess = truth - truth[0]
    guess[legs, 2] -= 0.8  # legs out of view are guessed
    found = lift(guess, rays, weights, height_m=1.7)
    seen = np.setdiff1d(np.arange(34), legs)
    assert np.abs(found[seen] - truth[seen]).max() < 0.15


def test_height_of_the_model_body() -> None:
    assert body_height(_place(1, 2, 70, 1.83)) == pytest.approx(1.83, rel=0.01)


def test_view_rotation_turns_ahead_onto_the_ray() -> None:
    ray = np.array([0.4, -0.3, 1.0])
    turn = view_rotation(ray)
    assert np.allclose(turn @ [0, 0, 1], ray / np.linalg.norm(ray))
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)
    assert np.array_equal(view_rotation(np.array([0, 0, 2.0])), np.eye(3))


def test_every_keypoint_has_a_joint_to_follow_or_is_computed() -> None:
    lonely = {
        name for name, index in INDEX.items() if lifting._LEADERS[index] < 0
    }
    assert lonely == {
        'pelvis', 'torso', 'neck', 'nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear'
    }

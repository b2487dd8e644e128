"""Scores of poses on numbers that can be worked out by hand."""

import numpy as np
import pytest
from bodies import standing_body

from ros2_hand_action.perception.pose_metrics import align, score_poses
from ros2_hand_action.perception.skeleton import INDEX, LIMB_JOINTS

ROOTS = [LIMB_JOINTS.index('left_hip'), LIMB_JOINTS.index('right_hip')]
TRUTH = standing_body()[[INDEX[name] for name in LIMB_JOINTS]] + (0.2, 0, 3)


def _score(poses, truths=None):
    return score_poses(LIMB_JOINTS, poses, truths or [TRUTH] * len(poses), ROOTS)


def test_perfect_poses() -> None:
    scores = _score([TRUTH, TRUTH])
    assert (scores.bodies, scores.found, scores.pck) == (2, 2, 1.0)
    assert scores.mpjpe_mm == pytest.approx(0, abs=1e-9)
    assert scores.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)
    assert scores.root_distance_error == pytest.approx(0)


def test_root_error_is_apart_from_the_pose() -> None:
    scores = _score([TRUTH + TRUTH[ROOTS].mean(axis=0) * 0.1])
    assert scores.mpjpe_mm == pytest.approx(0, abs=1e-9)
    assert scores.root_distance_error == pytest.approx(0.1)


def test_one_joint_off() -> None:
    pose = TRUTH.copy()
    pose[0] += (0, 0.24, 0)
    scores = _score([pose])
    assert scores.mpjpe_mm == pytest.approx(240 / 12)
    assert scores.joint_mpjpe_mm['left_shoulder'] == pytest.approx(240)
    assert scores.pck == pytest.approx(11 / 12)
    assert 0 < scores.pa_mpjpe_mm < scores.mpjpe_mm * 2


def test_alignment_undoes_turn_scale_and_shift_but_no_mirror() -> None:
    angle = 0.7
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0],
                     [-np.sin(angle), 0, np.cos(angle)]])
    assert np.allclose(align(1.3 * TRUTH @ turn.T + (1, 2, 3), TRUTH), TRUTH)
    lopsided = TRUTH.copy()
    lopsided[:, 2] += np.linspace(0, 0.5, 12) ** 2
    assert not np.allclose(align(lopsided * (-1, 1, 1), lopsided), lopsided, atol=0.02)


def test_missing_people_and_joints() -> None:
    partial, truth = TRUTH.copy(), TRUTH.copy()
    partial[3] = np.nan
    truth[5] = np.nan
    scores = _score([None, partial], [TRUTH, truth])
    assert (scores.bodies, scores.found) == (2, 1)
    assert scores.mpjpe_mm == pytest.approx(0, abs=1e-9)
    assert scores.pck == pytest.approx(10 / 23)
    nobody = _score([None])
    assert nobody.found == 0 and np.isnan(nobody.mpjpe_mm) and nobody.pck == 0

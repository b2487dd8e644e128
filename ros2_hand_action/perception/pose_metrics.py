"""How well 3D joints agree with the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PCK_DISTANCE_M = 0.15
"""A joint nearer than this to the truth, relative to the root, counts as correct (the usual
threshold of MPI-INF-3DHP)."""

_LEAST_ALIGNED = 4


@dataclass(frozen=True)
class PoseScores:
    """Figures over many bodies.

    Attributes
    ----------
    bodies, found : int
        Bodies in the truth, and how many of them were found.
    mpjpe_mm : float
        Mean distance of the joints of found bodies from the truth, roots on each other.
    pa_mpjpe_mm : float
        The same after the best rotation, scale and translation of each body (Procrustes).
    root_distance_error : float
        Mean of |distance of the root found / true - 1|.
    pck : float
        Part of all joints, also those of bodies that were not found, within PCK_DISTANCE_M.
    joint_mpjpe_mm : dict of str to float
        `mpjpe_mm` of each joint.
    """

    bodies: int
    found: int
    mpjpe_mm: float
    pa_mpjpe_mm: float
    root_distance_error: float
    pck: float
    joint_mpjpe_mm: dict[str, float]


def align(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return points (k, 3) after the similarity that brings them nearest to the truth (k, 3).

    Umeyama 1991, https://doi.org/10.1109/34.88573. No reflection.
    """
    centered, goal = points - points.mean(axis=0), truth - truth.mean(axis=0)
    left, stretch, right = np.linalg.svd(centered.T @ goal)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left * signs @ right
    scale = (stretch * signs).sum() / max((centered**2).sum(), 1e-12)
    aligned: np.ndarray = scale * centered @ rotation + truth.mean(axis=0)
    return aligned


def score_poses(
    names: Sequence[str],
    poses_m: Sequence[np.ndarray | None],
    truths_m: Sequence[np.ndarray],
    roots: Sequence[int],
) -> PoseScores:
    """Score bodies joint by joint.

    Parameters
    ----------
    names : sequence of str
        Names of the k joints.
    poses_m : sequence of np.ndarray or None
        (k, 3) for each body in the camera's frame, NaN where a joint is unknown; None where the
        body was not found.
    truths_m : sequence of np.ndarray
        (k, 3) for each body, NaN where the truth is unknown.
    roots : sequence of int
        The joints whose mean is the root. Bodies whose root is unknown count as not found.
    """
    root_places = list(roots)
    errors, aligned, distances = [], [], []
    correct = joints = 0
    for pose, truth in zip(poses_m, truths_m):
        joints += int(np.isfinite(truth).all(axis=1).sum())
        if pose is None or not np.isfinite(pose[root_places]).all():
            continue
        root, true_root = pose[root_places].mean(axis=0), truth[root_places].mean(axis=0)
        error = np.linalg.norm((pose - root) - (truth - true_root), axis=1)
        errors.append(error)
        correct += int((error < PCK_DISTANCE_M).sum())
        distances.append(abs(np.linalg.norm(root) / np.linalg.norm(true_root) - 1))
        known = np.isfinite(error)
        if known.sum() >= _LEAST_ALIGNED:
            gaps = align(pose[known], truth[known]) - truth[known]
            aligned.append(np.linalg.norm(gaps, axis=1).mean())
    table = np.reshape(errors, (-1, len(names)))
    return PoseScores(
        bodies=len(truths_m),
        found=len(errors),
        mpjpe_mm=_mean_mm(table),
        pa_mpjpe_mm=_mean_mm(np.array(aligned)),
        root_distance_error=float(np.mean(distances)) if distances else float('nan'),
        pck=correct / max(joints, 1),
        joint_mpjpe_mm={name: _mean_mm(column) for name, column in zip(names, table.T)},
    )


def _mean_mm(errors_m: np.ndarray) -> float:
    known = errors_m[np.isfinite(errors_m)]
    return float(known.mean() * 1e3) if known.size else float('nan')

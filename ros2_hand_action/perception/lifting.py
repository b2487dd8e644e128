"""From pixels and relative depth to metres in the camera's frame.

A network sees a body in a crop: it knows well where the joints are in the image, roughly how deep
they lie relative to each other, and hardly how large the person is. The camera's rays, the
person's height and the proportions of the human body give the rest.

Arrays follow `perception.skeleton`: 34 keypoints, NaN where a network never gives one.
"""

import cv2
import numpy as np

from ros2_hand_action.perception.skeleton import INDEX, LIMB_JOINTS

_JOINTS = np.array([INDEX[name] for name in LIMB_JOINTS])
_PLACE = {name: place for place, name in enumerate(LIMB_JOINTS)}

_SPAN_OF_HEIGHT = 0.779
"""Shank + thigh + hips to shoulders, over body height: 0.246 + 0.245 + 0.288 (Drillis and
Contini, Body Segment Parameters, 1966)."""

_LENGTHS_OF_HEIGHT = (
    ('left_shoulder', 'right_shoulder', 0.208),
    ('left_hip', 'right_hip', 0.128),
    ('*_shoulder', '*_elbow', 0.160),
    ('*_elbow', '*_wrist', 0.148),
    ('*_hip', '*_knee', 0.240),
    ('*_knee', '*_ankle', 0.228),
    ('*_shoulder', '*_hip', 0.315),
    ('left_shoulder', 'right_hip', 0.355),
    ('right_shoulder', 'left_hip', 0.355),
)
"""Distances between joints over body height; '*' is either side. See docs/body_pose.md."""

_LENGTH_SIGMA = 0.018
"""How far people differ from the proportions, over body height."""
_DEPTH_SIGMA = 0.06
"""Error of the networks' depth from joint to joint, over body height."""
_ROOT_SIGMA = 0.3
"""Error of a body's distance before lengths are taken into account, over body height."""
_STEPS = 6
_MIN_WEIGHT = 1e-3
"""Of keypoints out of view, which networks guess."""
_NEAREST_M = 0.1
_LEAST_SPREAD = 1e-6

_FOLLOWS = {
    'wrist': ('pinky_knuckle', 'index_knuckle', 'middle_tip', 'thumb_tip'),
    'ankle': ('heel', 'big_toe', 'small_toe'),
}


def _expand(pairs: tuple[tuple[str, str, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return (m, 2) places in LIMB_JOINTS and (m,) lengths; '*' becomes both sides."""
    ends, lengths = [], []
    for first, second, length in pairs:
        for side in ('left', 'right') if '*' in first else ('',):
            ends.append([_PLACE[name.replace('*', side)] for name in (first, second)])
            lengths.append(length)
    return np.array(ends), np.array(lengths)


_ENDS, _LENGTHS = _expand(_LENGTHS_OF_HEIGHT)
_CHAINED = _ENDS[:10]
"""The pairs whose difference of depth the network is asked for: the body's chains."""


def _find_leaders() -> np.ndarray:
    """Return (34,) the limb joint that each keypoint moves with, itself for limb joints."""
    leaders = np.full(len(INDEX), -1)
    leaders[_JOINTS] = _JOINTS
    for joint, followers in _FOLLOWS.items():
        for side in ('left', 'right'):
            for name in followers:
                leaders[INDEX[f'{side}_{name}']] = INDEX[f'{side}_{joint}']
    return leaders


_LEADERS = _find_leaders()
_HEAD = np.array([INDEX[name] for name in ('nose', 'left_eye', 'right_eye', 'left_ear',
                                           'right_ear')])
_SHOULDERS = [INDEX['left_shoulder'], INDEX['right_shoulder']]
_HIPS = [INDEX['left_hip'], INDEX['right_hip']]
_PELVIS, _NECK, _TORSO = INDEX['pelvis'], INDEX['neck'], INDEX['torso']


def view_rotation(ray: np.ndarray) -> np.ndarray:
    """Return the matrix (3, 3) from the axes of a camera that looks along `ray` to the camera's.

    It is the shortest turn: a crop around `ray` looks to a network like an image of such a
    camera.
    """
    ahead = ray / np.linalg.norm(ray)
    axis = np.array([-ahead[1], ahead[0], 0.0])  # z x ahead
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        return np.eye(3)
    matrix, _ = cv2.Rodrigues(axis / sine * np.arctan2(sine, ahead[2]))
    return np.asarray(matrix)


def solve_translation(
    relative_m: np.ndarray, rays: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return where the origin of `relative_m` is, so that the points lie on their rays.

    Linear least squares of x - u z = 0, y - v z = 0 over all points.

    Parameters
    ----------
    relative_m : np.ndarray
        (k, 3): points of a body around its own origin, in the camera's axes.
    rays : np.ndarray
        (k, 3): where they are seen, z = 1.
    weights : np.ndarray
        (k,): at least 0; points with NaN do not count.

    Returns
    -------
    np.ndarray
        (3,) metres; NaN where fewer than two points are known, or all look like one.
    """
    known = np.isfinite(relative_m).all(axis=1) & np.isfinite(rays).all(axis=1) & (weights > 0)
    if known.sum() < 2:
        return np.full(3, np.nan)
    points, slopes = relative_m[known], rays[known, :2]
    if np.ptp(slopes, axis=0).max() < _LEAST_SPREAD:
        return np.full(3, np.nan)
    rows = np.zeros((2, len(points), 3))
    rows[0, :, 0] = rows[1, :, 1] = 1
    rows[:, :, 2] = -slopes.T
    wanted = (slopes * points[:, 2:] - points[:, :2]).T
    trust = np.tile(weights[known], 2)
    slope = rows.reshape(-1, 3)
    is_solved, solution = cv2.solve(
        (slope * trust[:, None]).T @ slope, (slope * trust[:, None]).T @ wanted.ravel(),
        flags=cv2.DECOMP_CHOLESKY,
    )
    if is_solved and (points[:, 2] + solution[2, 0]).min() > 0:
        return np.asarray(solution[:, 0])
    return _translate_by_size(points, slopes, weights[known])


def _translate_by_size(
    points_m: np.ndarray, slopes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the translation (3,) at which the points look as large as they do.

    Weak perspective: less exact near the camera, but never behind it.
    """
    middle_m, middle = (
        np.average(values, axis=0, weights=weights) for values in (points_m, slopes)
    )
    size_m, size = (
        np.sqrt(np.average(((values - center)[:, :2] ** 2).sum(axis=1), weights=weights))
        for values, center in ((points_m, middle_m), (slopes, middle))
    )
    return np.array([*middle, 1.0]) * (size_m / size) - middle_m


def body_height(points_m: np.ndarray) -> float:
    """Return the height in metres that a body's legs and trunk suggest, in any frame (34, 3)."""
    joints = points_m[_JOINTS]
    left_right = joints.reshape(6, 2, 3)  # shoulder, elbow, wrist, hip, knee, ankle
    trunk = np.linalg.norm(left_right[0].mean(axis=0) - left_right[3].mean(axis=0))
    legs = np.linalg.norm(np.diff(left_right[3:], axis=0), axis=-1).mean(axis=1).sum()
    return float((trunk + legs) / _SPAN_OF_HEIGHT)


def lift(
    relative_m: np.ndarray, rays: np.ndarray, weights: np.ndarray, *, height_m: float
) -> np.ndarray:
    """Return keypoints (34, 3) in metres in the camera's frame, on their rays.

    Joints slide along their rays until the distances between them are those of a person of
    this height, as near as may be to the depths that the network gave (the distances bind as
    in Taylor 2000, https://doi.org/10.1006/cviu.2000.0878, here as Gauss-Newton with priors).

    Parameters
    ----------
    relative_m : np.ndarray
        (34, 3): what the network gave, any size, in the camera's axes.
    rays : np.ndarray
        (34, 3): where the keypoints are seen, z = 1.
    weights : np.ndarray
        (34,): how sure each keypoint is, 0 to 1.
    height_m : float
        Height of the person.

    Returns
    -------
    np.ndarray
        All NaN where the body cannot be placed.
    """
    sized = relative_m * (height_m / body_height(relative_m))
    trust = np.maximum(weights, _MIN_WEIGHT)
    start = np.maximum(sized[:, 2] + solve_translation(sized, rays, trust)[2], _NEAREST_M)
    if not np.isfinite(start[_JOINTS]).all():
        return np.full((len(INDEX), 3), np.nan)
    depths = _fit_depths(start[_JOINTS], rays[_JOINTS], trust[_JOINTS], height_m)
    return place_on_rays(start, np.maximum(depths, _NEAREST_M), rays)


def place_on_rays(start: np.ndarray, depths: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Return keypoints (34, 3) whose limb joints have the depths (12,).

    The others keep their distance in depth from the joint that they move with in `start` (34,);
    pelvis, neck and torso are in the middle of their parents.
    """
    moved = np.full(len(INDEX), np.nan)
    moved[_JOINTS] = depths
    led = _LEADERS >= 0
    shift = moved[_LEADERS[led]] - start[_LEADERS[led]]
    moved[led] = start[led] + shift
    moved[_HEAD] = start[_HEAD] + (moved[_SHOULDERS] - start[_SHOULDERS]).mean()
    points = np.asarray(rays * moved[:, None])
    points[_PELVIS] = points[_HIPS].mean(axis=0)
    points[_NECK] = points[_SHOULDERS].mean(axis=0)
    points[_TORSO] = (points[_PELVIS] + points[_NECK]) / 2
    return points


def _fit_depths(
    start: np.ndarray, rays: np.ndarray, weights: np.ndarray, height_m: float
) -> np.ndarray:
    """Return the depths (12,) of the limb joints."""
    first, second = _ENDS.T
    lengths = _LENGTHS * height_m
    trust = np.sqrt(np.minimum(weights[first], weights[second])) / (_LENGTH_SIGMA * height_m)
    chain = np.zeros((len(_CHAINED), len(start)))
    chain[np.arange(len(_CHAINED)), _CHAINED[:, 0]] = 1 / (_DEPTH_SIGMA * height_m)
    chain[np.arange(len(_CHAINED)), _CHAINED[:, 1]] = -1 / (_DEPTH_SIGMA * height_m)
    mean = np.full((1, len(start)), 1 / len(start) / (_ROOT_SIGMA * height_m))
    prior = np.concatenate([chain, mean])
    normal_prior = prior.T @ prior
    pull = normal_prior @ start
    rows = np.arange(len(_ENDS))
    depths = start.copy()
    for _ in range(_STEPS):
        points = rays * depths[:, None]
        apart = points[first] - points[second]
        distance = np.maximum(np.linalg.norm(apart, axis=1), 1e-6)
        slope = np.zeros((len(_ENDS), len(start)))
        slope[rows, first] = trust * (apart * rays[first]).sum(axis=1) / distance
        slope[rows, second] = -trust * (apart * rays[second]).sum(axis=1) / distance
        wanted = slope @ depths - trust * (distance - lengths)
        # cv2's solver runs in this thread; numpy's would wake another for so small a matrix.
        _, solution = cv2.solve(
            slope.T @ slope + normal_prior, slope.T @ wanted + pull, flags=cv2.DECOMP_CHOLESKY
        )
        depths = solution[:, 0]
    return depths

"""The skeleton of a body: names, order, limbs, and the way from and to other skeletons.

The order is that of NVIDIA's BodyPose3DNet and of BodyPose.msg. Left and right are the
person's own. What a model does not give stays unknown: NaN, with confidence 0.
"""

import numpy as np

KEYPOINTS = (
    'pelvis', 'left_hip', 'right_hip', 'torso', 'left_knee', 'right_knee', 'neck',
    'left_ankle', 'right_ankle', 'left_big_toe', 'right_big_toe', 'left_small_toe',
    'right_small_toe', 'left_heel', 'right_heel', 'nose', 'left_eye', 'right_eye',
    'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
    'left_wrist', 'right_wrist', 'left_pinky_knuckle', 'right_pinky_knuckle',
    'left_middle_tip', 'right_middle_tip', 'left_index_knuckle', 'right_index_knuckle',
    'left_thumb_tip', 'right_thumb_tip',
)
"""The 34 keypoints in their order."""

INDEX = {name: index for index, name in enumerate(KEYPOINTS)}
"""Keypoint -> its place in KEYPOINTS."""

LIMB_JOINTS = tuple(
    f'{side}_{joint}'
    for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
    for side in ('left', 'right')
)
"""The 12 joints of arms and legs, on which poses are scored."""

BLAZEPOSE = (
    'nose', 'left_eye_inner', 'left_eye', 'left_eye_outer', 'right_eye_inner', 'right_eye',
    'right_eye_outer', 'left_ear', 'right_ear', 'mouth_left', 'mouth_right', 'left_shoulder',
    'right_shoulder', 'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_pinky',
    'right_pinky', 'left_index', 'right_index', 'left_thumb', 'right_thumb', 'left_hip',
    'right_hip', 'left_knee', 'right_knee', 'left_ankle', 'right_ankle', 'left_heel',
    'right_heel', 'left_foot_index', 'right_foot_index',
)
"""The 33 landmarks of MediaPipe's BlazePose, in its order."""

_BLAZEPOSE_NAMES = {
    'pinky_knuckle': 'pinky', 'index_knuckle': 'index', 'big_toe': 'foot_index',
}
"""Names that differ. BlazePose's thumb is the joint below the tip, so thumb tips stay unknown."""

OPENPOSE = (
    'nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder',
    'left_elbow', 'left_wrist', 'right_hip', 'right_knee', 'right_ankle', 'left_hip',
    'left_knee', 'left_ankle', 'left_eye', 'right_eye', 'left_ear', 'right_ear',
)
"""OpenPose's 18 keypoints as hri_msgs/Skeleton2D numbers them: left eye and ear come first."""

_MIDPOINTS = (
    ('pelvis', 'left_hip', 'right_hip'),
    ('neck', 'left_shoulder', 'right_shoulder'),
    ('torso', 'pelvis', 'neck'),
)
"""Keypoints that BlazePose lacks, each halfway between two others, in order of computation."""


def _pairs(*names: tuple[str, str]) -> tuple[tuple[int, int], ...]:
    return tuple((INDEX[first], INDEX[second]) for first, second in names)


def _both_sides(*names: tuple[str, str]) -> tuple[tuple[int, int], ...]:
    """Return limbs of both sides; '*' stands for the side."""
    return _pairs(*(
        (first.replace('*', side), second.replace('*', side))
        for side in ('left', 'right') for first, second in names
    ))


LIMBS = _pairs(('pelvis', 'torso'), ('torso', 'neck'), ('neck', 'nose')) + _both_sides(
    ('pelvis', '*_hip'), ('*_hip', '*_knee'), ('*_knee', '*_ankle'), ('*_ankle', '*_heel'),
    ('*_ankle', '*_big_toe'), ('*_big_toe', '*_small_toe'), ('nose', '*_eye'),
    ('*_eye', '*_ear'), ('neck', '*_shoulder'), ('*_shoulder', '*_elbow'),
    ('*_elbow', '*_wrist'), ('*_wrist', '*_pinky_knuckle'), ('*_wrist', '*_index_knuckle'),
    ('*_wrist', '*_thumb_tip'), ('*_wrist', '*_middle_tip'),
)
"""Pairs of indices into KEYPOINTS that lines join, for drawing."""

LEFT_RIGHT = tuple(
    (index, INDEX[name.replace('left', 'right')])
    for index, name in enumerate(KEYPOINTS) if name.startswith('left')
)
"""Indices of each left keypoint and its right twin."""

MIRROR = np.arange(len(KEYPOINTS))
"""Index of each keypoint's twin on the other side; its own where it has none."""
for _left, _right in LEFT_RIGHT:
    MIRROR[[_left, _right]] = _right, _left


def _find_blazepose_places() -> np.ndarray:
    """Return (34,) index into BLAZEPOSE of each keypoint, -1 where it has none."""
    places = np.full(len(KEYPOINTS), -1)
    for index, name in enumerate(KEYPOINTS):
        side, _, part = name.partition('_')
        given = f'{side}_{_BLAZEPOSE_NAMES[part]}' if part in _BLAZEPOSE_NAMES else name
        if given in BLAZEPOSE:
            places[index] = BLAZEPOSE.index(given)
    return places


_FROM_BLAZEPOSE = _find_blazepose_places()
_TO_OPENPOSE = np.array([INDEX[name] for name in OPENPOSE])


def from_blazepose(points: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Arrange BlazePose's landmarks as keypoints; pelvis, neck and torso are computed.

    Parameters
    ----------
    points : np.ndarray
        (..., 33, d), in any unit.
    confidence : np.ndarray
        (..., 33): 0 to 1; 0 marks an unknown landmark.

    Returns
    -------
    tuple of np.ndarray
        float64 (..., 34, d), NaN = unknown, and (..., 34), 0 = unknown. A computed keypoint is
        the middle of its parents, known only where both are, as sure as the less sure one.
    """
    given = _FROM_BLAZEPOSE >= 0
    keypoints = np.full((*points.shape[:-2], len(KEYPOINTS), points.shape[-1]), np.nan)
    sure = np.zeros(keypoints.shape[:-1])
    keypoints[..., given, :] = points[..., _FROM_BLAZEPOSE[given], :]
    sure[..., given] = confidence[..., _FROM_BLAZEPOSE[given]]
    for name, first, second in _MIDPOINTS:
        parents = [INDEX[first], INDEX[second]]
        sure[..., INDEX[name]] = sure[..., parents].min(axis=-1)
        keypoints[..., INDEX[name], :] = keypoints[..., parents, :].mean(axis=-2)
    keypoints[sure <= 0] = np.nan
    return keypoints, sure


def to_openpose(keypoints: np.ndarray) -> np.ndarray:
    """Return the 18 points (..., 18, d) or values (..., 18) of OpenPose.

    Parameters
    ----------
    keypoints : np.ndarray
        (34, d) or (n, 34, d) points, or (34,) confidences.
    """
    return keypoints[_TO_OPENPOSE] if keypoints.ndim < 3 else keypoints[:, _TO_OPENPOSE]

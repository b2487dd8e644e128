"""What a gesture classifier looks at: numbers that do not depend on where a hand is or how big.

A classifier's ONNX input is named after the set of features that it wants.
"""

import numpy as np

GEOMETRY = 'hand_geometry_1'
"""Name of the features of `geometry_features`; changes when their meaning or order does."""

_WRIST, _THUMB_MCP, _THUMB_TIP = 0, 2, 4
_KNUCKLES = [5, 9, 13, 17]
_PIPS = [3, 6, 10, 14, 18]
_TIPS = [4, 8, 12, 16, 20]
_TIP_PAIRS = np.array([(4, 8), (4, 12), (4, 16), (4, 20), (8, 12), (12, 16), (16, 20)])
_JOINTS = np.array([
    (0, 1, 2), (1, 2, 3), (2, 3, 4),
    (0, 5, 6), (5, 6, 7), (6, 7, 8),
    (0, 9, 10), (9, 10, 11), (10, 11, 12),
    (0, 13, 14), (13, 14, 15), (14, 15, 16),
    (0, 17, 18), (17, 18, 19), (18, 19, 20),
])
_FINGERS = np.array([(2, 4), (5, 8), (9, 12), (13, 16), (17, 20)])
_TINY = 1e-6

GEOMETRY_SIZE = 60 + 60 + len(_JOINTS) + len(_TIP_PAIRS) + 2 * len(_TIPS) + 2 * 4 + 4
"""Number of features that `geometry_features` gives."""


def geometry_features(landmarks_px: np.ndarray, landmarks_m: np.ndarray) -> np.ndarray:
    """Describe hands by their landmarks.

    Parameters
    ----------
    landmarks_px, landmarks_m : np.ndarray
        (n, 21, 3): as in `Hand`.

    Returns
    -------
    np.ndarray
        float32 (n, GEOMETRY_SIZE), no unit: the image landmarks over their mean distance to the
        wrist and the metric ones over the palm's length, relative to the wrist, turned so that
        the knuckles are up; cosines of the joints' angles; distances between fingertips, and
        from tips and middle joints to the wrist, over the palm's length; cosines between
        neighbouring fingers in space and in the image; the directions of hand and thumb in the
        image, which alone depend on how the hand is turned in it.
    """
    image = np.asarray(landmarks_px, np.float64)
    image = image - image[:, :1]
    metric = np.asarray(landmarks_m, np.float64)
    metric = metric - metric[:, :1]
    up = _unit(image[:, _KNUCKLES, :2].mean(axis=1))
    thumb = _unit(image[:, _THUMB_TIP, :2] - image[:, _THUMB_MCP, :2])
    radius = np.sqrt(np.mean(np.sum(image[..., :2] ** 2, axis=2), axis=1))
    palm = np.linalg.norm(metric[:, _KNUCKLES], axis=2).mean(axis=1)
    image = _turn_up(image, up) / (radius[:, None, None] + _TINY)
    metric = _turn_up(metric, up) / (palm[:, None, None] + _TINY)
    count = len(image)
    return np.concatenate([
        image[:, 1:].reshape(count, -1),
        metric[:, 1:].reshape(count, -1),
        _bend_cosines(metric),
        np.linalg.norm(metric[:, _TIP_PAIRS[:, 0]] - metric[:, _TIP_PAIRS[:, 1]], axis=2),
        np.linalg.norm(metric[:, _TIPS], axis=2),
        np.linalg.norm(metric[:, _PIPS], axis=2),
        _spread_cosines(metric),
        _spread_cosines(image[..., :2]),
        up,
        thumb,
    ], axis=1).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + _TINY)


def _turn_up(points: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rotate points (n, 21, 3) about z so that the image direction `up` (n, 2) becomes -y."""
    turned = points.copy()
    x, y = points[..., 0], points[..., 1]
    up_x, up_y = up[:, :1], up[:, 1:]
    turned[..., 0] = -up_y * x + up_x * y
    turned[..., 1] = -up_x * x - up_y * y
    return turned


def _bend_cosines(points: np.ndarray) -> np.ndarray:
    """Return (n, 15) cosines of the angle by which each finger bends at each joint."""
    before = _unit(points[:, _JOINTS[:, 1]] - points[:, _JOINTS[:, 0]])
    after = _unit(points[:, _JOINTS[:, 2]] - points[:, _JOINTS[:, 1]])
    return np.sum(before * after, axis=2)


def _spread_cosines(points: np.ndarray) -> np.ndarray:
    """Return (n, 4) cosines of the angles between neighbouring fingers."""
    fingers = _unit(points[:, _FINGERS[:, 1]] - points[:, _FINGERS[:, 0]])
    return np.sum(fingers[:, 1:] * fingers[:, :-1], axis=2)

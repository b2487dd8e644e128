"""What a gesture classifier looks at: numbers that do not depend on where a hand is or how big.

A classifier's ONNX input is named after the set of features that it wants.
"""

import numpy as np

GEOMETRY = 'hand_geometry_2'
"""Name of the features of `geometry_features`; changes when their meaning or order does."""

THUMB_MCP, THUMB_TIP = 2, 4
KNUCKLES = slice(5, 18, 4)
_PIPS = (3, 6, 10, 14, 18)
_TIPS = (4, 8, 12, 16, 20)
_TIP_PAIRS = ((4, 8), (4, 12), (4, 16), (4, 20), (8, 12), (12, 16), (16, 20))
_FINGERS = ((2, 4), (5, 8), (9, 12), (13, 16), (17, 20))
_BONES = tuple(
    (joint - 1 if joint > base else 0, joint)
    for base in (1, 5, 9, 13, 17)
    for joint in range(base, base + 4)
)
_TINY = 1e-6

_METRIC = 21
"""Where the metric landmarks begin, behind those in the image."""
SPANS = np.array([
    *((a + _METRIC, b + _METRIC) for a, b in (*_BONES, *_FINGERS)),
    *_FINGERS,
    *((a + _METRIC, b + _METRIC) for a, b in _TIP_PAIRS),
    *((_METRIC, joint + _METRIC) for joint in (*_TIPS, *_PIPS)),
])
"""Pairs of landmarks whose difference matters: all in one array, as numpy's overhead per call is
what a hand costs."""
_FINGERS_START = len(_BONES)
_IMAGE_START = _FINGERS_START + len(_FINGERS)
DISTANCES_START = _IMAGE_START + len(_FINGERS)
ANGLES = np.array([
    *((bone, bone + 1) for bone in range(len(_BONES)) if bone % 4 < 3),
    *((span + 1, span) for span in range(_FINGERS_START, _IMAGE_START - 1)),
    *((span + 1, span) for span in range(_IMAGE_START, DISTANCES_START - 1)),
])
"""Pairs of spans whose angle matters: bends of each finger, then neighbouring fingers."""
BENDS = 15

_TURN = np.array([[0, -1, 1, 0], [-1, 0, 0, -1]])
"""The direction (x, y) that becomes -y -> the rotation matrix of row vectors, by rows."""

GEOMETRY_SIZE = 40 + 40 + BENDS + len(_TIP_PAIRS) + 2 * len(_TIPS) + 2 * 4 + 4
"""Number of features that `geometry_features` gives."""


def geometry_features(landmarks_px: np.ndarray, landmarks_m: np.ndarray) -> np.ndarray:
    """Describe hands by the x and y of their landmarks.

    Depth is left out: the network only guesses it, and otherwise for the back of a hand than
    for the palm, so that a classifier that knows it fails on the side that it was not shown.

    Parameters
    ----------
    landmarks_px, landmarks_m : np.ndarray
        (n, 21, 3): as in `Hand`.

    Returns
    -------
    np.ndarray
        float32 (n, GEOMETRY_SIZE), no unit: the image landmarks over their mean distance to the
        wrist and the metric ones over the palm's length, relative to the wrist, turned so that
        the knuckles are up; of the metric ones, cosines of the joints' angles, distances between
        fingertips, and from tips and middle joints to the wrist, over the palm's length; of
        both, cosines between neighbouring fingers; the directions of hand and thumb in the
        image, which alone depend on how the hand is turned in it.
    """
    points = np.stack([landmarks_px, landmarks_m], axis=1)[..., :2].astype(np.float64)
    points -= points[:, :, :1]
    count = len(points)
    image, metric_knuckles = points[:, 0], points[:, 1, KNUCKLES]
    up = _unit(image[:, KNUCKLES].sum(axis=1) / 4)
    thumb = _unit(image[:, THUMB_TIP] - image[:, THUMB_MCP])
    scales = np.empty((count, 2, 1, 1))
    scales[:, 0, 0, 0] = np.sqrt(np.einsum('nkc,nkc->n', image, image) / _METRIC)
    scales[:, 1, 0, 0] = _lengths(metric_knuckles).sum(axis=1) / 4
    turn = (up @ _TURN).reshape(-1, 1, 2, 2)
    points = points @ turn / (scales + _TINY)
    lengths, cosines = _measure_spans(points.reshape(count, -1, 2))
    return np.concatenate([
        points[:, :, 1:].reshape(count, -1),
        cosines[:, :BENDS],
        lengths[:, DISTANCES_START:],
        cosines[:, BENDS:],
        up,
        thumb,
    ], axis=1).astype(np.float32)


def _measure_spans(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths (n, spans) of SPANS and the cosines (n, angles) of ANGLES."""
    spans = points.take(SPANS[:, 1], axis=1) - points.take(SPANS[:, 0], axis=1)
    lengths = _lengths(spans)
    spans /= lengths[..., None] + _TINY
    pairs = spans.take(ANGLES.T, axis=1)
    return lengths, np.einsum('nac,nac->na', pairs[:, 0], pairs[:, 1])


def _lengths(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths (n, k) of vectors (n, k, c)."""
    lengths: np.ndarray = np.sqrt(np.einsum('nkc,nkc->nk', vectors, vectors))
    return lengths


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (n, 2) over their lengths."""
    return vectors / (_lengths(vectors[:, None]) + _TINY)

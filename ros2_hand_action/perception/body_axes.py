"""Which way a body faces: the axes of its trunk."""

import numpy as np

from ros2_hand_action.perception.skeleton import INDEX

_SIDES = [[INDEX[f'{side}_{part}'] for part in ('hip', 'shoulder')] for side in ('left', 'right')]


def find_body_axes(keypoints_m: np.ndarray) -> np.ndarray | None:
    """Return the rotation (3, 3) of a body, or None where the trunk is not known.

    Its columns are the body's axes in the camera's optical frame, right-handed as REP-103 and
    REP-155 have it: x forward out of the chest, y to the person's left, z up along the trunk.

    Parameters
    ----------
    keypoints_m : np.ndarray
        (34, 3): metres in the camera's optical frame, NaN = unknown.
    """
    points = keypoints_m.astype(np.float64)
    up = points[INDEX['neck']] - points[INDEX['pelvis']]
    left = points[_SIDES[0]].mean(axis=0) - points[_SIDES[1]].mean(axis=0)
    forward = np.cross(left, up)
    length = float(np.linalg.norm(forward))
    if not length > 0:  # NaN, or a body seen as a line
        return None
    z, x = up / np.linalg.norm(up), forward / length
    return np.column_stack([x, np.cross(z, x), z])


def quaternion(rotation: np.ndarray) -> tuple[float, float, float, float]:
    """Return a rotation matrix (3, 3) as unit quaternion x, y, z, w.

    By the eigenvector of Bar-Itzhack, "New method for extracting the quaternion from a rotation
    matrix", 2000, which is as exact for every rotation.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    matrix = np.array([
        [xx - yy - zz, 0, 0, 0],
        [yx + xy, yy - xx - zz, 0, 0],
        [zx + xz, zy + yz, zz - xx - yy, 0],
        [zy - yz, xz - zx, yx - xy, xx + yy + zz],
    ])
    x, y, z, w = np.linalg.eigh(matrix)[1][:, -1].tolist()  # eigh reads the lower triangle
    return (x, y, z, w) if w >= 0 else (-x, -y, -z, -w)

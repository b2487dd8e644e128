"""Several calibrated cameras that see the same points: triangulation and its error."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

_SUBPIXELS = 64.0
"""Qualisys files count 1/64 pixels and millimetres."""

_PIXEL_SIGMA = 5.0
"""How exact keypoints are."""

_HELD = np.array([np.radians(0.5)] * 3 + [0.02] * 3) ** -2.0
"""Weight of a camera's turn (0.5 degrees) and move (0.02 m) since its calibration."""


@dataclass(frozen=True)
class View:
    """One calibrated camera: OpenCV's matrix and distortion, and world -> camera."""

    matrix: np.ndarray
    distortion: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    def to_camera(self, points_m: np.ndarray) -> np.ndarray:
        """Return points (n, 3) of the world in the camera's optical frame."""
        moved: np.ndarray = points_m @ self.rotation.T + self.translation
        return moved

    def project(self, points_m: np.ndarray) -> np.ndarray:
        """Return the pixels (n, 2) of points of the world, centre of the first at (0, 0)."""
        turn, _ = cv2.Rodrigues(self.rotation)
        pixels, _ = cv2.projectPoints(
            points_m, turn, self.translation, self.matrix, self.distortion
        )
        return np.asarray(pixels[:, 0])

    def slopes(self, points_px: np.ndarray) -> np.ndarray:
        """Return x/z and y/z (n, 2) of pixels."""
        rays = cv2.undistortPoints(points_px[:, None], self.matrix, self.distortion)
        return np.asarray(rays[:, 0])


def read_qualisys(path: Path) -> list[View]:
    """Return the cameras of a Qualisys calibration file, in its order."""
    views = []
    for camera in ElementTree.parse(path).getroot().iter('camera'):
        pose, lens = camera.find('transform'), camera.find('intrinsic')
        if pose is None or lens is None:
            raise SystemExit(f'{str(path)!r}: a camera has no transform or intrinsic')
        turn, optics = ({k: float(v) for k, v in tag.attrib.items()} for tag in (pose, lens))
        # Rows of the file are the camera's axes in the world: x right, y up, z back.
        axes = np.array([[turn[f'r{row}{column}'] for column in '123'] for row in '123'])
        position = np.array([turn[axis] for axis in 'xyz']) / 1000
        rotation = np.diag([1.0, -1.0, -1.0]) @ axes
        matrix = np.array([
            [optics['focalLengthU'], 0, optics['centerPointU']],
            [0, optics['focalLengthV'], optics['centerPointV']],
            [0, 0, _SUBPIXELS],
        ]) / _SUBPIXELS
        names = ('radialDistortion1', 'radialDistortion2', 'tangentalDistortion1',
                 'tangentalDistortion2')
        distortion = np.array([optics[name] for name in names])
        views.append(View(matrix, distortion, rotation, -rotation @ position))
    return views


def triangulate(
    views: list[View], points_px: np.ndarray, weights: np.ndarray, *, rounds: int = 6
) -> np.ndarray:
    """Return the points (n, 3) of the world that n pixels in each view show.

    Linear triangulation, repeated with weights that take from an observation what it misses
    by (least absolute error), so that one bad view counts little.

    Parameters
    ----------
    points_px : np.ndarray
        (views, n, 2).
    weights : np.ndarray
        (views, n): how sure each observation is.
    """
    now = weights
    for turn in range(rounds):
        rows = []
        for view, pixels, weight in zip(views, points_px, now):
            camera = np.hstack([view.rotation, view.translation[:, None]])
            slopes = view.slopes(pixels)
            rows.append(weight[:, None] * (slopes[:, :1] * camera[2] - camera[0]))
            rows.append(weight[:, None] * (slopes[:, 1:] * camera[2] - camera[1]))
        _, _, basis = np.linalg.svd(np.stack(rows, axis=1))
        points = basis[:, -1, :3] / basis[:, -1, 3:]
        if turn < rounds - 1:
            misses = np.stack([
                np.linalg.norm(view.project(points) - pixels, axis=1)
                for view, pixels in zip(views, points_px)
            ])
            now = weights / np.maximum(misses, _PIXEL_SIGMA)
    return points


def settle(
    views: list[View], points_px: np.ndarray, weights: np.ndarray, *, rounds: int = 15
) -> list[View]:
    """Return the views turned and moved a little, so that they agree on the points.

    Bundle adjustment by Gauss-Newton on all cameras and points at once, the cameras held back
    to where their calibration says they are.
    """
    settled = list(views)
    points = triangulate(settled, points_px, weights)
    for _ in range(rounds):
        settled, points = _step(settled, views, points, points_px, weights)
    return settled


def _step(
    views: list[View],
    given: list[View],
    points_m: np.ndarray,
    points_px: np.ndarray,
    weights: np.ndarray,
) -> tuple[list[View], np.ndarray]:
    """Return views and points after one step; the points are eliminated (Schur complement)."""
    count = len(views)
    normal = np.zeros((count, 6, count, 6))
    pull = np.zeros((count, 6))
    point_normal = np.zeros((len(points_m), 3, 3))
    point_pull = np.zeros((len(points_m), 3))
    mixed = np.zeros((len(points_m), count, 6, 3))
    for index, view in enumerate(views):
        misses = view.project(points_m) - points_px[index]
        size = np.maximum(np.linalg.norm(misses, axis=1), _PIXEL_SIGMA)
        trust = weights[index] / size / _PIXEL_SIGMA
        by_view, by_point = _slopes(view, points_m)
        normal[index, :, index] += np.einsum('n,nij,nik->jk', trust, by_view, by_view)
        pull[index] += np.einsum('n,nij,ni->j', trust, by_view, misses)
        point_normal += np.einsum('n,nij,nik->njk', trust, by_point, by_point)
        point_pull += np.einsum('n,nij,ni->nj', trust, by_point, misses)
        mixed[:, index] = np.einsum('n,nij,nik->njk', trust, by_view, by_point)
        normal[index, :, index] += np.diag(_HELD)
        pull[index] += _HELD * _drift(view, given[index])
    inverse = np.linalg.inv(point_normal)
    normal -= np.einsum('najk,nkl,nbil->ajbi', mixed, inverse, mixed)
    pull -= np.einsum('najk,nkl,nl->aj', mixed, inverse, point_pull)
    steps = -np.linalg.solve(normal.reshape(count * 6, -1), pull.ravel()).reshape(count, 6)
    shift = point_pull + np.einsum('najk,aj->nk', mixed, steps)
    moved = points_m - np.einsum('nkl,nl->nk', inverse, shift)
    return [_move(view, step) for view, step in zip(views, steps)], moved


def _slopes(view: View, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how pixels change with the view's turn and move (n, 2, 6), and the points."""
    x, y, z = view.to_camera(points_m).T
    focal_x, focal_y = view.matrix[0, 0], view.matrix[1, 1]
    none = np.zeros_like(z)
    by_place = np.stack([
        np.stack([focal_x / z, none, -focal_x * x / z**2], axis=-1),
        np.stack([none, focal_y / z, -focal_y * y / z**2], axis=-1),
    ], axis=1)
    cross = np.stack([
        np.stack([none, z, -y], axis=-1),
        np.stack([-z, none, x], axis=-1),
        np.stack([y, -x, none], axis=-1),
    ], axis=1)
    return np.concatenate([by_place @ cross, by_place], axis=2), by_place @ view.rotation


def _move(view: View, step: np.ndarray) -> View:
    """Return the view turned by the first three numbers and moved by the others."""
    turn, _ = cv2.Rodrigues(step[:3])
    return replace(
        view, rotation=turn @ view.rotation, translation=turn @ view.translation + step[3:]
    )


def _drift(view: View, given: View) -> np.ndarray:
    """Return the step (6,) that leads from the given view to this one."""
    turn = view.rotation @ given.rotation.T
    axis, _ = cv2.Rodrigues(turn)
    return np.concatenate([axis[:, 0], view.translation - turn @ given.translation])

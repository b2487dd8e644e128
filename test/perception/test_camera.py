"""Cameras project and unproject alike, whatever the lens, window, binning and size."""

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.camera import make_camera

K = (520.0, 0, 322.3, 0, 515.0, 241.7, 0, 0, 1)
LENSES = {
    'none': ('plumb_bob', ()),
    'plumb_bob': ('plumb_bob', (-0.31, 0.11, 1e-3, -5e-4, -0.015)),
    'rational': ('rational_polynomial', (0.4, -0.2, 1e-3, 5e-4, 0.01, 0.7, -0.1, 0.02)),
    'equidistant': ('equidistant', (0.05, -0.01, 0.003, -0.0005)),
}


def _points() -> np.ndarray:
    x, y, z = np.meshgrid(np.linspace(-0.5, 0.5, 7), np.linspace(-0.4, 0.4, 5), (0.8, 2.0, 6.0))
    return np.stack([x * z, y * z, z], axis=-1).reshape(-1, 3)


@pytest.mark.parametrize('lens', LENSES)
def test_unproject_inverts_project(lens: str) -> None:
    name, d = LENSES[lens]
    camera = make_camera(image_size=(640, 480), k=K, d=d, distortion_model=name)
    points = _points()
    rays = camera.unproject(camera.project(points))
    assert np.abs(rays * points[:, 2:] - points).max() < 1e-6
    assert not camera.is_assumed


def test_projects_as_opencv_does_with_the_half_pixel_of_the_records() -> None:
    d = np.array(LENSES['plumb_bob'][1])
    camera = make_camera(image_size=(640, 480), k=K, d=d)
    wanted, _ = cv2.projectPoints(
        _points(), np.zeros(3), np.zeros(3), np.reshape(K, (3, 3)), d
    )
    assert np.allclose(camera.project(_points()), wanted[:, 0] + 0.5)


def test_window_binning_and_resize_see_the_same_rays() -> None:
    full = make_camera(image_size=(640, 480), k=K, calibrated_size=(640, 480))
    window = make_camera(
        image_size=(80, 60), k=K, calibrated_size=(640, 480), binning=(2, 2),
        roi=(200, 100, 160, 120),
    )
    resized = make_camera(image_size=(1280, 720), k=K, calibrated_size=(640, 480))
    points = _points()
    pixels = full.project(points)
    assert np.allclose(window.project(points), (pixels - (200, 100)) / 2)
    assert np.allclose(resized.project(points), pixels * (2, 1.5))
    assert np.allclose(window.unproject(window.project(points)) * points[:, 2:], points)


def test_binning_without_calibrated_size_still_scales() -> None:
    binned = make_camera(image_size=(320, 240), k=K, binning=(2, 2))
    full = make_camera(image_size=(640, 480), k=K)
    assert np.allclose(binned.project(_points()), full.project(_points()) / 2)


def test_binned_lens_keeps_its_distortion() -> None:
    name, d = LENSES['rational']
    full = make_camera(image_size=(640, 480), k=K, d=d, distortion_model=name)
    binned = make_camera(
        image_size=(320, 240), k=K, d=d, distortion_model=name, calibrated_size=(640, 480)
    )
    assert np.allclose(binned.project(_points()), full.project(_points()) / 2)


def test_zero_matrix_falls_back_on_the_field_of_view_and_says_so() -> None:
    camera = make_camera(image_size=(640, 480), k=[0.0] * 9, fallback_fov_deg=90)
    assert camera.is_assumed
    assert np.allclose(camera.unproject(np.array([[640.0, 240.0]])), [[1, 0, 1]])


def test_unknown_pixels_and_points_behind_stay_unknown() -> None:
    camera = make_camera(image_size=(640, 480), k=K)
    assert np.isnan(camera.project(np.array([[0, 0, -1.0], [0, 0, np.nan]]))).all()
    assert np.isnan(camera.unproject(np.array([[np.nan, 3.0]]))).all()
    assert camera.project(np.zeros((0, 3))).shape == (0, 2)


@pytest.mark.parametrize(('change', 'message'), [
    ({'k': [1.0] * 8}, '9 finite'),
    ({'k': [-1.0, 0, 0, 0, 1, 0, 0, 0, 1]}, 'positive'),
    ({'distortion_model': 'thin_prism'}, 'thin_prism'),
    ({'d': [0.1, 0.2, 0.3]}, r'\[0.1, 0.2, 0.3\]'),
    ({'d': [float('nan')] * 5}, 'finite'),
    ({'k': [0.0] * 9, 'fallback_fov_deg': 180.0}, '180.0'),
])
def test_bad_calibration_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_camera(**{'image_size': (640, 480), 'k': K, **change})

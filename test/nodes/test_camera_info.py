import math

import pytest
import yaml

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.camera_info import (
    guess_camera_info,
    load_camera_info,
    scale_camera_info,
)


def matrix(rows, columns, data):
    return {'rows': rows, 'cols': columns, 'data': data}


@pytest.fixture
def calibration() -> dict:
    return {
        'image_width': 640,
        'image_height': 480,
        'camera_name': 'head',
        'camera_matrix': matrix(3, 3, [500.0, 0, 320.0, 0, 510.0, 240.0, 0, 0, 1]),
        'distortion_model': 'plumb_bob',
        'distortion_coefficients': matrix(1, 5, [0.1, -0.2, 0, 0, 0]),
        'rectification_matrix': matrix(3, 3, [1, 0, 0, 0, 1, 0, 0, 0, 1]),
        'projection_matrix': matrix(3, 4, [490.0, 0, 321.0, 0, 0, 505.0, 239.0, 0, 0, 0, 1, 0]),
    }


def write(tmp_path, entries) -> str:
    path = tmp_path / 'head.yaml'
    path.write_text(yaml.safe_dump(entries))
    return str(path)


@pytest.mark.parametrize('prefix', ['', 'file://'])
def test_calibration_is_read(tmp_path, calibration, prefix):
    info = load_camera_info(prefix + write(tmp_path, calibration))
    assert (info.width, info.height, info.distortion_model) == (640, 480, 'plumb_bob')
    assert list(info.d) == [0.1, -0.2, 0, 0, 0]
    assert list(info.k) == calibration['camera_matrix']['data']
    assert list(info.p) == calibration['projection_matrix']['data']


def test_scaling_keeps_the_rays(tmp_path, calibration):
    info = load_camera_info(write(tmp_path, calibration))
    half = scale_camera_info(info, width_px=320, height_px=240)
    assert (half.width, half.height) == (320, 240)
    assert list(half.k) == [250, 0, 160, 0, 255, 120, 0, 0, 1]
    assert list(half.p) == [245, 0, 160.5, 0, 0, 252.5, 119.5, 0, 0, 0, 1, 0]
    assert list(half.d) == list(info.d)


def test_another_shape_is_another_camera(tmp_path, calibration):
    info = load_camera_info(write(tmp_path, calibration))
    with pytest.raises(ConfigError, match='640 x 480 images, but they are 1280 x 720'):
        scale_camera_info(info, width_px=1280, height_px=720)


def test_guess_has_the_field_of_view():
    info = guess_camera_info(width_px=640, height_px=480, field_of_view_deg=60.0)
    assert math.degrees(2 * math.atan(info.width / 2 / info.k[0])) == pytest.approx(60.0)
    assert info.k[0] == info.k[4] == info.p[0] == info.p[5]
    assert (info.k[2], info.k[5]) == (320, 240)
    assert not any(info.d)


@pytest.mark.parametrize(
    ('change', 'cause'),
    [
        ({'camera_matrix': matrix(3, 3, [1.0])}, 'camera_matrix has 1 values, not 9'),
        ({'camera_matrix': matrix(3, 3, ['x'] * 9)}, 'could not convert'),
        ({'camera_matrix': None}, 'not one of camera_calibration'),
        ({'image_width': 'wide'}, 'not one of camera_calibration'),
        ({'distortion_coefficients': matrix(1, 1, [float('nan')])}, 'no number'),
    ],
)
def test_bad_calibration_is_refused(tmp_path, calibration, change, cause):
    with pytest.raises(ConfigError, match=cause):
        load_camera_info(write(tmp_path, {**calibration, **change}))


@pytest.mark.parametrize('text', ['[1, 2', 'just text', ''])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / 'other.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=r'other\.yaml'):
        load_camera_info(str(path))


@pytest.mark.parametrize('url', ['/no/such.yaml', 'package://no_such_package/a.yaml'])
def test_missing_files_are_named(url):
    with pytest.raises(ConfigError, match=url):
        load_camera_info(url)

"""Distances are those of the limb, not of the wall beside it, in both encodings."""

import numpy as np
import pytest
from bodies import camera, standing_body

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.depth import DepthImage, correct_by_depth, decode_depth
from ros2_hand_action.perception.skeleton import INDEX

SIZE = (640, 480)


def _scene(distance_m: float, wall_m: float = 5.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keypoints in metres and pixels, and a depth image in metres of thin limbs."""
    points = standing_body() + (0, 0.1, distance_m)
    pixels = camera().project(points)
    depth = np.full((480, 640), wall_m, np.float32)
    for (x, y), z in zip(pixels, points[:, 2]):
        column, row = int(x), int(y)
        depth[max(row - 5, 0):row + 6, max(column - 5, 0):column + 6] = z - 0.04
    return points, pixels, depth


def _correct(points, pixels, depth, confidence=None):
    return correct_by_depth(
        points, pixels, np.ones(34) if confidence is None else confidence, DepthImage(depth),
        image_size=SIZE, focal_px=550.0,
    )


@pytest.mark.parametrize('encoding', ['32FC1', '16UC1'])
def test_body_moves_to_its_measured_distance(encoding: str) -> None:
    points, pixels, depth = _scene(3.0)
    if encoding == '16UC1':
        depth = (depth * 1000).round().astype(np.uint16)
    found, factor = _correct(0.8 * points, pixels, depth)
    assert factor == pytest.approx(1.25, rel=0.02)
    assert np.nanmax(np.abs(found - points)) < 0.08
    again = camera().project(found)
    assert np.abs(again - pixels).max() < 1e-6


def test_holes_and_infinite_values_do_not_count() -> None:
    points, pixels, depth = _scene(2.5)
    depth[::2] = np.nan
    depth[:, ::3] = 0
    depth[1::4, 1::3] = np.inf
    _, factor = _correct(points, pixels, depth)
    assert factor == pytest.approx(1.0, rel=0.02)


def test_one_joint_behind_a_thing_keeps_its_place() -> None:
    points, pixels, depth = _scene(3.0)
    wrist = INDEX['left_wrist']
    column, row = pixels[wrist].astype(int)
    depth[row - 14:row + 15, column - 14:column + 15] = 1.0
    found, factor = _correct(points, pixels, depth)
    assert factor == pytest.approx(1.0, rel=0.02)
    assert np.abs(found[wrist] - points[wrist]).max() < 0.1


def test_image_of_another_size_is_scaled() -> None:
    points, pixels, depth = _scene(3.0)
    _, factor = _correct(0.9 * points, pixels, depth[::2, ::2].copy())
    assert factor == pytest.approx(1 / 0.9, rel=0.02)


def test_too_few_joints_change_nothing() -> None:
    points, pixels, depth = _scene(3.0)
    empty = np.zeros_like(depth)
    found, factor = _correct(points, pixels, empty)
    assert np.isnan(factor) and found is points
    found, factor = _correct(points, pixels, depth, np.zeros(34))
    assert np.isnan(factor) and found is points
    found, factor = _correct(np.full((34, 3), np.nan), pixels, depth)
    assert np.isnan(factor)


@pytest.mark.parametrize('pixels', [
    np.zeros((4, 4), np.float64), np.zeros((4, 4, 1), np.uint16), np.zeros((0, 4), np.uint16),
])
def test_other_images_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match='depth image'):
        DepthImage(pixels)


@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize(
    ('encoding', 'kind'), [('16UC1', 'u2'), ('mono16', 'u2'), ('32FC1', 'f4')]
)
def test_padded_rows_of_either_byte_order_are_read(encoding, kind, is_bigendian) -> None:
    values = np.arange(12).reshape(3, 4)
    stored = values.astype(('>' if is_bigendian else '<') + kind)
    pixels = decode_depth(
        stored.tobytes(), encoding=encoding, width_px=3, height_px=3,
        step=4 * stored.itemsize, is_bigendian=is_bigendian,
    )
    assert pixels.tolist() == values[:, :3].tolist()
    assert DepthImage(pixels).pixels.dtype.isnative


@pytest.mark.parametrize(
    ('changes', 'cause'),
    [
        ({'encoding': 'rgb8'}, "'rgb8' cannot be read"),
        ({'step': 4}, 'step 4'),
        ({'height_px': 4}, '18 bytes'),
        ({'width_px': 0}, '0 x 3'),
    ],
)
def test_depth_image_whose_sizes_do_not_fit_is_refused(changes, cause) -> None:
    fields = {'encoding': '16UC1', 'width_px': 3, 'height_px': 3, 'step': 6, **changes}
    with pytest.raises(ImageError, match=cause):
        decode_depth(bytes(18), **fields)

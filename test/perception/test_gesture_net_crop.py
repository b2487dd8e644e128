"""What GestureNet is shown, for both of NVIDIA's programs."""

import cv2
import numpy as np
import pytest

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gesture_net_crop import (
    PRESETS,
    SIDE_PX,
    find_regions,
    write_hand_crops,
)

DEEPSTREAM, TRITON = PRESETS['deepstream'], PRESETS['triton']
FRAME = Frame(np.zeros((720, 1280, 3), np.uint8), PixelOrder.BGR)


def cut(frame, box, preset):
    blob = np.full((1, 3, SIDE_PX, SIDE_PX), 9, np.float32)
    write_hand_crops(frame, find_regions(np.array([box]), frame, preset), preset, blob)
    return blob[0]


def test_numbers_are_those_of_nvidias_configurations():
    assert (DEEPSTREAM.offset, DEEPSTREAM.scale, DEEPSTREAM.threshold) == (128, 0.00390625, 0)
    assert (TRITON.offset, round(TRITON.scale, 8), TRITON.threshold) == (0, 0.00392157, 0.5)


@pytest.mark.parametrize(('preset', 'expected'), [
    (DEEPSTREAM, [-0.5, 0, 127 / 256]), (TRITON, [0, 128 / 255, 1]),
])
def test_pixels_become_what_the_program_makes_of_them(preset, expected):
    given = preset.normalize(np.array([0, 128, 255], np.uint8))
    np.testing.assert_allclose(given, expected, atol=1e-6)
    assert given.dtype == np.float32


def test_deepstream_squares_the_box_and_enlarges_it():
    (region,) = find_regions(np.array([[600, 300, 640, 400]]), FRAME, DEEPSTREAM)
    assert region.tolist() == [565, 295, 675, 405]


def test_triton_widens_the_box_by_its_margin():
    (region,) = find_regions(np.array([[600, 300, 640, 400]]), FRAME, TRITON)
    assert region.tolist() == [400, 100, 840, 600]


@pytest.mark.parametrize('preset', PRESETS.values(), ids=PRESETS)
def test_regions_stay_inside_the_image(preset):
    regions = find_regions(np.array([[-50, -50, 90, 30], [1200, 600, 1400, 900]]), FRAME, preset)
    assert (regions >= 0).all()
    assert (regions[:, 2] <= 1280).all() and (regions[:, 3] <= 720).all()


@pytest.mark.parametrize('box', [
    [np.nan, 0, 10, 10], [np.inf, 0, np.inf, 10], [2000, 100, 2100, 200], [-500, -500, -400, -400],
])
def test_what_is_not_in_the_image_is_black(box):
    frame = Frame(np.full((720, 1280, 3), 255, np.uint8), PixelOrder.BGR)
    assert find_regions(np.array([box]), frame, DEEPSTREAM).tolist() == [[0] * 4]
    assert (cut(frame, box, DEEPSTREAM) == -0.5).all()


def test_nodes_and_replay_see_the_same():
    exact = find_regions(np.array([[600.3, 300.2, 639.1, 399.5]]), FRAME, DEEPSTREAM)
    whole = find_regions(np.array([[600, 300, 640, 400]]), FRAME, DEEPSTREAM)
    np.testing.assert_array_equal(exact, whole)


@pytest.mark.parametrize(('order', 'place'), [(PixelOrder.RGB, 0), (PixelOrder.BGR, 2)])
def test_planes_are_red_green_blue(order, place):
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[..., place] = 255
    planes = cut(Frame(pixels, order), [60, 60, 140, 140], TRITON)
    assert planes.mean(axis=(1, 2)).round(3).tolist() == [1, 0, 0]


def test_grey_images_have_three_equal_planes():
    planes = cut(Frame(np.full((200, 200), 128, np.uint8), PixelOrder.MONO), [60, 60, 140, 140],
                 DEEPSTREAM)
    assert (planes == 0).all()


@pytest.mark.parametrize(('preset', 'first'), [(DEEPSTREAM, 40), (TRITON, 0)])
def test_aspect_is_kept_at_the_edge_and_the_rest_is_black(preset, first):
    """Half of the square lies left of the image: what is seen is half as wide as high."""
    frame = Frame(np.full((1000, 1000), 255, np.uint8), PixelOrder.MONO)
    box = [-100, 400, 100, 600] if preset is DEEPSTREAM else [-156, 344, 0, 500]
    seen = cut(frame, box, preset)[0] > 0
    columns = np.nonzero(seen.any(axis=0))[0]
    assert abs(columns[0] - first) <= 1
    assert abs(len(columns) - (80 if preset is DEEPSTREAM else 53)) <= 1
    assert seen.any(axis=1).all()


def test_crop_is_the_bilinear_one():
    random = np.random.default_rng(0)
    pixels = cv2.GaussianBlur(random.integers(0, 256, (300, 300), np.uint8), (0, 0), 3)
    planes = cut(Frame(pixels, PixelOrder.MONO), [100, 100, 200, 200], DEEPSTREAM)
    expected = cv2.resize(pixels[95:205, 95:205], (160, 160), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(planes[0] * 256 + 128, expected, atol=1e-3)

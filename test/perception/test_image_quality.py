import cv2
import numpy as np
import pytest

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.image_quality import (
    BLURRED,
    FreezeWatch,
    ImageQuality,
    QualityWatch,
    measure_quality,
)

MS = 1_000_000


def make_scene(seed: int = 0) -> np.ndarray:
    """Return boxes of many greys, as sharp as a camera's optics make them."""
    random = np.random.default_rng(seed)
    image = np.full((480, 640, 3), 120, np.uint8)
    for _ in range(80):
        left, top = random.integers(0, 600), random.integers(0, 440)
        width, height = random.integers(20, 120, 2)
        image[top:top + height, left:left + width] = random.integers(0, 255, 3)
    return cv2.GaussianBlur(image, (0, 0), 0.7)


def watch(make) -> str:
    """Return what is said about five images."""
    quality = QualityWatch()
    told = [quality.observe(measure_quality(Frame(make(i), PixelOrder.BGR))) for i in range(5)]
    assert told[:4] == [''] * 4
    return told[-1]


def test_good_images_are_good():
    assert watch(make_scene) == ''


@pytest.mark.parametrize('sigma_px', [2, 4])
def test_blur(sigma_px):
    assert 'blurred' in watch(lambda seed: cv2.GaussianBlur(make_scene(seed), (0, 0), sigma_px))


@pytest.mark.parametrize('axis', [0, 1])
def test_motion_blur_in_either_direction(axis):
    kernel = np.full((1, 15) if axis else (15, 1), 1 / 15)
    assert 'blurred' in watch(lambda seed: cv2.filter2D(make_scene(seed), -1, kernel))


def test_darkness_glare_a_covered_lens_and_a_frozen_camera():
    assert 'too dark' in watch(lambda seed: make_scene(seed) // 8)
    told = watch(lambda seed: 255 - make_scene(seed) // 8)
    assert told.startswith('too bright (mean ') and '; with a camera: shorter exposure' in told
    assert 'covered' in watch(lambda seed: np.full((480, 640, 3), 90 + seed, np.uint8))
    assert 'does not change' in watch(lambda seed: make_scene(0))


def test_one_poor_image_among_good_ones_is_nothing():
    quality = QualityWatch()
    for index in range(9):
        image = make_scene(index) // (8 if index % 4 == 0 else 1)
        assert quality.observe(measure_quality(Frame(image, PixelOrder.BGR))) == ''


def test_grey_images_and_views_with_padding_are_measured_alike():
    padded = np.zeros((480, 700), np.uint8)
    padded[:, :640] = make_scene()[..., 1]
    grey = measure_quality(Frame(padded[:, :640], PixelOrder.MONO))
    assert grey == measure_quality(Frame(make_scene(), PixelOrder.RGB))
    assert 0 < BLURRED < grey.sharpness < 4


@pytest.mark.parametrize('size', [(1, 1), (1, 640), (480, 1), (5, 5)])
def test_tiny_images_are_measured(size):
    quality = measure_quality(Frame(np.full((*size, 3), 7, np.uint8), PixelOrder.BGR))
    assert isinstance(quality, ImageQuality)
    assert quality.brightness == 7.0 and np.isnan(quality.sharpness)


def test_a_frozen_camera_is_told_by_its_pixels_after_a_while():
    frozen = FreezeWatch(timeout_ns=300 * MS)
    noise = [make_scene(seed) for seed in range(3)]
    told = [
        frozen.is_frozen(Frame(noise[min(index, 2)], PixelOrder.BGR, index * 100 * MS))
        for index in range(7)
    ]
    assert told == [False] * 5 + [True] * 2  # the same from 200 ms on
    assert not frozen.is_frozen(Frame(noise[0], PixelOrder.BGR, 700 * MS))


def test_other_sizes_and_stamps_that_go_back_are_no_frozen_camera():
    frozen = FreezeWatch(timeout_ns=300 * MS)
    image = make_scene()
    assert not frozen.is_frozen(Frame(image, PixelOrder.BGR, 0))
    assert not frozen.is_frozen(Frame(image[:240], PixelOrder.BGR, 400 * MS))
    assert not frozen.is_frozen(Frame(image[:240], PixelOrder.BGR, 100 * MS))
    assert frozen.is_frozen(Frame(image[:240], PixelOrder.BGR, 400 * MS))


def test_without_a_timeout_nothing_is_frozen():
    frozen = FreezeWatch(timeout_ns=0)
    assert not any(
        frozen.is_frozen(Frame(make_scene(), PixelOrder.BGR, second * 1000 * MS))
        for second in range(5)
    )

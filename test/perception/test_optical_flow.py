import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.optical_flow import DisFlow, encode_flow, flow_images


def texture(shift: tuple[int, int] = (0, 0)) -> np.ndarray:
    noise = np.random.default_rng(3).random((120, 160)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    spread = (smooth - smooth.min()) / np.ptp(smooth) * 255
    return np.roll(spread.astype(np.uint8), shift, axis=(1, 0))


@pytest.mark.parametrize('shift', [(3, 0), (0, -2), (-4, 3)])
def test_shift_is_found(shift):
    flow = DisFlow().compute(texture(), texture(shift))
    assert flow.shape == (120, 160, 2)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow[20:-20, 20:-20], axis=(0, 1)), shift, atol=0.2)


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ImageError, match=r'\(120, 160\).*\(10, 10\)'):
        DisFlow().compute(texture(), np.zeros((10, 10), np.uint8))
    with pytest.raises(ImageError, match='12 pixels'):
        DisFlow().compute(np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8))


def test_longest_vector_reaches_the_end_of_the_range():
    flow = np.zeros((4, 4, 2), np.float32)
    flow[0, 0], flow[1, 1] = (6, 8), (-10, 0)
    image = encode_flow(flow)
    assert image.dtype == np.uint8
    assert tuple(image[2, 2]) == (128, 128)
    assert tuple(image[0, 0]) == (204, 230)  # 128 + 0.6 * 127.999, 128 + 0.8 * 127.999
    assert tuple(image[1, 1]) == (0, 128)


def test_motion_below_a_pixel_is_not_blown_up():
    image = encode_flow(np.full((2, 2, 2), 0.1, np.float32))
    assert tuple(image[0, 0]) == (140, 140)


def test_one_image_fewer_than_the_clip():
    clip = [np.repeat(texture((t, 0))[..., None], 3, axis=2) for t in range(4)]
    images = flow_images(DisFlow(), clip)
    assert [image.shape for image in images] == [(120, 160, 2)] * 3

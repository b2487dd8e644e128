"""Views of what moves in a stream and is not tracked yet."""

import numpy as np
import pytest

from ros2_hand_action.perception.body_motion import MotionViews
from ros2_hand_action.perception.frame import Frame, PixelOrder

SECOND_NS = 1_000_000_000
NOBODY = np.empty((0, 4))
WIDTH, HEIGHT = 640, 480
SIZE = (60, 160)
"""Of the thing that moves."""


@pytest.fixture
def motion():
    return MotionViews(least_fraction=0.375)


def _background() -> np.ndarray:
    grain = np.random.default_rng(0).integers(60, 120, (HEIGHT // 8, WIDTH // 8, 3))
    return np.kron(grain, np.ones((8, 8, 1))).astype(np.uint8)


def _image(left=None, top=200, order=PixelOrder.BGR) -> np.ndarray:
    """Return an image with a thing at `left`, or without."""
    pixels = _background()
    if left is not None:
        pixels[top:top + SIZE[1], left:left + SIZE[0]] = 200
    return pixels if order is not PixelOrder.MONO else pixels[..., 0]


def _play(motion, images, *, rate_hz=30.0, boxes=NOBODY, order=PixelOrder.BGR):
    """Return the view for each image, None or (4,)."""
    views = [
        motion.next_view(Frame(image, order, round(k / rate_hz * SECOND_NS)), boxes)
        for k, image in enumerate(images)
    ]
    return [view if view is None else view[0] for view in views]


def _walk(count=30, step_px=4, order=PixelOrder.BGR):
    return [_image(300 + step_px * k, order=order) for k in range(count)]


@pytest.mark.parametrize('order', list(PixelOrder))
@pytest.mark.parametrize('rate_hz', [5, 15, 30, 60])
def test_what_moves_is_looked_at_as_a_whole(motion, order, rate_hz):
    images = _walk(step_px=round(120 / rate_hz), order=order)
    views = _play(motion, images, rate_hz=rate_hz, order=order)
    first = next(k for k, view in enumerate(views) if view is not None)
    assert first / rate_hz <= 0.2
    x, y, side, rotation = views[first]
    middle = (300 + round(120 / rate_hz) * first + SIZE[0] / 2, 200 + SIZE[1] / 2)
    assert abs(x - middle[0]) + SIZE[0] / 2 < side / 2
    assert abs(y - middle[1]) + SIZE[1] / 2 < side / 2
    assert 0.375 * WIDTH <= side < WIDTH and rotation == 0


def test_the_same_place_is_looked_at_again_after_a_while_only(motion):
    flicker = [_image(300 if k % 8 < 4 else None) for k in range(60)]
    views = _play(motion, flicker)
    looked_s = np.array([k / 30 for k, view in enumerate(views) if view is not None])
    assert len(looked_s) >= 3 and np.diff(looked_s).min() >= 0.399


def test_another_place_is_looked_at_meanwhile(motion):
    images = [np.maximum(_image(40 + 4 * k), _image(540 - 4 * k)) for k in range(12)]
    views = [view for view in _play(motion, images) if view is not None]
    assert len(views) == 2 and abs(views[0][0] - views[1][0]) > 200


def test_a_slow_camera_looks_elsewhere_every_other_time(motion):
    views = _play(motion, _walk(12, step_px=20), rate_hz=2)
    assert all(view is None for view in views[::2]) and views[1] is not None


def test_bodies_that_are_known_are_left_out(motion):
    box = np.array([[290.0, 190, 440, 370]])
    assert not any(view is not None for view in _play(motion, _walk(), boxes=box))


def _shift(pixels, step_px):
    return np.roll(pixels, step_px, axis=1)


def _noise(pixels, seed):
    noise = np.random.default_rng(seed).normal(0, 8, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize('images', [
    pytest.param([_image(300)] * 30, id='still'),
    pytest.param([_shift(_image(300), 6 * k) for k in range(30)], id='camera turns'),
    pytest.param([_image(300) // 2 + 4 * k for k in range(30)], id='light'),
    pytest.param([_noise(_image(300), k) for k in range(30)], id='noise'),
])  # fmt: skip
def test_there_is_no_view_where_nothing_moves_by_itself(motion, images):
    assert not any(view is not None for view in _play(motion, images))


def test_images_far_apart_are_not_compared(motion):
    assert _play(motion, _walk(4), rate_hz=0.5) == [None] * 4


def test_reset_forgets_the_images(motion):
    images = _walk(5)
    _play(motion, images[:1])
    motion.reset()
    assert motion.next_view(Frame(images[4], PixelOrder.BGR, SECOND_NS // 5), NOBODY) is None


def test_tiny_images_are_no_problem(motion):
    images = [np.full((1 + k % 2, 3, 3), 255 * (k % 2), np.uint8) for k in (0, 0, 0)]
    assert _play(motion, images, rate_hz=5) == [None] * 3

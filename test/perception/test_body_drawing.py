import numpy as np
import pytest
from bodies import camera, standing_body

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.body_drawing import LEFT_COLOUR, RIGHT_COLOUR, draw_bodies
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.skeleton import INDEX


def make_body(unknown: tuple[str, ...] = ()) -> Body:
    points = standing_body() + (0, 0, 3.0)
    pixels = camera().project(points).astype(np.float32)
    pixels[[INDEX[name] for name in unknown]] = np.nan
    low, high = np.nanmin(pixels, axis=0), np.nanmax(pixels, axis=0)
    return Body('p1', 1.0, np.concatenate([low, high]), pixels, np.ones(34), points)


def drawn(*bodies: Body) -> np.ndarray:
    image = np.full((480, 640, 3), 90, np.uint8)
    draw_bodies(image, bodies)
    return image


def middle(body: Body, first: str, second: str) -> tuple[int, int]:
    ends = body.keypoints_px[[INDEX[first], INDEX[second]]]
    x, y = ends.mean(axis=0)
    return int(y), int(x)


def test_limbs_have_the_colour_of_their_side() -> None:
    body = make_body()
    image = drawn(body)
    assert tuple(image[middle(body, 'left_hip', 'left_knee')]) == LEFT_COLOUR
    assert tuple(image[middle(body, 'right_hip', 'right_knee')]) == RIGHT_COLOUR


def test_unknown_limbs_are_left_out() -> None:
    body = make_body()
    image = drawn(make_body(unknown=('left_knee',)))
    assert tuple(image[middle(body, 'left_hip', 'left_knee')]) == (90, 90, 90)
    assert tuple(image[middle(body, 'left_shoulder', 'left_elbow')]) == LEFT_COLOUR


@pytest.mark.parametrize('fill', [np.nan, 1e9, -40.0])
def test_a_body_that_cannot_be_seen_does_no_harm(fill: float) -> None:
    pixels = np.full((34, 2), fill, np.float32)
    drawn(Body('p1', 1.0, np.zeros(4), pixels, np.ones(34), np.zeros((34, 3))))


def test_other_images_are_refused() -> None:
    with pytest.raises(ImageError, match='can draw only'):
        draw_bodies(np.zeros((4, 4), np.uint8), [])

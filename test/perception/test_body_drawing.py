import numpy as np
import pytest
from bodies import camera, standing_body

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.body_drawing import LEFT_COLOUR, RIGHT_COLOUR, draw_bodies
from ros2_hand_action.perception.drawing_text import EVENT_COLOUR
from ros2_hand_action.perception.labels import OTHER
from ros2_hand_action.perception.records import Action, ActionEvent, Body, Phase
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


def make_action(label: str) -> Action:
    return Action('p1', label, 0.9, np.array([0.9, 0.1], np.float32), 0, 1)


def label_height_px(action: Action | None) -> int:
    """Return how tall the label is, of which all above the head is made."""
    bare, image = drawn(), np.full((480, 640, 3), 90, np.uint8)
    body = make_body()
    draw_bodies(image, [body], [action] if action else [])
    top_px = int(body.box_px[1])
    return int((image[:top_px] != bare[:top_px]).any(axis=(1, 2)).sum())


def test_an_action_adds_a_line_to_the_label_but_the_lack_of_one_does_not() -> None:
    assert label_height_px(make_action('walk')) > label_height_px(None) + 10
    assert label_height_px(make_action(OTHER)) == label_height_px(None)


def test_a_body_whose_action_lasts_stands_out() -> None:
    event = ActionEvent(Phase.STARTED, 'walk', 'p1', 0.9, 0, 10**9)
    for body_id, stands_out in (('p1', True), ('p2', False)):
        image = np.full((480, 640, 3), 90, np.uint8)
        draw_bodies(image, [make_body()], (), {body_id: event}, stamp_ns=2 * 10**9)
        assert bool((image == EVENT_COLOUR).all(axis=2).any()) == stands_out


@pytest.mark.parametrize('fill', [np.nan, 1e9, -40.0])
def test_a_body_that_cannot_be_seen_does_no_harm(fill: float) -> None:
    pixels = np.full((34, 2), fill, np.float32)
    drawn(Body('p1', 1.0, np.zeros(4), pixels, np.ones(34), np.zeros((34, 3))))


def test_other_images_are_refused() -> None:
    with pytest.raises(ImageError, match='can draw only'):
        draw_bodies(np.zeros((4, 4), np.uint8), [])

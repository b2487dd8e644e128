"""Bodies in space appear where they are."""

from dataclasses import replace

import numpy as np
import pytest

from ros2_hand_action.perception.body_drawing import LEFT_COLOUR, RIGHT_COLOUR
from ros2_hand_action.replay.space_view import SpaceView

RANGE_M = {'x': (-1.0, 1.0), 'y': (-1.0, 1.0), 'z': (3.0, 5.0)}
SIZE_PX = {'width_px': 320, 'height_px': 540}


def middle_px(image, colour):
    """Return the mean x and y of a colour in each third of the picture, None where it is not."""
    found = []
    for third in np.split(image, 3):
        y, x = np.nonzero(np.all(third == colour, axis=2))
        found.append((x.mean(), y.mean()) if len(x) else None)
    return found


def draw(*bodies):
    return SpaceView(RANGE_M, **SIZE_PX).draw(bodies)


def test_the_picture_has_its_size_and_rests_without_bodies(body_at):
    view = SpaceView(RANGE_M, **SIZE_PX)
    empty = view.draw(())
    assert empty.shape == (540, 320, 3)
    assert empty.dtype == np.uint8
    view.draw([body_at('p1', 0.0)])
    assert np.array_equal(view.draw(()), empty)
    assert middle_px(empty, LEFT_COLOUR) == [None, None, None]


def test_a_person_who_faces_the_camera_has_the_left_side_on_the_right(body_at):
    left, right = (middle_px(draw(body_at('p1', 0.0)), c) for c in (LEFT_COLOUR, RIGHT_COLOUR))
    front, _, top = range(3)
    assert left[front][0] > right[front][0] + 5
    assert left[top][0] > right[top][0] + 5


@pytest.mark.parametrize(('x_m', 'z_m', 'moves'), [
    (0.4, 4.0, [(1, 0), (0, 0), (1, 0)]),  # to the right
    (0.0, 4.6, [(0, 0), (1, 0), (0, -1)]),  # away: right in the side view, up in the top view
])
def test_a_step_moves_the_person_in_the_projections(x_m, z_m, moves, body_at):
    before = middle_px(draw(body_at('p1', 0.0)), RIGHT_COLOUR)
    after = middle_px(draw(body_at('p1', x_m, z_m)), RIGHT_COLOUR)
    step_m = max(abs(x_m), abs(z_m - 4.0))
    for view, (right, down) in enumerate(moves):
        shift = np.subtract(after[view], before[view])
        scale = 138 / 2  # pixels per metre: 2 m fill the height
        assert shift == pytest.approx((right * step_m * scale, down * step_m * scale), abs=2.5)


def test_what_lies_outside_or_is_unknown_is_left_out(body_at):
    far = body_at('p1', 50.0, 90.0)
    unknown = replace(far, keypoints_m=np.full((34, 3), np.nan, np.float32))
    assert np.array_equal(draw(far, unknown), draw())

"""Published images are found in their file."""

import pytest

pytest.importorskip('rclpy')

from ros2_hand_action.replay.recorder import align

MS = 1_000_000


def at(*milliseconds):
    return [ms * MS for ms in milliseconds]


def test_all_images_are_numbered_in_order():
    assert align(at(0, 104, 199, 600), 4, 10.0) == [0, 1, 2, 3]


def test_missing_ones_are_found_by_the_gaps():
    assert align(at(200, 300, 500, 600), 7, 10.0) == [2, 3, 5, 6]


def test_a_source_that_lags_behind_does_not_mislead():
    # 6 images of which the first is missing, and a pause of a second before the last one
    assert align(at(100, 200, 300, 400, 1500), 6, 10.0) == [0, 1, 2, 3, 5]


@pytest.mark.parametrize('stamps', [[], at(0), at(0, 100)])
def test_numbers_stay_inside_the_file(stamps):
    found = align(stamps, 2, 10.0)
    assert found == sorted(set(found))
    assert all(0 <= index < 2 for index in found)

"""A person stays one person, whatever else a network sees on the same place."""

import numpy as np
from bodies import standing_body

from ros2_hand_action.perception.body_tracking import BodyObservations, BodyTracks
from ros2_hand_action.perception.skeleton import MIRROR

STEP_NS = 33_333_333
RADIUS_PX = 200.0
FRONT = standing_body()[:, :2] * RADIUS_PX
ARMS_OUT = FRONT + np.random.default_rng(0).normal(0, 0.3 * RADIUS_PX, FRONT.shape)
"""What a network makes of the same person where it looks a little beside him."""


def _update(tracks: BodyTracks, place: int, *bodies: tuple) -> list[tuple[str, int]]:
    """See bodies (keypoints around the hips, x of the hips, presence, source, radius)."""
    keypoints_px, circles_px, presence, sources = [], [], [], []
    for points, x, sure, source, radius_px in bodies:
        middle = np.array([x, 400.0])
        keypoints_px.append(points * radius_px / RADIUS_PX + middle)
        circles_px.append([middle, middle - (0, radius_px)])
        presence.append(sure)
        sources.append(source)
    seen = BodyObservations(
        np.array(keypoints_px), np.array(circles_px), np.array(presence), np.array(sources)
    )
    return [(t.track_id, index) for t, index in tracks.update((1 + place) * STEP_NS, seen)]


def _tracks() -> BodyTracks:
    return BodyTracks(max_bodies=6, memory_ns=10**9)


def test_the_same_person_seen_with_sides_exchanged_is_no_second_one() -> None:
    tracks = _tracks()
    _update(tracks, 0, (FRONT, 500, 0.99, -1, RADIUS_PX))
    found = _update(
        tracks, 1, (FRONT, 500, 0.9, 0, RADIUS_PX), (FRONT[MIRROR], 500, 0.99, -1, RADIUS_PX)
    )
    assert found == [('p1', 0)]


def test_other_limbs_in_the_same_circle_are_no_second_person() -> None:
    tracks = _tracks()
    _update(tracks, 0, (FRONT, 500, 0.99, -1, RADIUS_PX))
    beside = 500 + 0.25 * RADIUS_PX
    found = _update(
        tracks, 1, (FRONT, 500, 0.9, 0, RADIUS_PX), (ARMS_OUT, beside, 0.99, -1, RADIUS_PX)
    )
    assert found == [('p1', 0)]


def test_a_small_person_in_front_and_a_neighbour_are_others() -> None:
    found = _update(
        _tracks(), 0, (FRONT, 500, 0.99, -1, RADIUS_PX),
        (FRONT, 500, 0.9, -1, 0.6 * RADIUS_PX), (FRONT, 500 + 0.5 * RADIUS_PX, 0.9, -1, RADIUS_PX)
    )
    assert [name for name, _ in found] == ['p1', 'p2', 'p3']


def test_a_double_that_turns_into_a_person_does_not_take_his_id() -> None:
    tracks = _tracks()
    beside = 500 + 0.4 * RADIUS_PX
    for place, sources in ((0, (-1, -1)), (1, (0, 1)), (2, (0, 1))):
        found = _update(
            tracks, place, (FRONT, 500, 0.99, sources[0], RADIUS_PX),
            (ARMS_OUT, beside, 0.9, sources[1], RADIUS_PX),
        )
    assert [name for name, _ in found] == ['p1', 'p2']
    found = _update(
        tracks, 3, (FRONT[MIRROR], 520, 0.99, 0, RADIUS_PX), (FRONT, 521, 1.0, 1, RADIUS_PX)
    )
    assert found == [('p1', 0)]


def test_who_jumps_to_the_body_of_another_does_not_take_his_id() -> None:
    tracks = _tracks()
    crouched = FRONT * (1, 0.5)
    for place, sources in ((0, (-1, -1)), (1, (0, 1))):
        _update(
            tracks, place, (crouched, 500, 0.99, sources[0], RADIUS_PX),
            (FRONT, 500 + 0.45 * RADIUS_PX, 0.99, sources[1], RADIUS_PX),
        )
    place = 500 + 0.45 * RADIUS_PX
    found = _update(
        tracks, 2, (FRONT, place - 1, 1.0, 0, RADIUS_PX), (FRONT, place, 0.99, 1, RADIUS_PX)
    )
    assert found == [('p2', 1)]

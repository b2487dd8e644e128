import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ros2_hand_action.perception.tracking import HandTracks, Observations

STEP_NS = 33_000_000
HAND = np.array(
    [(0, 40), (20, 30), (28, 20), (35, 12), (40, 4)]
    + [(x, y) for x in (20, 0, -20, -32) for y in (0, -16, -28, -40)], float
)


def observe(*hands, sources=None):
    """Return observations of hands given as (x, y, probability of being right)."""
    places = np.reshape([hand[:2] for hand in hands], (-1, 2)).astype(float)
    count = len(places)
    regions = np.column_stack([places, np.full(count, 160.0), np.zeros(count)])
    return Observations(
        HAND + places[:, None], regions, np.array([hand[2] for hand in hands]),
        np.full(count, 0.9), np.array([-1] * count if sources is None else sources),
    )


@pytest.fixture
def tracks():
    return HandTracks(max_hands=4, memory_ns=1_000_000_000)


def names(pairs):
    return {track.track_id: index for track, index in pairs}


def test_new_hands_get_ids_in_order(tracks):
    assert names(tracks.update(0, observe((100, 100, 0.9), (400, 100, 0.9)))) == {
        'h1': 0, 'h2': 1,
    }


def test_observations_go_to_the_tracks_they_came_from(tracks):
    tracks.update(0, observe((100, 100, 0.9), (400, 100, 0.9)))
    seen = observe((405, 100, 0.9), (104, 100, 0.9), sources=[1, 0])
    assert names(tracks.update(STEP_NS, seen)) == {'h1': 1, 'h2': 0}


def test_two_regions_on_one_hand_are_one_hand(tracks):
    tracks.update(0, observe((100, 100, 0.9), (200, 100, 0.1)))
    seen = observe((150, 100, 0.1), (152, 100, 0.1), sources=[0, 1])
    pairs = tracks.update(STEP_NS, seen)
    # The hand that is seen is a left one: the left track keeps it.
    assert names(pairs).keys() == {'h2'}
    assert [track.track_id for track in tracks.lost] == ['h1']


def test_swapped_regions_are_put_right_by_handedness(tracks):
    tracks.update(0, observe((100, 100, 0.95), (160, 100, 0.05)))
    seen = observe((130, 100, 0.05), (132, 170, 0.95), sources=[0, 1])
    assert names(tracks.update(STEP_NS, seen)) == {'h1': 1, 'h2': 0}


def test_motion_decides_between_equal_hands(tracks):
    for i in range(10):
        tracks.update(i * STEP_NS, observe(
            (100 + 10 * i, 100, 0.9), (300 - 10 * i, 100, 0.9), sources=[0, 1] if i else None
        ))
    tracks.update(10 * STEP_NS, observe())
    # Both are lost at the moment when they meet; they come out on the other side.
    pairs = tracks.update(12 * STEP_NS, observe((230, 100, 0.9), (170, 100, 0.9)))
    assert names(pairs) == {'h1': 0, 'h2': 1}


def test_a_hand_that_enters_far_from_a_lost_one_is_another(tracks):
    """One hand leaves on the left, 0.9 s later another enters on the right (3.5 hand sizes)."""
    tracks.update(0, observe((40, 100, 0.9)))
    tracks.update(STEP_NS, observe())
    assert names(tracks.update(900_000_000, observe((320, 100, 0.9)))) == {'h2': 0}


def test_memory_ends(tracks):
    tracks.update(0, observe((100, 100, 0.9)))
    tracks.update(STEP_NS, observe())
    assert len(tracks.lost) == 1
    assert names(tracks.update(1_100_000_000, observe((100, 100, 0.9)))) == {'h2': 0}


def test_no_more_hands_than_allowed(tracks):
    hands = [(100 + 150 * i, 100, 0.9) for i in range(7)]
    assert len(tracks.update(0, observe(*hands))) == 4


def test_handedness_is_voted_over_time(tracks):
    for i in range(20):
        tracks.update(i * STEP_NS, observe((100, 100, 0.95), sources=[0] if i else None))
    (track, _), = tracks.update(20 * STEP_NS, observe((100, 100, 0.1), sources=[0]))
    assert track.right > 0.8  # one image does not turn it over
    for i in range(21, 80):
        tracks.update(i * STEP_NS, observe((100, 100, 0.1), sources=[0]))
    assert track.right < 0.3  # two seconds do


def test_clear_forgets_hands_and_not_ids(tracks):
    tracks.update(0, observe((100, 100, 0.9)))
    tracks.clear()
    assert tracks.active == tracks.lost == []
    assert names(tracks.update(STEP_NS, observe((100, 100, 0.9)))) == {'h2': 0}


places = st.tuples(st.integers(0, 640), st.integers(0, 480), st.floats(0, 1))


@settings(max_examples=60)
@given(st.lists(st.lists(places, max_size=6), max_size=15), st.data())
def test_whatever_is_seen_ids_are_unique_and_never_come_back(images, data):
    tracks = HandTracks(max_hands=4, memory_ns=100_000_000)
    gone, before = set(), set()
    for i, hands in enumerate(images):
        active = len(tracks.active)
        own = data.draw(st.integers(0, min(active, len(hands))))
        seen = observe(*hands, sources=[*range(own), *[-1] * (len(hands) - own)])
        pairs = tracks.update(i * STEP_NS, seen)
        now = [track.track_id for track, _ in pairs]
        used = [index for _, index in pairs]
        assert len(set(now)) == len(now) <= 4
        assert len(set(used)) == len(used)
        assert not gone & set(now)
        known = {track.track_id for track in [*tracks.active, *tracks.lost]}
        gone |= before - known
        before = known
        assert [track.track_id for track in tracks.active] == now

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hand_search import HandSearch, tile_views, whole_frame_view

SECOND_NS = 1_000_000_000


def frame(width, height, stamp_ns=0):
    return Frame(np.zeros((height, width), np.uint8), PixelOrder.MONO, stamp_ns)


@pytest.fixture
def search():
    return HandSearch(
        interval_ns=SECOND_NS // 2, lost_interval_ns=SECOND_NS // 10, tile_fraction=0.5
    )


def is_searched(search, seconds, *, tracked=1, lost=(), is_new_loss=False):
    return search.next_view(
        frame(640, 480, round(seconds * SECOND_NS)), tracked=tracked,
        lost_regions_px=list(lost), is_new_loss=is_new_loss,
    )


@given(st.integers(1, 400), st.integers(1, 400), st.floats(0.2, 1), st.floats(0, 0.7))
def test_tiles_cover_the_frame_and_overlap(width, height, fraction, overlap):
    views = tile_views(frame(width, height), fraction, overlap=overlap)
    side = views[0, 2]
    assert (views[:, 2] == side).all() and (views[:, 3] == 0).all()
    for column, length in ((0, width), (1, height)):
        places = np.unique(views[:, column])
        assert places[0] - side / 2 <= 1e-6 and places[-1] + side / 2 >= length - 1e-6
        assert (np.diff(places) <= side * (1 - overlap) + 1e-6).all()


def test_tiles_of_a_common_image():
    assert len(tile_views(frame(640, 480), 1.0)) == 1
    assert len(tile_views(frame(640, 480), 0.5)) == 6
    assert len(tile_views(frame(640, 480), 0.375)) == 12


def test_the_whole_frame_is_letterboxed():
    np.testing.assert_array_equal(whole_frame_view(frame(640, 480)), [[320, 240, 640, 0]])
    np.testing.assert_array_equal(whole_frame_view(frame(480, 640), 1.5), [[240, 320, 960, 0]])


def test_every_image_is_searched_while_no_hand_is_tracked(search):
    views = [is_searched(search, i / 30, tracked=0) for i in range(27)]
    assert all(view is not None for view in views)
    # Within a second every tile and every view of the whole frame had its turn.
    seen = {tuple(view[0]) for view in views}
    image = frame(640, 480)
    expected = np.concatenate([
        whole_frame_view(image), whole_frame_view(image, 1.5), tile_views(image, 0.5),
        tile_views(image, 0.375),
    ])
    assert {tuple(view) for view in expected} <= seen


def test_every_third_view_is_of_the_whole_frame(search):
    views = [is_searched(search, i / 30, tracked=0)[0] for i in range(54)]
    assert [view[2] >= 640 for view in views] == [True, False, False] * 18


def test_searches_while_tracking_keep_their_interval(search):
    searched = [i / 30 for i in range(90) if is_searched(search, i / 30) is not None]
    assert len(searched) == 6
    assert (np.diff(searched) >= 0.499).all()


def test_a_find_is_followed_by_the_rest_of_the_round_at_once(search):
    is_searched(search, 0.0)
    search.report_find()
    searched = [is_searched(search, (i + 1) / 30) is not None for i in range(16)]
    assert searched == [True] * 8 + [False] * 8


def test_a_view_that_is_put_back_comes_next(search):
    view = is_searched(search, 0.0, tracked=0)
    search.put_back(view)
    np.testing.assert_array_equal(is_searched(search, 0.03, tracked=0), view)
    assert (is_searched(search, 0.06, tracked=0) != view).any()


def test_a_lost_hand_is_looked_for_at_once_where_it_was(search):
    assert is_searched(search, 0.0) is not None
    region = np.array([200, 150, 100, 0.7])
    view = is_searched(search, 0.03, lost=[region], is_new_loss=True)
    np.testing.assert_allclose(view, [[200, 150, 300, 0]])
    assert is_searched(search, 0.06, lost=[region]) is None
    assert is_searched(search, 0.14, lost=[region]) is not None


def test_a_lost_hand_does_not_keep_others_from_being_found(search):
    region = np.array([200, 150, 100, 0.0])
    views = [
        is_searched(search, i / 10, lost=[region], is_new_loss=i == 0)[0, 2] for i in range(10)
    ]
    assert views.count(300) == 5


def test_time_that_stands_still_or_goes_back_does_not_stop_the_search(search):
    assert is_searched(search, 5.0) is not None
    assert is_searched(search, 5.0) is not None
    assert is_searched(search, 1.0) is not None


def test_without_tiles_only_the_whole_frame_is_searched():
    search = HandSearch(interval_ns=0, lost_interval_ns=0, tile_fraction=1.0)
    views = [is_searched(search, i / 30, tracked=0)[0] for i in range(10)]
    assert {tuple(view[:2]) for view in views} == {(320.0, 240.0)}

from itertools import count

import numpy as np
import pytest
from bodies import camera, standing_body

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hands import HandTracker, HandTrackerOptions
from ros2_hand_action.perception.records import Body, Handedness
from ros2_hand_action.perception.skeleton import INDEX

STEP_NS = 33_000_000
SECOND_NS = 1_000_000_000


@pytest.fixture
def make_tracker(disc_palms, disc_landmarks):
    def make(**options):
        return HandTracker(
            palm=disc_palms, landmarks=disc_landmarks, options=HandTrackerOptions(**options)
        )

    return make


@pytest.fixture
def follow(make_tracker, draw_discs):
    """Return a function that runs images, each a list of discs, and returns all results."""

    def run(images, *, step_ns=STEP_NS, **options):
        tracker = make_tracker(**options)
        return [
            tracker.process(draw_discs(*discs, stamp_ns=i * step_ns)).hands
            for i, discs in enumerate(images)
        ]

    return run


def ids(hands):
    return [hand.track_id for hand in hands]


def place(hand):
    return hand.landmarks_px[[0, 5, 9, 13, 17], :2].mean(axis=0)


def test_a_hand_keeps_its_id_and_is_where_it_is(follow, disc):
    results = follow([[disc(150 + 6 * i, 200)] for i in range(50)])
    assert {tuple(ids(hands)) for hands in results} == {('h1',)}
    last = results[-1][0]
    # 294 px/s is 3 disc diameters each second: smoothing may lag by a few pixels.
    np.testing.assert_allclose(last.landmarks_px[9, :2], (444, 200), atol=6)
    assert last.handedness is Handedness.RIGHT
    xmin, ymin, xmax, ymax = last.box_px
    assert xmin < 420 and xmax > 470 and ymin < 175 and ymax > 225


def test_records_have_the_documented_shapes_and_types(follow, disc):
    hand = follow([[disc(300, 200, is_right=False)]])[0][0]
    assert hand.landmarks_px.shape == (21, 3) and hand.landmarks_px.dtype == np.float32
    assert hand.landmarks_m.shape == (21, 3) and hand.landmarks_m.dtype == np.float32
    assert hand.box_px.shape == (4,) and hand.box_px.dtype == np.float32
    assert hand.handedness is Handedness.LEFT and hand.handedness_score > 0.9
    np.testing.assert_allclose(hand.landmarks_m[0], 0)


def test_the_palm_detector_rests_while_a_hand_is_tracked(
    make_tracker, disc_palms, draw_discs, disc
):
    tracker = make_tracker(search_interval_ns=SECOND_NS, max_hands=2)
    for i in range(91):
        tracker.process(draw_discs(disc(300, 200), stamp_ns=i * STEP_NS))
    assert disc_palms.images <= 9 + 3  # a round when it is found, then once each second


def test_the_palm_detector_never_runs_while_all_hands_are_tracked(
    make_tracker, disc_palms, draw_discs, disc
):
    tracker = make_tracker(max_hands=1)
    tracker.process(draw_discs(disc(300, 200)))
    before = disc_palms.images
    for i in range(1, 40):
        tracker.process(draw_discs(disc(300, 200), disc(100, 100), stamp_ns=i * STEP_NS))
    assert disc_palms.images == before


@pytest.mark.parametrize('step_ns', [16_666_667, 33_333_333, 100_000_000])
def test_searches_go_by_time_and_not_by_images(
    make_tracker, disc_palms, draw_discs, disc, step_ns
):
    tracker = make_tracker(search_interval_ns=SECOND_NS // 2)
    for i in range(-9, 1):  # a round
        tracker.process(draw_discs(disc(300, 200), stamp_ns=SECOND_NS + i * step_ns))
    before = disc_palms.images
    for i in range(1, 4 * SECOND_NS // step_ns + 1):
        tracker.process(draw_discs(disc(300, 200), stamp_ns=SECOND_NS + i * step_ns))
    assert 6 <= disc_palms.images - before <= 8


def test_a_second_hand_is_found_while_the_first_is_tracked(follow, disc):
    both = [disc(150, 200), disc(450, 250, is_right=False)]
    results = follow([both[:1]] * 10 + [both] * 40)
    assert ids(results[9]) == ['h1']
    assert ids(results[-1]) == ['h1', 'h2']
    assert results[-1][1].handedness is Handedness.LEFT


def test_eight_hands_at_once(follow, disc):
    discs = [disc(80 + 150 * (i % 4), 120 + 220 * (i // 4), is_right=i % 2 == 0)
             for i in range(8)]
    results = follow([discs] * 40, max_hands=8)
    assert len(set(ids(results[-1]))) == 8
    assert ids(results[-1]) == ids(results[25])


@pytest.mark.parametrize('step_ns', [16_666_667, 33_333_333])
def test_ids_survive_the_crossing_of_two_hands(follow, disc, step_ns):
    seconds = np.arange(0, 2, step_ns * 1e-9)
    images = [
        [disc(120 + 200 * t, 240), disc(520 - 200 * t, 250, is_right=False)] for t in seconds
    ]
    results = follow(images, step_ns=step_ns, search_interval_ns=100_000_000)
    start = {hand.track_id: place(hand)[0] for hand in results[8]}
    end = {hand.track_id: place(hand)[0] for hand in results[-1]}
    assert set(start) == set(end) == {'h1', 'h2'}
    for track_id in start:
        assert (start[track_id] < 320) == (end[track_id] > 320)


def test_crossing_of_two_right_hands_goes_by_their_motion(follow, disc):
    images = [[disc(120 + 8 * i, 225), disc(520 - 8 * i, 255)] for i in range(51)]
    results = follow(images, search_interval_ns=100_000_000)
    start = {hand.track_id: place(hand)[0] for hand in results[8]}
    end = {hand.track_id: place(hand)[0] for hand in results[-1]}
    assert set(start) == set(end)
    for track_id in start:
        assert (start[track_id] < 320) == (end[track_id] > 320)


def test_the_id_comes_back_after_a_short_occlusion(follow, disc):
    hand = disc(300, 200)
    results = follow([[hand]] * 10 + [[]] * 10 + [[disc(320, 210)]] * 10)
    assert ids(results[9]) == ['h1'] and ids(results[15]) == []
    assert ids(results[-1]) == ['h1']


def test_an_id_is_never_used_again(follow, disc):
    hand = disc(300, 200)
    gone = [[]] * 50  # longer than the memory of a second
    results = follow([[hand]] * 5 + gone + [[hand]] * 5 + gone + [[hand]] * 5)
    assert [ids(results[i]) for i in (4, 59, 114)] == [['h1'], ['h2'], ['h3']]


def test_a_hand_elsewhere_is_not_the_lost_one(follow, disc):
    results = follow([[disc(100, 100)]] * 10 + [[]] * 2 + [[disc(560, 400)]] * 10)
    assert ids(results[-1]) == ['h2']


def test_no_hand_is_tracked_twice(make_tracker, draw_discs, disc):
    """Two hands come together until one hides the other: one track stays."""
    tracker = make_tracker(search_interval_ns=100_000_000)
    for i in range(60):
        x = min(200 + 5 * i, 400)
        hands = tracker.process(
            draw_discs(disc(400, 240), disc(x, 240), stamp_ns=i * STEP_NS)
        ).hands
    assert len(hands) == 1


def test_time_going_back_begins_anew_with_new_ids(make_tracker, draw_discs, disc):
    tracker = make_tracker()
    for stamp_ns in (5 * SECOND_NS, 5 * SECOND_NS + STEP_NS):
        first = tracker.process(draw_discs(disc(300, 200), stamp_ns=stamp_ns)).hands
    second = tracker.process(draw_discs(disc(400, 200), stamp_ns=SECOND_NS)).hands
    assert ids(first) == ['h1'] and ids(second) == ['h2']
    # Nothing is smoothed over the jump.
    np.testing.assert_allclose(place(second[0])[0], place(first[0])[0] + 100, atol=1.5)


def test_another_image_size_begins_anew(make_tracker, draw_discs, disc):
    tracker = make_tracker()
    tracker.process(draw_discs(disc(300, 200)))
    hands = tracker.process(
        draw_discs(disc(300, 200), stamp_ns=STEP_NS, size=(800, 600))
    ).hands
    assert ids(hands) == ['h2']


def test_reset_keeps_ids_used(make_tracker, draw_discs, disc):
    tracker = make_tracker()
    tracker.process(draw_discs(disc(300, 200)))
    tracker.reset()
    assert ids(tracker.process(draw_discs(disc(300, 200), stamp_ns=STEP_NS)).hands) == ['h2']


def test_a_tracker_that_follows_another_goes_on_counting(
    disc_palms, disc_landmarks, draw_discs, disc
):
    numbers = count(1)
    found = []
    for _ in range(2):
        tracker = HandTracker(palm=disc_palms, landmarks=disc_landmarks, numbers=numbers)
        found += ids(tracker.process(draw_discs(disc(300, 200))).hands)
    assert found == ['h1', 'h2']


def test_stamps_that_stand_still_do_not_freeze_the_hand(make_tracker, draw_discs, disc):
    tracker = make_tracker()
    for i in range(20):
        hands = tracker.process(draw_discs(disc(200 + 5 * i, 200))).hands
    assert ids(hands) == ['h1']
    np.testing.assert_allclose(hands[0].landmarks_px[0, 0], 295, atol=2)


def test_results_repeat_from_run_to_run(follow, disc):
    images = [[disc(150 + 5 * i, 200), disc(450 - 4 * i, 260, is_right=False)]
              for i in range(40)]
    first, second = follow(images), follow(images)
    for hands, again in zip(first, second, strict=True):
        assert ids(hands) == ids(again)
        for hand, other in zip(hands, again, strict=True):
            np.testing.assert_array_equal(hand.landmarks_px, other.landmarks_px)


def far_person():
    """Return a body 4 m away, and the places of its left and right hand in pixels."""
    points = standing_body() + (0.3, 0.2, 4.0)
    pixels = camera().project(points)
    body = Body('p1', 1.0, np.zeros(4), pixels, np.full(34, 0.9), points)
    return body, *(pixels[INDEX[f'{side}_index_knuckle']] for side in ('left', 'right'))


def test_hands_too_small_for_tiles_are_found_at_wrists(make_tracker, draw_discs, disc):
    body, left, right = far_person()
    discs = [disc(*left, radius=3, is_right=False), disc(*right, radius=3)]
    alone, helped, refusing = make_tracker(), make_tracker(), make_tracker(wrist_views=0)
    for i in range(30):
        frame = draw_discs(*discs, stamp_ns=i * STEP_NS)
        assert alone.process(frame).hands == () == refusing.process(frame, [body]).hands
        hands = helped.process(frame, [body]).hands
    assert {hand.handedness for hand in hands} == {Handedness.LEFT, Handedness.RIGHT}
    assert ids(hands) == ['h1', 'h2']


def test_wrists_take_the_place_of_other_views(make_tracker, disc_palms, draw_discs):
    body, *_ = far_person()
    for given in ((), [body]):
        tracker, before = make_tracker(), disc_palms.images
        for i in range(20):
            tracker.process(draw_discs(stamp_ns=i * STEP_NS), given)
        assert disc_palms.images - before == 20


def test_wrists_keep_no_hand_elsewhere_from_being_found(make_tracker, draw_discs, disc):
    body, *_ = far_person()
    tracker = make_tracker()
    for i in range(60):
        hands = tracker.process(
            draw_discs(disc(60, 400, radius=6), stamp_ns=i * STEP_NS), [body]
        ).hands
    assert len(hands) == 1


def test_wrists_of_known_hands_are_not_searched(make_tracker, disc_palms, draw_discs, disc):
    body, left, right = far_person()
    discs = [disc(*left, radius=8, is_right=False), disc(*right, radius=8)]
    counts = []
    for given in ((), [body]):
        tracker = make_tracker()
        for i in range(60):
            tracker.process(draw_discs(*discs, stamp_ns=i * STEP_NS), [body])
        before = disc_palms.images
        for i in range(60, 120):
            tracker.process(draw_discs(*discs, stamp_ns=i * STEP_NS), given)
        counts.append(disc_palms.images - before)
    assert counts[0] == counts[1]


@pytest.mark.parametrize('shape', [(1, 1), (1, 500), (500, 1), (3, 2)])
def test_tiny_images_hold_no_hand(make_tracker, shape):
    for order, tail in ((PixelOrder.MONO, ()), (PixelOrder.BGR, (3,))):
        frame = Frame(np.full((*shape, *tail), 200, np.uint8), order)
        assert make_tracker().process(frame).hands == ()


def test_bgr_is_seen_as_rgb_is(make_tracker, draw_discs, disc):
    rgb = make_tracker().process(draw_discs(disc(300, 200))).hands
    bgr = make_tracker().process(draw_discs(disc(300, 200), order=PixelOrder.BGR)).hands
    np.testing.assert_array_equal(rgb[0].landmarks_px, bgr[0].landmarks_px)


def test_times_add_up_to_what_passed(make_tracker, draw_discs, disc):
    times = make_tracker().process(draw_discs(disc(300, 200))).times
    assert all(seconds > 0 for seconds in times)


def test_close_frees_the_networks(make_tracker, disc_palms, disc_landmarks):
    with make_tracker() as tracker:
        tracker.warm_up()
        assert tracker.description == 'discs'
    assert disc_palms.is_closed and disc_landmarks.is_closed


@pytest.mark.parametrize(('name', 'value'), [
    ('model', 'huge'), ('max_hands', 0), ('max_hands', 9), ('palm_threshold', 0.0),
    ('presence_threshold', 1.0), ('tracking_threshold', -0.1), ('min_score', 1.5),
    ('search_interval_ns', -1), ('lost_search_interval_ns', -1), ('lost_memory_ns', -1),
    ('wrist_views', -1), ('wrist_views', 9), ('tile_fraction', 0.0),
    ('tile_fraction', 1.1), ('smoothing_cutoff_hz', 0.0),
    ('smoothing_speed_gain', -1.0), ('palm_threshold', float('nan')),
])
def test_options_name_the_bad_value(name, value):
    with pytest.raises(ConfigError, match=f'{name}.*{value!r}'):
        HandTrackerOptions(**{name: value})

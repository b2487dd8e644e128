"""Streams that go wrong in the ways that real ones do."""

import pytest
from scenes import BLACK, WALL, shots

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.records import Phase


def assert_every_start_ends(result):
    lasting = set()
    for event in (recorded.event for recorded in result.clip.events):
        key = (event.hand_id, event.label)
        if event.phase is Phase.STARTED:
            assert key not in lasting
            lasting.add(key)
        else:
            assert key in lasting
        if event.phase is Phase.ENDED:
            lasting.remove(key)
    assert not lasting


def test_two_hands_at_once(replay_scene, show):
    # 0 s: a stop on the left and a two on the right; the recording ends at 1.5 s.
    result = replay_scene(shots(show(('stop', 120), ('two', 340)), 0, 1.5))
    result.expect(
        'at 0.2 s +-0.1: gesture stop STARTED right hand',
        'at 0.2 s +-0.1: gesture two STARTED right hand',
        'at 1.4 s +-0.1: gesture stop ENDED',
        'at 1.4 s +-0.1: gesture two ENDED',
        'hand count 2',
        'hand ids 2',
        'gesture stop',
        'gesture two',
    )
    result.compare('two_hands.golden.json')
    assert_every_start_ends(result)


def test_a_mirrored_hand_is_a_left_hand(replay_scene, show):
    result = replay_scene(shots(show(('stop', 240), is_mirrored=True), 0, 0.6))
    result.expect('gesture stop left hand', 'at 0.2 s +-0.1: gesture stop STARTED left hand')


def test_nothing_to_see(replay_scene):
    result = replay_scene([*shots(BLACK, 0, 0.4), *shots(WALL, 0.4, 0.8)])
    result.expect('hand count 0', 'always: gesture stop <= 0 %', 'never: gesture stop')


def test_a_bag_that_loops_starts_anew(replay_scene, show):
    # the same 0.8 s twice: stamps jump back in the middle of a gesture
    result = replay_scene(2 * shots(show(('stop', 240)), 0, 0.8))
    line = 'at 0.2 s +-0.1: gesture stop STARTED'
    result.expect(line, line, 'hand ids 2', 'hand count 1')
    assert_every_start_ends(result)


def test_duplicate_stamps_change_no_event(replay_scene, show):
    doubled = [shot for shot in shots(show(('stop', 240)), 0, 0.8) for _ in range(2)]
    result = replay_scene(doubled)
    assert len(result.clip.frames) == 24
    result.expect(
        'at 0.2 s +-0.1: gesture stop STARTED', 'never between 0.4 and 0.6 s: gesture stop ENDED',
        'hand ids 1', 'hand count 1',
    )
    assert_every_start_ends(result)


def test_a_frozen_camera_ends_gestures(replay_scene, show):
    # 0 to 0.6 s a stop, then no image for 0.7 s, then the same
    stop = show(('stop', 240))
    result = replay_scene([*shots(stop, 0, 0.6), *shots(stop, 1.3, 1.9)])
    result.expect(
        'at 0.2 s +-0.1: gesture stop STARTED', 'at 0.55 s +-0.1: gesture stop ENDED',
        'at 1.5 s +-0.1: gesture stop STARTED',
    )
    assert_every_start_ends(result)


def test_a_hand_that_leaves_and_comes_back_keeps_its_id(replay_scene, show):
    stop = show(('stop', 240))
    scene = [*shots(stop, 0, 0.6), *shots(WALL, 0.6, 1.0), *shots(stop, 1.0, 1.6)]
    result = replay_scene(scene)
    result.expect(
        'hand ids 1', 'between 0.6 and 0.95 s: hand count 0',
        'at 0.75 s +-0.1: gesture stop ENDED', 'at 1.2 s +-0.1: gesture stop STARTED',
    )


def test_images_that_cannot_be_read_are_left_out(replay_scene, show):
    stop = show(('stop', 240))
    scene = [*shots(stop, 0, 0.4), (0.4, b'no image'), *shots(stop, 0.4, 0.8)]
    result = replay_scene(scene)
    assert [frame.hands is None for frame in result.clip.frames].index(True) == 6
    result.expect('hand count 1', 'gesture stop', 'hand ids 1')


def test_a_bag_without_images_says_so(replay_scene):
    with pytest.raises(MediaError, match='scene'):
        replay_scene([])

"""What went wrong once: a replay for each."""

from scenes import BLACK, WALL, shots


def test_a_hand_that_enters_elsewhere_does_not_get_the_id_of_a_lost_one(replay_scene, show):
    # Half a second of a hand on the left, 0.8 s of nothing, then another hand on the right.
    # It got the id of the first, and a robot would have obeyed somebody else.
    left, right = (show(('stop', x_px), scale=1.0) for x_px in (100, 320))
    scene = [*shots(left, 0, 0.5), *shots(WALL, 0.5, 1.3), *shots(right, 1.3, 1.8)]
    replay_scene(scene).expect('hand ids 2')


def test_stamps_that_jitter_cost_no_image(replay_scene, show):
    # At 10 Hz, stamps a microsecond early: the minimum hold was a multiple of 0.1 s, so that
    # gestures started an image late.
    scene = [
        (time_s - (1e-6 if index == 2 else 0), picture)
        for index, (time_s, picture) in enumerate(
            shots(show(('stop', 240)), 0, 0.5, rate_hz=10))
    ]
    replay_scene(scene).expect('at 0.2 s +-0.01: gesture stop STARTED')


def test_one_wrong_image_ends_no_gesture(replay_scene, show):
    # At 10 Hz one image of another gesture outweighed all before it.
    scene = shots(show(('stop', 240)), 0, 1.2, rate_hz=10)
    scene[6] = (scene[6][0], show(('two', 240)))
    replay_scene(scene).expect(
        'at 0.2 s +-0.11: gesture stop STARTED', 'at 0.6 s +-0.01: gesture two',
        'never between 0.5 and 1 s: gesture stop ENDED', 'hand ids 1',
    )


def test_one_lost_image_ends_no_gesture(replay_scene, show):
    scene = shots(show(('stop', 240)), 0, 1.2, rate_hz=10)
    scene[6] = (scene[6][0], BLACK)
    replay_scene(scene).expect(
        'at 0.6 s +-0.01: hand count 0', 'never between 0.5 and 1 s: gesture stop ENDED',
        'hand ids 1',
    )

"""People in streams keep their ids, their sides and their places."""

import numpy as np
import pytest
from bodies import FIGURE, Disc, DiscDetector, DiscLandmarks, camera, picture

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_pose import BodyPoseTracker
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.skeleton import INDEX

STEP_NS = 33_333_333
SECOND_NS = 1_000_000_000
STILL = [Disc(200, 240), Disc(440, 240)]


def _tracker(**options) -> BodyPoseTracker:
    given = {'tile_fraction': 1.0, **options}
    return BodyPoseTracker(
        detector=DiscDetector(), landmarks=DiscLandmarks(), options=BodyPoseOptions(**given)
    )


def _run(tracker, scenes, start=1):
    return [
        tracker.process(picture(discs, (start + index) * STEP_NS), camera()).bodies
        for index, discs in enumerate(scenes)
    ]


def _ids(bodies):
    return [body.track_id for body in bodies]


def test_people_are_found_and_keep_their_ids() -> None:
    results = _run(_tracker(), [
        [Disc(150 + 3 * k, 240), Disc(480 - 2 * k, 230)] for k in range(30)
    ])
    assert {tuple(sorted(_ids(bodies))) for bodies in results} == {('p1', 'p2')}
    last = {body.track_id: body for body in results[-1]}
    first = {body.track_id: body for body in results[0]}
    for name, body in last.items():
        moved = body.keypoints_px[0, 0] - first[name].keypoints_px[0, 0]
        assert (moved > 0) == (first[name].keypoints_px[0, 0] < 300)


def test_body_is_complete_and_consistent() -> None:
    body = _run(_tracker(), [STILL] * 3)[-1][0]
    known = body.confidence > 0
    unknown = {name for name, index in INDEX.items() if not known[index]}
    assert unknown == {
        f'{side}_{part}' for side in ('left', 'right')
        for part in ('small_toe', 'middle_tip', 'thumb_tip')
    }
    assert np.array_equal(np.isfinite(body.keypoints_px).all(axis=1), known)
    assert np.array_equal(np.isfinite(body.keypoints_m).all(axis=1), known)
    shown = camera().project(body.keypoints_m[known])
    assert np.abs(shown - body.keypoints_px[known]).max() < 1
    low, high = body.box_px[:2], body.box_px[2:]
    inside = np.clip(body.keypoints_px[known], 0, (640, 480))
    assert (inside >= low - 0.01).all() and (inside <= high + 0.01).all()
    assert body.keypoints_m.dtype == np.float32


def test_small_people_are_found_soon_after_each_other() -> None:
    far = [Disc(x, y, 4) for x, y in ((100, 100), (320, 240), (560, 400), (560, 90))]
    results = _run(_tracker(tile_fraction=0.5, search_interval_ns=60 * SECOND_NS), [far] * 20)
    assert len(results[0]) < 4 and len(results[-1]) == 4


def test_who_comes_into_view_is_found_soon_while_others_are_tracked() -> None:
    tracker = _tracker(tile_fraction=0.5, search_interval_ns=60 * SECOND_NS)
    still = Disc(120, 240)
    _run(tracker, [[still]] * 30)
    walk = [[still, Disc(590 - 3 * k, 300, 8)] for k in range(10)]
    assert len(_run(tracker, walk, start=31)[-1]) == 2


def test_after_who_moved_into_view_the_other_views_keep_their_time(monkeypatch) -> None:
    tracker = _tracker(tile_fraction=0.5, search_interval_ns=SECOND_NS // 2)
    still = Disc(120, 240)
    _run(tracker, [[still]] * 30)
    views = []
    detect = tracker._detector.detect
    monkeypatch.setattr(
        tracker._detector, 'detect', lambda *given: views.append(given[1]) or detect(*given)
    )
    walk = [[still, Disc(590 - 3 * k, 300, 8)] for k in range(30)]
    assert len(_run(tracker, walk, start=31)[-1]) == 2
    assert 1 <= len(views) <= 5  # two in turn; the rest of the round would be six more


def test_people_in_tiles_must_be_surer() -> None:
    scene = [[Disc(100, 100, 4)]] * 20  # the detector's score is 0.95
    assert _run(_tracker(tile_fraction=0.5, tile_threshold=0.96), scene)[-1] == ()
    assert len(_run(_tracker(tile_fraction=0.5, detection_threshold=0.96), scene)[-1]) == 1


def test_ids_are_not_reused_and_come_back_after_a_short_loss() -> None:
    tracker = _tracker(lost_memory_ns=500_000_000)
    one, gone = [Disc(200, 240)], []
    first = _run(tracker, [one] * 5 + [gone] * 5 + [one] * 5)
    assert _ids(first[4]) == ['p1'] and _ids(first[7]) == [] and _ids(first[-1]) == ['p1']
    second = _run(tracker, [gone] * 30 + [one] * 3, start=20)
    assert _ids(second[-1]) == ['p2']
    assert tracker._people.keys() == {'p2'}  # filters go with the track


def test_reset_by_time_and_by_size_starts_new_ids() -> None:
    tracker = _tracker()
    _run(tracker, [STILL] * 3, start=100)
    assert sorted(_ids(_run(tracker, [STILL], start=1)[0])) == ['p3', 'p4']
    other = picture([Disc(100, 120, 10)], 2 * STEP_NS, (320, 240))
    assert _ids(tracker.process(other).bodies) == ['p5']


def test_no_more_people_than_allowed() -> None:
    crowd = [Disc(60 + 130 * k, 240, 9) for k in range(5)]
    results = _run(_tracker(max_bodies=3), [crowd] * 20)
    assert {len(bodies) for bodies in results} == {3}
    assert len({name for bodies in results for name in _ids(bodies)}) == 3


def test_detector_rests_while_people_are_tracked() -> None:
    tracker = _tracker(search_interval_ns=500_000_000)
    _run(tracker, [STILL] * 30)
    assert tracker._detector._session.images <= 4
    full = _tracker(max_bodies=2)
    _run(full, [STILL] * 30)
    assert full._detector._session.images == 1


def test_confused_left_and_right_are_straightened_for_a_while() -> None:
    tracker = _tracker()
    wrist = INDEX['left_wrist']
    before = _run(tracker, [[Disc(320, 240)]] * 30)[-1][0]
    tracker._network._landmarker._session.is_mirrored = True
    during = _run(tracker, [[Disc(320, 240)]] * 10, start=31)[-1][0]
    assert np.allclose(during.keypoints_px[wrist], before.keypoints_px[wrist], atol=3)
    after = _run(tracker, [[Disc(320, 240)]] * 60, start=41)[-1][0]
    mirrored = 640 - before.keypoints_px[wrist, 0]
    assert after.keypoints_px[wrist, 0] == pytest.approx(mirrored, abs=6)


def test_distance_follows_size_and_height() -> None:
    near = _run(_tracker(), [[Disc(320, 240, 30)]] * 3)[-1][0]
    far = _run(_tracker(), [[Disc(320, 240, 15)]] * 3)[-1][0]
    tall = _run(_tracker(person_height_m=1.87), [[Disc(320, 240, 15)]] * 3)[-1][0]
    assert far.keypoints_m[0, 2] == pytest.approx(2 * near.keypoints_m[0, 2], rel=0.05)
    assert tall.keypoints_m[0, 2] == pytest.approx(1.1 * far.keypoints_m[0, 2], rel=0.02)


def test_depth_image_overrules_the_assumed_height() -> None:
    tracker = _tracker()
    frames = [picture([Disc(320, 240, 15)], (1 + k) * STEP_NS) for k in range(5)]
    alone = tracker.process(frames[0], camera()).bodies[0].keypoints_m[0, 2]
    depth = DepthImage(np.full((240, 320), round(1250 * alone), np.uint16))
    for frame in frames[1:]:
        body = tracker.process(frame, camera(), depth).bodies[0]
    tracker.reset()
    body = tracker.process(frames[0], camera(), depth).bodies[0]
    assert body.keypoints_m[0, 2] == pytest.approx(1.25 * alone + 0.06, abs=0.08)


def test_smoothing_calms_a_person_who_stands_still() -> None:
    noise = np.random.default_rng(1).normal(0, 3, (120, 2))
    scenes = [[Disc(320 + x, 240 + y, 20)] for x, y in noise]

    def spread(**options) -> float:
        found = _run(_tracker(**options), scenes)
        track = np.array([bodies[0].keypoints_px[INDEX['nose']] for bodies in found[30:]])
        return float(track.std(axis=0).max())

    assert spread() < spread(smoothing_cutoff_hz=1e6) / 2


def test_without_a_camera_a_usual_one_is_assumed() -> None:
    frame = picture([Disc(320, 240)], STEP_NS)
    body = _tracker().process(frame).bodies[0]
    assert 0.5 < body.keypoints_m[0, 2] < 20


def test_camera_of_another_size_is_refused() -> None:
    with pytest.raises(ConfigError, match='320x240'):
        _tracker().process(
            picture([], STEP_NS), make_camera(image_size=(320, 240), k=(0.0,) * 9)
        )


@pytest.mark.parametrize('change', [
    {'model': 'huge'}, {'max_bodies': 0}, {'max_bodies': 7}, {'detection_threshold': 1.0},
    {'person_height_m': 0.0}, {'person_height_m': 4.0}, {'tile_fraction': 0.0},
    {'search_interval_ns': -1}, {'smoothing_cutoff_hz': 0.0},
])
def test_options_out_of_range_are_refused(change) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        BodyPoseOptions(**change)


def test_networks_are_closed_with_the_tracker() -> None:
    with _tracker() as tracker:
        pass
    assert all(session.is_closed for session in tracker._sessions)
    assert FIGURE.shape == (33, 2)

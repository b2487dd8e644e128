"""The nodes' perception as one call: time, determinism, and the parameters of the nodes."""

import dataclasses

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.events import GestureEventOptions
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hands import HandTrackerOptions
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.parameter_file import make_options, read_node_parameters
from ros2_hand_action.replay.pipeline import Pipeline, PipelineOptions

PERIOD_NS = 40_000_000
SECOND_NS = 1_000_000_000


@pytest.fixture(scope='module')
def photo():
    """A hand that shows two fingers."""
    try:
        model_path('palm_detection_full')
        path = media_path('five_hands')
    except HandActionError as error:
        pytest.skip(str(error))
    image = cv2.imread(str(path))
    return cv2.copyMakeBorder(image[:, 95:210], 40, 40, 100, 100, cv2.BORDER_REPLICATE)


def play(pipeline, photo, stamps_ns):
    results = [
        pipeline.process(Frame(photo, PixelOrder.BGR, stamp_ns)) for stamp_ns in stamps_ns
    ]
    return [*results, pipeline.reset()]


def events(results):
    return [(event.phase, event.label) for result in results for event in result.events]


def steady(count, begin_ns=SECOND_NS):
    return [begin_ns + index * PERIOD_NS for index in range(count)]


def test_a_gesture_that_is_held_and_ends_with_the_stream(photo):
    with Pipeline() as pipeline:
        results = play(pipeline, photo, steady(20))
    assert results[10].frame.index == 10
    assert {gesture.label for result in results[5:20] for gesture in result.frame.gestures} == {
        'two'
    }
    changes = [event for event in events(results) if event[0] is not Phase.HELD]
    assert changes == [(Phase.STARTED, 'two'), (Phase.ENDED, 'two')]
    assert results[-1].events[-1].stamp_ns == steady(20)[-1]


def test_two_runs_give_the_same(photo):
    runs = []
    for _ in range(2):
        with Pipeline() as pipeline:
            runs.append(play(pipeline, photo, steady(6))[:-1])
    for first, second in zip(*runs):
        assert len(first.frame.hands) == len(second.frame.hands)
        for one, other in zip(first.frame.hands, second.frame.hands):
            assert (one.landmarks_px == other.landmarks_px).all()
            assert one.track_id == other.track_id


def test_stamps_that_go_back_start_everything_anew(photo):
    with Pipeline() as pipeline:
        results = play(pipeline, photo, [*steady(12), *steady(12)])
    before = {hand.track_id for result in results[:12] for hand in result.frame.hands}
    after = {hand.track_id for result in results[12:24] for hand in result.frame.hands}
    assert before and after and not before & after
    (ended,) = results[12].events
    assert (ended.phase, ended.stamp_ns) == (Phase.ENDED, steady(12)[-1])
    phases = [phase for phase, _ in events(results) if phase is not Phase.HELD]
    assert phases == [Phase.STARTED, Phase.ENDED] * 2


def test_a_camera_that_freezes_ends_gestures_with_the_last_image(photo):
    later_ns = steady(12)[-1] + 600_000_000
    with Pipeline() as pipeline:
        results = play(pipeline, photo, [*steady(12), *steady(12, later_ns)])
    (ended,) = results[12].events
    assert (ended.phase, ended.stamp_ns) == (Phase.ENDED, steady(12)[-1])


def test_a_short_gap_and_repeated_stamps_end_nothing(photo):
    stamps_ns = [stamp_ns for stamp_ns in steady(8) for _ in range(2)]
    later_ns = stamps_ns[-1] + 400_000_000
    with Pipeline() as pipeline:
        results = play(pipeline, photo, [*stamps_ns, *steady(5, later_ns)])
    changes = [phase for phase, _ in events(results) if phase is not Phase.HELD]
    assert changes == [Phase.STARTED, Phase.ENDED]
    assert len({hand.track_id for result in results[5:-1] for hand in result.frame.hands}) == 1


def test_parameters_of_the_nodes(tmp_path, photo):
    path = tmp_path / 'params.yaml'
    path.write_text(
        '/**:\n  ros__parameters:\n    use_sim_time: false\n'
        '/robot/gesture_classifier:\n  ros__parameters:\n    minimum_hold_s: 0.32\n'
    )
    with Pipeline(PipelineOptions(params=path)) as pipeline:
        results = play(pipeline, photo, steady(12))
    (started,) = (e for result in results for e in result.events if e.phase is Phase.STARTED)
    assert started.duration_ns == 320_000_000


def test_later_entries_win_and_seconds_become_nanoseconds(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text(
        '/**:\n  ros__parameters: {max_hands: 1, search_interval_s: 1}\n'
        '/**/hand_detector:\n  ros__parameters: {max_hands: 2, lost_memory_s: 9.0}\n'
        'other_node:\n  ros__parameters: {max_hands: 3}\n'
    )
    options = make_options(HandTrackerOptions, read_node_parameters(path, 'hand_detector'))
    assert options == HandTrackerOptions(max_hands=2, search_interval_ns=SECOND_NS)


@pytest.mark.parametrize('text', ['[1, 2]', 'node: 3', 'node: {ros__parameters: 3}', '{'])
def test_a_file_that_is_no_parameter_file(tmp_path, text):
    path = tmp_path / 'params.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=r'params\.yaml'):
        read_node_parameters(path, 'node')


def test_a_value_of_another_type():
    with pytest.raises(ConfigError, match="max_hands is 'four', must be of type int"):
        make_options(HandTrackerOptions, {'max_hands': 'four'})
    with pytest.raises(ConfigError, match='start_threshold'):
        make_options(GestureEventOptions, {'start_threshold': 7.0})


def test_a_frozen_options_dataclass_is_made_with_all_defaults():
    assert make_options(HandTrackerOptions, {}) == HandTrackerOptions()
    assert dataclasses.is_dataclass(PipelineOptions)


def test_bodies_found_ahead_are_those_found_in_turn(photo):
    try:
        capture = cv2.VideoCapture(str(media_path('walking_woman')))
        model_path('pose_landmark_full')
    except HandActionError as error:
        pytest.skip(str(error))
    images = [cv2.resize(capture.read()[1], (480, 270)) for _ in range(10)]
    stamps_ns = [*steady(5), *steady(5)]  # the bodies of the image behind the jump come first
    frames = [Frame(i, PixelOrder.BGR, at) for i, at in zip(images, stamps_ns, strict=True)]
    with Pipeline(PipelineOptions(bodies=True)) as pipeline:
        in_turn = [pipeline.process(frame) for frame in frames]
    with Pipeline(PipelineOptions(bodies=True)) as pipeline:
        begun = [pipeline.begin(frame) for frame in frames]
        ahead = [pipeline.complete(each) for each in begun]
    for one, other in zip(in_turn, ahead, strict=True):
        assert [b.track_id for b in one.frame.bodies] == [b.track_id for b in other.frame.bodies]
        for body, same in zip(one.frame.bodies, other.frame.bodies, strict=True):
            np.testing.assert_array_equal(body.keypoints_m, same.keypoints_m)
    before = {body.track_id for result in ahead[:5] for body in result.frame.bodies}
    after = {body.track_id for result in ahead[5:] for body in result.frame.bodies}
    assert before and after and not before & after

"""What is read from a recording: tracks, spans, what lasts."""

from dataclasses import replace

import pytest

from ros2_hand_action.perception.records import Handedness
from ros2_hand_action.replay.digest import digest
from ros2_hand_action.replay.history import (
    Track,
    Tracks,
    action_spans,
    active_actions,
    active_events,
    gesture_spans,
    lasting,
)
from ros2_hand_action.replay.recording import latencies_ms, spread


def test_a_gesture_spans_from_its_start_to_its_end(clip):
    (span,) = gesture_spans(clip)
    assert (span.label, span.owner_id, span.handedness) == ('stop', 'h1', Handedness.LEFT)
    assert span.start_s == pytest.approx(0.3)
    assert span.end_s == pytest.approx(1.6)


def test_a_gesture_without_end_lasts_to_the_end_of_the_clip(clip):
    (span,) = gesture_spans(replace(clip, events=clip.events[:1]))
    assert span.end_s == pytest.approx(2.0)


def test_a_hand_is_in_view_over_images_that_were_left_out(clip):
    first, second = digest(clip).hands
    assert first.track_id == 'h1'
    assert first.seen_s == [pytest.approx((0.2, 1.5))]
    assert second.seen_s == [pytest.approx((1.7, 1.7))]


def test_a_long_absence_parts_a_track():
    tracks = Tracks(largest_gap_s=0.15)
    for now_s in (0.0, 0.1, 0.3, 0.4, 0.5):
        tracks.add(now_s, 'h1')
    assert tracks.tracks() == [Track('h1', [(0.0, 0.1), (0.3, 0.5)])]


def test_the_side_of_a_hand_is_that_which_came_most_often():
    tracks = Tracks()
    for side in (Handedness.LEFT, Handedness.RIGHT, Handedness.RIGHT):
        tracks.add(0.0, 'h1', side)
    assert tracks.tracks()[0].handedness is Handedness.RIGHT


def test_events_are_active_between_start_and_end(clip):
    stamps = [frame.stamp_ns for frame in clip.frames]
    active = [bool(active_events(clip, stamp_ns)) for stamp_ns in stamps]
    assert active == [5 <= index < 16 for index in range(20)]


def test_actions_have_spans_and_last_like_gestures(people_clip):
    (span,) = action_spans(people_clip)
    assert (span.label, span.owner_id, span.start_s, span.end_s) == ('walk', 'p1', 0.8, 1.9)
    stamps = [frame.stamp_ns for frame in people_clip.frames]
    active = [bool(active_actions(people_clip, stamp_ns)) for stamp_ns in stamps]
    assert active == [9 <= index < 19 for index in range(20)]
    started = [recorded.event for recorded in people_clip.action_events][:1]
    assert list(lasting(started)) == ['p1']


def test_latencies_are_those_of_answered_images(clip):
    values = latencies_ms([clip])
    assert len(values) == 16
    assert spread(values).p50_ms == pytest.approx(21.0)
    assert spread(values).largest_ms == 30.0
    assert spread([]).size == 0


def test_a_clip_without_images_has_no_duration(clip):
    empty = replace(clip, frames=(), events=())
    assert empty.duration_s == 0.0
    assert digest(empty).hands == []

"""Rows of a timeline, and its picture."""

from dataclasses import replace

import cv2
import pytest

from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.timeline import gesture_colours, timeline_rows, write_timeline


def test_hands_in_view_for_a_moment_share_a_row(clip):
    first, rest = timeline_rows(clip)
    assert first.name == 'h1 left'
    assert [span.label for span in first.spans] == ['stop']
    assert rest.name == '1 brief'
    assert rest.seen_s == [pytest.approx((1.7, 1.7))]


def test_every_gesture_has_a_colour():
    colours = gesture_colours([*GESTURES, *(f'own {index}' for index in range(20))])
    assert NONE not in colours
    assert len(colours) == 25
    assert len({colours[label] for label in GESTURES if label != NONE}) == 5


def test_a_picture_is_written(recording, silent_clip, tmp_path):
    path = tmp_path / 'timeline.png'
    write_timeline(replace(recording, clips=(recording.clips[0], silent_clip)), path)
    image = cv2.imread(str(path))
    assert min(image.shape[:2]) > 150
    red, green, blue = (int(gesture_colours(GESTURES)['stop'][i:i + 2], 16) for i in (1, 3, 5))
    assert (abs(image.astype(int) - (blue, green, red)).max(axis=2) < 3).sum() > 500
    assert not list(tmp_path.glob('.*'))


def test_names_are_not_read_as_mathematics(recording, tmp_path):
    clip = replace(recording.clips[0], name='$\\broken{$')
    write_timeline(replace(recording, clips=(clip,)), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 1000


def test_nothing_at_all_is_a_picture_too(tmp_path):
    write_timeline(Recording((), ()), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 500

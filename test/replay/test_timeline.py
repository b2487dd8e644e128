"""Rows of a timeline, and its picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ros2_hand_action.perception.labels import ACTIONS, GESTURES, NONE, OTHER
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.replay.digest import digest
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.timeline import label_colours, timeline_rows
from ros2_hand_action.replay.timeline_picture import sample_poses, write_timeline


def test_hands_in_view_for_a_moment_share_a_row(clip):
    first, rest = timeline_rows(digest(clip))
    assert first.name == 'h1 left'
    assert [span.label for span in first.spans] == ['stop']
    assert [event.phase for event in first.events] == list(Phase)
    assert rest.name == '1 brief hand'
    assert rest.seen_s == [pytest.approx((1.7, 1.7))]


def test_bodies_and_their_actions_have_rows(people_clip):
    (row,) = timeline_rows(digest(people_clip))
    assert row.name == 'p1'
    assert row.seen_s == [pytest.approx((0.3, 0.9)), pytest.approx((1.2, 1.9))]
    assert [(span.label, span.start_s, span.end_s) for span in row.spans] == [('walk', 0.8, 1.9)]


def test_actions_of_the_whole_image_have_a_row(people_clip):
    events = tuple(
        replace(recorded, event=replace(recorded.event, body_id=''))
        for recorded in people_clip.action_events
    )
    rows = timeline_rows(digest(replace(people_clip, action_events=events)))
    assert [row.name for row in rows] == ['p1', 'whole image']
    assert len(rows[1].spans) == 1


def contrast_with_white(colour):
    parts = np.array([int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05)


def test_every_label_has_a_colour_on_which_white_can_be_read():
    own = tuple(f'own {index}' for index in range(20))
    colours = label_colours(Recording((), (*GESTURES, *own), action_labels=ACTIONS))
    assert {NONE, OTHER} & colours.keys() == set()
    assert len(colours) == 30
    assert len({colours[label] for label in GESTURES if label != NONE}) == 5
    assert min(contrast_with_white(colour) for colour in colours.values()) >= 4.5


def test_a_picture_is_written(recording, silent_clip, tmp_path):
    path = tmp_path / 'timeline.png'
    write_timeline(replace(recording, clips=(recording.clips[0], silent_clip)), path)
    image = cv2.imread(str(path))
    assert min(image.shape[:2]) > 150
    red, green, blue = (int(label_colours(recording)['stop'][i:i + 2], 16) for i in (1, 3, 5))
    assert (abs(image.astype(int) - (blue, green, red)).max(axis=2) < 3).sum() > 500
    assert not list(tmp_path.glob('.*'))


def test_poses_are_taken_evenly_and_stand_on_the_pelvis(people_clip):
    poses = sample_poses(people_clip, step_s=0.5)
    assert list(poses) == ['p1']
    assert [now_s for now_s, _ in poses['p1']] == [0.3, 0.5, 1.2, 1.5]
    for _, points_m in poses['p1']:
        assert points_m[INDEX['pelvis']].tolist() == [0, 0]
        assert points_m[INDEX['left_ankle']].tolist() == pytest.approx([0.1, 0.9])


def test_people_are_drawn_with_their_sides(people_clip, tmp_path):
    write_timeline(Recording((people_clip,), ()), tmp_path / 'a.png')
    image = cv2.imread(str(tmp_path / 'a.png')).astype(int)
    for colour in ((26, 123, 224), (217, 134, 43)):  # orange and blue
        assert (abs(image - colour).max(axis=2) < 4).sum() > 100


def test_names_are_not_read_as_mathematics(recording, tmp_path):
    clip = replace(recording.clips[0], name='$\\broken{$')
    write_timeline(replace(recording, clips=(clip,)), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 1000


def test_nothing_at_all_is_a_picture_too(tmp_path):
    write_timeline(Recording((), ()), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 500

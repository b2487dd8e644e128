"""A recording in a few lines."""

from dataclasses import replace

from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.summary import format_summary


def test_gestures_actions_and_counts_are_listed(recording, people_clip):
    text = format_summary(replace(recording, clips=(recording.clips[0], people_clip)))
    lines = [line.split() for line in text.splitlines()]
    assert ['a_clip', 'stop', 'h1', 'left', '0.3', 's', '1.3', 's'] in lines
    assert ['people', 'walk', 'p1', '0.8', 's', '1.1', 's'] in lines
    assert ['people', '20', '18', '2', '12.0', 'ms', '12.0', 'ms', '1', '18'] in lines
    assert 'FOR BODIES' in text


def test_without_bodies_and_clocks_there_are_no_numbers_of_theirs(silent_clip):
    text = format_summary(Recording((silent_clip,), ()))
    assert text.startswith('nothing was shown')
    assert text.split()[-6:] == ['silent', '20', '0', '20', '-', '-']


def test_long_lists_are_cut(clip):
    many = tuple(
        replace(each, event=replace(each.event, hand_id=f'h{number}'))
        for number in range(25) for each in clip.events
    )
    text = format_summary(Recording((replace(clip, events=many),), ()))
    assert '... and 5 more in results.json' in text
    assert text.count(' stop ') == 20

"""A first file of expectations is one that its recording meets."""

from dataclasses import replace

import pytest
from recordings import action_event, gesture_event, make_clip, make_frame

from ros2_hand_action.replay.expectation_file import read_expectation_file
from ros2_hand_action.replay.judge import judge
from ros2_hand_action.replay.judgement import format_judgement
from ros2_hand_action.replay.labelling import write_expectations

EVENTS = (
    gesture_event(1.2), gesture_event(1.7, 'HELD'), gesture_event(2.3, 'ENDED'),
    gesture_event(2.6, label='my own', side='UNKNOWN', hand_id='h2', body_id='p1'),
    gesture_event(3.9, 'ENDED', label='my own', side='UNKNOWN', hand_id='h2', body_id='p1'),
)


def frames(rate_hz, *, bodies=('p1',)):
    return [
        make_frame(
            index, index / rate_hz, hands={'h1': 'stop'} if 1 <= index / rate_hz < 3 else {},
            bodies=bodies, actions=None if bodies is None else {'p1': 'walk'},
        )
        for index in range(4 * rate_hz)
    ]


def label(clip, tmp_path, **arguments):
    path = tmp_path / 'wave.replay.yaml'
    path.write_text(write_expectations(clip, **arguments))
    return read_expectation_file(path), path.read_text()


@pytest.mark.parametrize('rate_hz', [7, 10, 30])
@pytest.mark.parametrize('loops', [1, 2])
def test_the_recording_meets_its_own_file(tmp_path, rate_hz, loops):
    labels = (*make_clip([]).labels, 'my own')
    clip = make_clip(
        frames(rate_hz) * loops, EVENTS * loops, [action_event(2.0, label='walk')])
    clip = replace(clip, labels=labels, problems=('one\nand two',))
    file, text = label(clip, tmp_path)
    judgement = judge(clip, file.expectations, against='wave.replay.yaml')
    assert judgement.passed, format_judgement(judgement)
    assert '- at 1.20 s +-0.3: gesture stop STARTED right hand   # h1' in text
    assert '- at 2.60 s +-0.3: gesture "my own" STARTED   # h2, p1' in text
    assert '- never: gesture fist' in text
    assert '- never: action fall_floor' in text
    assert 'never: gesture stop' not in text
    assert 'HELD' not in text
    assert ('between 1.00 and 2.9' in text) is (loops == 1 and rate_hz != 7)


def test_what_was_not_looked_for_is_not_expected(tmp_path):
    clip = make_clip(frames(10, bodies=None), EVENTS[:3])
    _, text = label(clip, tmp_path)
    assert 'body' not in text.replace('Nobody', '')
    assert 'action' not in text


def test_source_and_options_are_kept(tmp_path):
    file, _ = label(make_clip(frames(10)), tmp_path, source='/bags/wave', options={'start_s': 2})
    assert file.source == '/bags/wave'
    assert file.replay == {'start_s': 2}

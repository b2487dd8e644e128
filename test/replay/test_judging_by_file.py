"""Recordings judged by files."""

from dataclasses import replace

import pytest
from recordings import make_clip, make_frame

from ros2_hand_action.replay.expectation_file import ExpectationFile, read_expectation_file
from ros2_hand_action.replay.golden import save_clip
from ros2_hand_action.replay.judging import judge_by_file, judge_by_golden
from ros2_hand_action.replay.tolerances import EXACT

CLIP = make_clip([make_frame(index, index / 10, hands={}) for index in range(10)])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'wave.replay.yaml'
    path.write_text('expect:\n  - hand count 0\ngolden: wave.json\n')
    save_clip(CLIP, tmp_path / 'wave.json', EXACT)
    return read_expectation_file(path)


def test_expectations_and_golden_results_are_judged(file):
    judgements = judge_by_file(CLIP, file)
    assert [(each.against, each.passed) for each in judgements] == [
        ('wave.replay.yaml', True), ('wave.json', True)]


def test_a_damaged_source_passes_only_where_that_is_known(file):
    damaged = replace(CLIP, damage='cut off at byte 7')
    first, *_ = judge_by_file(damaged, file)
    assert not first.passed
    assert first.checks[0].found == 'cut off at byte 7'
    assert all(each.passed for each in judge_by_file(damaged, replace(file, is_damaged=True)))


def test_golden_results_can_be_accepted(file):
    shorter = replace(CLIP, frames=CLIP.frames[:5])
    assert not all(each.passed for each in judge_by_file(shorter, file))
    assert all(each.passed for each in judge_by_file(shorter, file, saves_golden=True))
    assert all(each.passed for each in judge_by_file(shorter, file))


def test_a_golden_clip_that_was_not_replayed_has_not_passed(file):
    assert isinstance(file, ExpectationFile)
    judgements = judge_by_golden([], file.golden, tolerances=EXACT)
    assert [(each.clip, each.passed) for each in judgements] == [('wave', False)]

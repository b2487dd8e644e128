"""Golden results: saved, compared, and what differs is named."""

import json
from dataclasses import replace

import pytest
from recordings import gesture_event, make_clip, make_frame

from ros2_hand_action.errors import ConfigError, ExpectationError
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.replay.golden import compare_golden, load_golden, save_golden
from ros2_hand_action.replay.judgement import format_judgement
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.results import write_results
from ros2_hand_action.replay.tolerances import EXACT, change_tolerances, read_tolerances

EVENTS = (gesture_event(0.5), gesture_event(1.5, 'ENDED'))


def make(count=20, *, shift_px=0.0, hand='h1', label='stop', events=EVENTS):
    return make_clip(
        [
            make_frame(i, i / 10, hands={hand: label}, bodies=['p1'], actions={'p1': 'walk'},
                       shift_px=shift_px)
            for i in range(count)
        ],
        events,
    )


@pytest.fixture
def golden(tmp_path):
    path = tmp_path / 'wave.json'
    save_golden(Recording((make(),), GESTURES), path, read_tolerances())
    return path


def compare(clip, path, tolerances=None):
    tolerances = tolerances or read_tolerances()
    return compare_golden(clip, load_golden(path), against=path.name, tolerances=tolerances)


def failed(judgement):
    return {check.label: check.found for check in judgement.failed}


def test_the_same_results_pass(golden):
    judgement = compare(make(), golden)
    assert judgement.passed, format_judgement(judgement)
    compared = {check.label for check in judgement.checks}
    assert {'events', 'images', 'hands.id', 'hands.box_px', 'hands.landmarks_px',
            'hands.gesture.label', 'bodies.keypoints_m', 'actions.label'} <= compared


def test_what_is_saved_has_one_line_for_each_image_and_nothing_that_is_ignored(golden):
    lines = golden.read_text().splitlines()
    assert sum(line.startswith('{"index":') for line in lines) == 20
    assert not any('latency' in line or 'probabilities' in line for line in lines)


def test_results_json_serves_as_golden_file(tmp_path):
    path = tmp_path / 'results.json'
    write_results(Recording((make(),), GESTURES), path)
    assert compare(make(), path).passed
    assert compare(make(), path, EXACT).passed
    assert not compare(make(shift_px=0.5), path, EXACT).passed


def test_small_differences_pass_and_large_ones_are_named(golden):
    assert compare(make(shift_px=2.9), golden).passed
    found = failed(compare(make(shift_px=3.5), golden))
    assert set(found) == {'hands.box_px', 'hands.landmarks_px'}
    assert found['hands.box_px'] == (
        'differs in 20 of 20, first at 0.00 s: h1: largest difference 3.5')


def test_few_images_may_differ(golden):
    long = make(100)
    save_golden(Recording((long,), GESTURES), golden, read_tolerances())
    odd = make_frame(40, 4.0, hands={'h1': 'fist'}, bodies=['p1'], actions={'p1': 'walk'})
    frames = [*long.frames[:40], odd, *long.frames[41:]]
    assert compare(replace(long, frames=tuple(frames)), golden).passed
    judgement = compare(replace(long, frames=tuple(frames)), golden, EXACT)
    assert "h1: 'fist' instead of 'stop'" in failed(judgement)['hands.gesture.label']


def test_another_id_is_named(golden):
    found = failed(compare(make(hand='h2'), golden))
    assert found['hands.id'] == 'differs in 20 of 20, first at 0.00 s: h2 instead of h1'


def test_images_that_are_missing_or_too_many_are_named(golden):
    assert 'number 15 is missing' in failed(compare(make(15), golden))['images']
    assert 'one too many' in failed(compare(make(25), golden))['images']


def test_events_may_come_a_little_later_and_no_more(golden):
    def late(time_s):
        return make(events=(gesture_event(0.5 + time_s), gesture_event(1.5 + time_s, 'ENDED')))

    assert compare(late(0.1), golden).passed
    judgement = compare(late(0.2), golden)
    assert failed(judgement)['events'].startswith('2 missing: at 0.50 s stop STARTED right (h1)')
    assert judgement.history == (
        '-    0.50 s  stop STARTED right (h1)',
        '+    0.70 s  stop STARTED right (h1)',
        '-    1.50 s  stop ENDED right (h1)',
        '+    1.70 s  stop ENDED right (h1)',
    )


def test_a_further_event_is_named(golden):
    judgement = compare(make(events=(*EVENTS, gesture_event(1.8, label='fist'))), golden)
    assert failed(judgement) == {'events': '1 not expected: at 1.80 s fist STARTED right (h1)'}


def test_a_clip_that_is_not_in_the_file_has_not_passed(golden):
    judgement = compare(replace(make(), name='other'), golden)
    assert failed(judgement) == {'clip': 'there are wave'}


@pytest.mark.parametrize('text', ['', '[]', '{"format": 2}', '{"format": 2, "clips": [1]}'])
def test_a_file_that_is_no_golden_file_is_named(tmp_path, text):
    path = tmp_path / 'bad.json'
    path.write_text(text)
    with pytest.raises(ExpectationError, match=r'bad\.json'):
        load_golden(path)


def test_a_file_of_another_format_is_refused(golden):
    content = json.loads(golden.read_text())
    golden.write_text(json.dumps({**content, 'format': 1}))
    with pytest.raises(ExpectationError, match='format 1'):
        load_golden(golden)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ExpectationError, match='file'):
        save_golden(Recording((make(),), GESTURES), tmp_path / 'file' / 'x.json', EXACT)


def test_tolerances_can_be_changed_one_by_one():
    changed = change_tolerances(read_tolerances(), {'numbers': {'box_px': 9}}, 'a.yaml')
    assert changed.numbers['box_px'] == 9
    assert changed.numbers['landmarks_px'] == read_tolerances().numbers['landmarks_px']


@pytest.mark.parametrize(
    'changes',
    [[], {'box_px': 3}, {'numbers': 3}, {'numbers': {'box_px': 'far'}}, {'numbers': {'a': True}},
     {'images': -1}, {'event_s': float('nan')}, {'ignore': 'box_px'}],
)
def test_tolerances_that_are_none_are_refused(changes):
    with pytest.raises(ConfigError, match=r'a\.yaml'):
        change_tolerances(EXACT, changes, 'a.yaml')

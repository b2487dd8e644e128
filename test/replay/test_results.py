"""results.json: its fields, and that it is plain JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.replay.results import FORMAT, make_results, write_results


@pytest.fixture
def results(recording):
    return json.loads(json.dumps(make_results(recording), allow_nan=False))


def test_the_summary_counts(results):
    summary = results['summary']
    assert results['format'] == FORMAT
    assert (summary['frames'], summary['processed'], summary['dropped']) == (20, 16, 4)
    assert summary['events'] == {'STARTED': 1, 'HELD': 1, 'ENDED': 1}
    assert summary['image_to_gestures_ms'] == {'p50': 21.0, 'p95': 29.25, 'max': 30.0}
    assert summary == results['clips'][0]['summary']


def test_every_frame_is_there_with_its_stamp(results):
    frames = results['clips'][0]['frames']
    assert [frame['index'] for frame in frames] == list(range(20))
    assert frames[4] == {
        'index': 4, 'stamp_ns': 1_700_000_000_400_000_000, 'time_s': 0.4, 'processed': False,
        'hands_latency_ms': None, 'gestures_latency_ms': None, 'bodies_latency_ms': None,
        'hands': None, 'bodies': None, 'actions': None,
    }
    assert frames[0]['hands'] == []
    (hand,) = frames[2]['hands']
    assert set(hand) == {
        'id', 'handedness', 'handedness_score', 'score', 'presence', 'box_px', 'landmarks_px',
        'gesture', 'body_id',
    }
    assert hand['box_px'] == [30.0, 40.0, 70.0, 80.0]
    assert len(hand['landmarks_px']) == 21
    assert hand['gesture']['label'] == 'stop'
    assert list(hand['gesture']['probabilities']) == list(GESTURES)


def test_events_carry_times_and_latency(results):
    started, held, ended = results['clips'][0]['events']
    assert (started['phase'], held['phase'], ended['phase']) == ('STARTED', 'HELD', 'ENDED')
    assert started['time_s'] == 0.5
    assert ended['duration_s'] == 1.3
    assert started['latency_ms'] == 20.0


def test_unknown_numbers_are_null(recording):
    frame = recording.clips[0].frames[2]
    hand = replace(frame.hands[0], landmarks_px=np.full((21, 3), np.nan, np.float32))
    clip = replace(recording.clips[0], frames=(replace(frame, hands=(hand,)),))
    results = make_results(replace(recording, clips=(clip,)))
    (written,) = results['clips'][0]['frames'][0]['hands']
    assert written['landmarks_px'][0] == [None, None, None]


def test_a_clip_without_answers_has_no_latency(silent_clip, recording):
    results = make_results(replace(recording, clips=(silent_clip,)))
    assert results['summary']['processed'] == 0
    assert results['summary']['image_to_gestures_ms'] is None


def test_the_streamed_file_holds_the_same(recording, tmp_path):
    write_results(recording, tmp_path / 'results.json')
    written = json.loads((tmp_path / 'results.json').read_text())
    assert written == json.loads(json.dumps(make_results(recording)))
    assert [path.name for path in tmp_path.glob('*.json*')] == ['results.json']

"""The demo over real DDS: nodes in other processes, and a report of what they answered."""

import json
import os
import re
import statistics
import subprocess
import sys

import pytest

from ros2_hand_action.cli import main
from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.catalogue import find_asset, load_media, load_models
from ros2_hand_action.models.fetch import fetch_media
from ros2_hand_action.models.store import State, model_state

LIMIT_S = 240


@pytest.fixture(scope='module', autouse=True)
def needed():
    """Skip where the demo cannot run at all."""
    pytest.importorskip('rclpy')
    for model in load_models().values():
        if model.default and model_state(model) is not State.READY:
            pytest.skip(f'no model {model.name}: run `hand-action models fetch`')
    try:
        fetch_media([find_asset(load_media(), name) for name in ('five_hands', 'jumping_jacks')])
    except ModelError as error:
        pytest.skip(f'no media: {error}')


def run_demo(*arguments):
    return subprocess.run(
        [sys.executable, '-m', 'ros2_hand_action.cli', 'demo', *map(str, arguments)],
        capture_output=True, text=True, timeout=LIMIT_S, env=os.environ,
    )


def check_events(events):
    """Every gesture that starts ends, without overlap for a hand."""
    running = {}
    for event in events:
        if event['phase'] == 'STARTED':
            assert event['hand_id'] not in running
            running[event['hand_id']] = event['label']
        else:
            assert running[event['hand_id']] == event['label']
        if event['phase'] == 'ENDED':
            del running[event['hand_id']]
    assert not running


def test_real_media_go_through_real_nodes_into_a_report(tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'results.json').write_text('from an earlier run')
    names = ['five_hands', 'jumping_jacks']
    done = run_demo('--clips', ','.join(names), '--seconds', 3, '--out', out)
    assert done.returncode == 0, done.stderr
    outputs = {'report.html', 'annotated.mp4', 'timeline.png', 'results.json'}
    assert {path.name for path in out.iterdir()} == outputs
    results = json.loads((out / 'results.json').read_text())
    assert [clip['name'] for clip in results['clips']] == names
    for clip in results['clips']:
        check_frames(clip['frames'])
        check_events(clip['events'])
        assert {'hand_detector', 'gesture_classifier'} <= {
            stage['node'] for stage in clip['stages_ms']
        }
    hands, people = results['clips']
    assert any(frame['processed'] and frame['hands'] for frame in hands['frames'])
    assert all(frame['bodies'] is None for frame in hands['frames'])
    distances_m = [
        body['keypoints_m'][0][2] for frame in people['frames'] for body in frame['bodies'] or ()
    ]
    assert all(1 < distance_m < 10 for distance_m in distances_m if distance_m is not None)
    counts = [len(frame['bodies']) for frame in people['frames'] if frame['bodies'] is not None]
    assert statistics.mode(counts) == 2
    assert results['labels']
    assert 'walk' in results['action_labels']
    names = {'hand_detector', 'body_pose_estimator', 'action_recognizer'}
    assert names <= results['system'].keys()
    assert 'five_hands' in done.stdout
    assert str(out / 'report.html') in done.stdout


def check_frames(frames):
    """All images were published in order, and those that were answered have a latency."""
    assert [frame['index'] for frame in frames] == list(range(75))
    stamps = [frame['stamp_ns'] for frame in frames]
    assert stamps == sorted(set(stamps))
    assert all(frame['gestures_latency_ms'] > 0 for frame in frames if frame['processed'])
    assert all(frame['bodies_latency_ms'] > 0 for frame in frames if frame['bodies'])


def test_nodes_that_cannot_work_are_told_with_their_log(tmp_path):
    done = run_demo(
        '--clips', 'five_hands', '--seconds', 1, '--out', tmp_path,
        '--gestures', tmp_path / 'no_such.onnx',
    )
    assert done.returncode == 1
    assert 'gesture_classifier' in done.stderr
    assert 'no_such.onnx' in done.stderr
    assert 'Traceback' not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--clips', 'five_hands,nobody'], "'five_hands,nobody'.*jumping_jacks"),
    (['--clips', ''], 'choose of'),
    (['--seconds', '0'], 'above 0'),
    (['--seconds', 'nan'], 'above 0'),
    (['--out', '{file}/below'], 'cannot be used'),
])
def test_wrong_options_are_refused_at_once(arguments, message, tmp_path, capsys):
    file = tmp_path / 'a_file'
    file.touch()
    assert main(['demo', *(text.format(file=file) for text in arguments)]) == 1
    assert re.search(message, capsys.readouterr().err)

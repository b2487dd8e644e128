"""`hand-action replay` from end to end, on videos."""

import json
import re

import bags
import cv2
import numpy as np
import pytest

from ros2_hand_action.cli import main
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_state
from ros2_hand_action.replay.video import VideoWriter


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'grey.mp4'
    with VideoWriter(path, width_px=160, height_px=120, fps=20.0) as writer:
        for level in range(12):
            writer.write(np.full((120, 160, 3), 10 * level, np.uint8))
    return path


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'one.png'
    assert cv2.imwrite(str(path), np.zeros((90, 120, 3), np.uint8))
    return path


@pytest.fixture(autouse=True)
def needed():
    """Skip where the networks are missing."""
    for model in load_models().values():
        if model.default and model_state(model) is not State.READY:
            pytest.skip(f'no model {model.name}: run `hand-action models fetch`')


def test_jobs_give_the_same_bytes(video, picture, tmp_path):
    written = []
    for jobs in ('1', '2'):
        out = tmp_path / f'out{jobs}'
        sources = [str(video), str(picture)]
        assert main(['replay', *sources, '--no-report', '--jobs', jobs, '--out', str(out)]) == 0
        written.append((out / 'results.json').read_bytes())
        assert not list(out.glob('.*'))
    assert written[0] == written[1]
    results = json.loads(written[0])
    assert [clip['name'] for clip in results['clips']] == ['grey', 'one']
    assert [len(clip['frames']) for clip in results['clips']] == [12, 1]
    for name in ('grey', 'one'):
        assert (out / name / 'metadata.yaml').is_file()


def stills(html):
    """Return the times of a report's annotated images."""
    return [float(time_s) for time_s in re.findall(r'"t":([0-9.]+),"jpeg":"/9j/[^"]+"', html)]


def test_two_runs_give_the_same_report(video, tmp_path, capsys):
    reports = []
    for name in ('a', 'b'):
        out = tmp_path / name
        assert main(['replay', str(video), '--no-bags', '--out', str(out)]) == 0
        assert str(out / 'report.html') in capsys.readouterr().out
        reports.append((out / 'report.html').read_text())
    assert reports[0] == reports[1]
    assert stills(reports[0]) == [0.0, 0.25, 0.5]
    body = re.sub('<(style|script).*?</(style|script)>', '', reports[0], flags=re.DOTALL)
    assert 'atency' not in body  # no clock ran


def test_a_report_where_one_is_wanted(video, tmp_path):
    arguments = ['--no-bags', '--no-report', '--out', str(tmp_path)]
    assert main(['replay', str(video), *arguments]) == 0
    assert not (tmp_path / 'report.html').exists()


def test_a_part_of_a_video(video, tmp_path, capsys):
    arguments = ['--start', '0.2', '--duration', '0.3', '--out', str(tmp_path / 'out')]
    assert main(['replay', str(video), '--no-bags', '--no-report', *arguments]) == 0
    (clip,) = json.loads((tmp_path / 'out' / 'results.json').read_text())['clips']
    assert [frame['index'] for frame in clip['frames']] == list(range(4, 10))
    assert 'grey  6       6' in capsys.readouterr().out
    assert not (tmp_path / 'out' / 'grey').exists()


@pytest.mark.parametrize('jobs', ['1', '2'])
def test_a_source_that_cannot_be_played_stops_no_other(video, tmp_path, capsys, jobs):
    damaged = tmp_path / 'damaged.mp4'
    damaged.write_bytes(b'no video')
    out = tmp_path / 'out'
    arguments = ['--no-report', '--jobs', jobs, '--out', str(out)]
    assert main(['replay', str(damaged), str(video), *arguments]) == 1
    assert 'damaged.mp4' in capsys.readouterr().err
    (clip,) = json.loads((out / 'results.json').read_text())['clips']
    assert clip['name'] == 'grey'


def test_a_value_out_of_range_is_refused(video, tmp_path, capsys):
    assert main(['replay', str(video), '--jobs', '0', '--out', str(tmp_path)]) == 1
    assert '--jobs is 0' in capsys.readouterr().err


def test_a_pace_without_live_is_refused(video, tmp_path, capsys):
    assert main(['replay', str(video), '--rate', '2', '--out', str(tmp_path)]) == 1
    assert '--rate is 2.0, but only --live has a pace' in capsys.readouterr().err


def test_a_damaged_bag_is_played_up_to_the_damage_and_told(tmp_path, capsys):
    path = bags.write_bag(tmp_path / 'bag', bags.stream(30), storage='SQLITE3')
    file = path / 'bag.db3'
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * 0.7)])
    out = tmp_path / 'out'
    assert main(['replay', str(path), '--out', str(out)]) == 3
    told = capsys.readouterr().err
    (clip,) = json.loads((out / 'results.json').read_text())['clips']
    assert 10 < len(clip['frames']) < 30
    assert f'{len(clip["frames"])} images were played' in told
    assert 'bag.db3' in told and 'cut off at byte' in told
    assert 'cut off at byte' in clip['damage']
    html = (out / 'report.html').read_text()
    assert 'The source is damaged' in html
    assert len(stills(html)) > 1


def test_a_wrong_topic_lists_what_there_is(tmp_path, capsys):
    path = bags.write_bag(tmp_path / 'bag', bags.stream(2))
    out = str(tmp_path / 'out')
    assert main(['replay', str(path), '--image-topic', '/wrong', '--out', out]) == 1
    assert '/camera/image_raw  sensor_msgs/msg/Image  2 messages' in capsys.readouterr().err


@pytest.mark.parametrize(('text', 'told'), [
    ('hand_detector:\n  ros__parameters: {max_hand: 2}\n', 'did you mean max_hands'),
    ('hand_detctor:\n  ros__parameters: {max_hands: 2}\n', 'did you mean hand_detector'),
    ('hand_detector:\n  ros__parameters: {max_hands: two}\n', "hand_detector: max_hands is 'two'"),
])
def test_a_slip_in_a_parameter_file_is_wrong_usage(picture, tmp_path, capsys, text, told):
    """A test of a parameter that no node has would test nothing."""
    pytest.importorskip('rclpy')
    path, out = tmp_path / 'params.yaml', tmp_path / 'out'
    path.write_text(text)
    assert main(['replay', str(picture), '--params', str(path), '--out', str(out)]) == 2
    said = capsys.readouterr().err
    assert f'error: {path}:' in said and told in said
    assert list(out.iterdir()) == []


def test_a_slip_is_found_in_the_file_that_an_expectation_names(picture, tmp_path, capsys):
    pytest.importorskip('rclpy')
    (tmp_path / 'params.yaml').write_text('overlay:\n  ros__parameters: {jpeg_qualty: 2}\n')
    expect = tmp_path / 'expected.yaml'
    expect.write_text('replay: {params: params.yaml}\nexpect:\n- never: gesture stop\n')
    assert main(['replay', str(picture), '--expect', str(expect), '--out', str(tmp_path)]) == 2
    assert 'did you mean jpeg_quality' in capsys.readouterr().err


def test_what_a_killed_replay_left_is_removed(picture, tmp_path):
    out = tmp_path / 'out'
    for name in ('.frames_killed/wave', '.wave.part/wave', '.other.part'):
        (out / name).mkdir(parents=True)
    (out / '.frames_killed' / '.lock').touch()
    named_lock = picture.rename(picture.with_name('lock.png'))
    arguments = ['--no-bags', '--no-report', '--out', str(out)]
    assert main(['replay', str(named_lock), *arguments]) == 0
    assert {path.name for path in out.iterdir()} == {'results.json', '.other.part'}

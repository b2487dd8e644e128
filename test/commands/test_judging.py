"""What `hand-action replay` says and returns where it judges."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from ros2_hand_action.cli import main
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_state
from ros2_hand_action.replay.video import VideoWriter


@pytest.fixture
def video(tmp_path):
    for model in load_models().values():
        if model.default and model_state(model) is not State.READY:
            pytest.skip(f'no model {model.name}: run `hand-action models fetch`')
    path = tmp_path / 'grey.mp4'
    with VideoWriter(path, width_px=160, height_px=120, fps=20.0) as writer:
        for level in range(6):
            writer.write(np.full((120, 160, 3), 10 * level, np.uint8))
    return path


def replay(video, *arguments):
    out = video.parent / 'out'
    return main(['replay', str(video), '--out', str(out), *(str(each) for each in arguments)])


def expect(video, *lines, name='grey.mp4.replay.yaml', **keys):
    path = video.with_name(name)
    entries = ''.join(f'  - {line}\n' for line in lines)
    extra = ''.join(f'{key}: {value}\n' for key, value in keys.items())
    path.write_text(f'{extra}expect:\n{entries}')
    return path


def test_a_file_beside_the_source_is_judged(video, capsys):
    expect(video, 'hand count 0', 'never: gesture stop')
    assert replay(video) == 0
    assert 'PASSED  grey against grey.mp4.replay.yaml: 2 of 2' in capsys.readouterr().out


def test_what_is_not_expected_is_told_in_words_and_xml(video, tmp_path, capsys):
    path = expect(video, 'hand count 1', 'hand count 0', name='other.replay.yaml')
    junit = tmp_path / 'junit.xml'
    assert replay(video, '--expect', path, '--junit', junit) == 4
    told = capsys.readouterr().out
    assert 'line 2: expected hand count 1' in told
    assert 'found in 0.0 % of 6 images; not so from 0.00 to 0.25 s (0)' in told
    root = ElementTree.parse(junit).getroot()
    assert (root.get('tests'), root.get('failures')) == ('2', '1')


def test_a_source_that_cannot_be_played_is_an_error_in_xml(video, tmp_path):
    video.write_bytes(b'no video')
    junit = tmp_path / 'junit.xml'
    assert replay(video, '--junit', junit) == 1
    assert ElementTree.parse(junit).getroot().get('errors') == '1'


def test_the_file_chooses_what_is_replayed_and_the_command_line_wins(video, capsys):
    expect(video, 'hand ids 0', replay='{start_s: 0.2}')
    replay(video)
    assert 'grey  2       2' in capsys.readouterr().out
    replay(video, '--start', '0.1')
    assert 'grey  4       4' in capsys.readouterr().out


def test_golden_results_are_saved_and_met(video, tmp_path, capsys):
    golden = tmp_path / 'golden.json'
    assert replay(video, '--save-golden', golden) == 0
    assert replay(video, '--golden', golden) == 0
    assert replay(video, '--golden', golden, '--duration', '0.2') == 4
    assert 'images: expected the golden ones' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--golden', 'absent.json'], 'no golden results'),
        (['--expect', 'absent.yaml'], 'absent.yaml'),
        (['--tolerances', 'absent.yaml'], 'absent.yaml'),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_replayed(
    video, capsys, arguments, words
):
    assert replay(video, *arguments) == 1
    told = capsys.readouterr().err
    assert words in told
    assert 'replaying' not in told


def test_one_file_of_expectations_is_for_one_source(video, capsys):
    assert main(['replay', str(video), str(video), '--expect', 'a.yaml']) == 1
    assert 'is for one SOURCE' in capsys.readouterr().err


def test_a_wrong_option_in_the_file_is_named(video, capsys):
    expect(video, 'hand count 0', replay='{bodys: true}')
    assert replay(video) == 1
    assert "no replay option 'bodys'; there are bodies" in capsys.readouterr().err

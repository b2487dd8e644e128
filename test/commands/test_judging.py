"""What `hand-action replay` says and returns where it judges."""

import xml.etree.ElementTree as ElementTree

import pytest

from ros2_hand_action.cli import main


def replay(grey_video, *arguments):
    out = grey_video.parent / 'out'
    return main(['replay', str(grey_video), '--out', str(out), *(str(each) for each in arguments)])


def expect(grey_video, *lines, name='grey.mp4.replay.yaml', **keys):
    path = grey_video.with_name(name)
    entries = ''.join(f'  - {line}\n' for line in lines)
    extra = ''.join(f'{key}: {value}\n' for key, value in keys.items())
    path.write_text(f'{extra}expect:\n{entries}')
    return path


def test_a_file_beside_the_source_is_judged(grey_video, capsys):
    expect(grey_video, 'hand count 0', 'never: gesture stop')
    assert replay(grey_video) == 0
    assert 'PASSED  grey against grey.mp4.replay.yaml: 2 of 2' in capsys.readouterr().out


def test_what_is_not_expected_is_told_in_words_and_xml(grey_video, tmp_path, capsys):
    path = expect(grey_video, 'hand count 1', 'hand count 0', name='other.replay.yaml')
    junit = tmp_path / 'junit.xml'
    assert replay(grey_video, '--expect', path, '--junit', junit) == 4
    told = capsys.readouterr().out
    assert 'line 2: expected hand count 1' in told
    assert 'found in 0.0 % of 6 images; not so from 0.00 to 0.25 s (0)' in told
    root = ElementTree.parse(junit).getroot()
    assert (root.get('tests'), root.get('failures')) == ('2', '1')


def test_a_source_that_cannot_be_played_is_an_error_in_xml(grey_video, tmp_path):
    grey_video.write_bytes(b'no video')
    junit = tmp_path / 'junit.xml'
    assert replay(grey_video, '--junit', junit) == 1
    assert ElementTree.parse(junit).getroot().get('errors') == '1'


def test_the_file_chooses_what_is_replayed_and_the_command_line_wins(grey_video, capsys):
    expect(grey_video, 'hand ids 0', replay='{start_s: 0.2}')
    replay(grey_video)
    assert 'grey  2       2' in capsys.readouterr().out
    replay(grey_video, '--start', '0.1')
    assert 'grey  4       4' in capsys.readouterr().out


def test_golden_results_are_saved_and_met(grey_video, tmp_path, capsys):
    golden = tmp_path / 'golden.json'
    assert replay(grey_video, '--save-golden', golden) == 0
    assert replay(grey_video, '--golden', golden) == 0
    assert replay(grey_video, '--golden', golden, '--duration', '0.2') == 4
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
    grey_video, capsys, arguments, words
):
    assert replay(grey_video, *arguments) == 1
    told = capsys.readouterr().err
    assert words in told
    assert 'replaying' not in told


def test_one_file_of_expectations_is_for_one_source(grey_video, capsys):
    assert main(['replay', str(grey_video), str(grey_video), '--expect', 'a.yaml']) == 1
    assert 'is for one SOURCE' in capsys.readouterr().err


def test_a_wrong_option_in_the_file_is_named(grey_video, capsys):
    expect(grey_video, 'hand count 0', replay='{bodys: true}')
    assert replay(grey_video) == 1
    told = capsys.readouterr().err
    assert "grey.mp4.replay.yaml:1:10: no replay option 'bodys' (did you mean bodies?)" in told

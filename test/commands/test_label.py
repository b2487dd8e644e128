"""`hand-action label` and the file that it writes."""

import pytest

from ros2_hand_action.cli import main


def test_what_is_labelled_is_met(grey_video, capsys):
    assert main(['label', str(grey_video), '-o', 'start_s=0.1']) == 0
    assert main(['replay', str(grey_video), '--out', str(grey_video.parent / 'out')]) == 0
    told = capsys.readouterr().out
    assert 'Correct it, then: hand-action replay' in told
    assert 'PASSED  grey against grey.mp4.replay.yaml' in told
    assert 'grey  4       4' in told


def test_corrections_are_not_replaced(grey_video, capsys):
    path = grey_video.with_name('grey.mp4.replay.yaml')
    path.write_text('corrected')
    assert main(['label', str(grey_video)]) == 1
    assert path.read_text() == 'corrected'
    assert '--force' in capsys.readouterr().err
    assert main(['label', str(grey_video), '--force']) == 0
    assert 'hand ids 0' in path.read_text()


@pytest.mark.parametrize(
    ('option', 'words'),
    [('bodys=true', "no replay option 'bodys'"), ('bodies', 'NAME=VALUE'), ('bodies=[', 'YAML')],
)
def test_an_option_that_cannot_be_used_is_named(grey_video, capsys, option, words):
    assert main(['label', str(grey_video), '-o', option]) == 1
    assert words in capsys.readouterr().err

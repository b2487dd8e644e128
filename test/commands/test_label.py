"""`hand-action label` and the file that it writes."""

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


def test_what_is_labelled_is_met(video, capsys):
    assert main(['label', str(video), '-o', 'start_s=0.1']) == 0
    assert main(['replay', str(video), '--out', str(video.parent / 'out')]) == 0
    told = capsys.readouterr().out
    assert 'Correct it, then: hand-action replay' in told
    assert 'PASSED  grey against grey.mp4.replay.yaml' in told
    assert 'grey  4       4' in told


def test_corrections_are_not_replaced(video, capsys):
    path = video.with_name('grey.mp4.replay.yaml')
    path.write_text('corrected')
    assert main(['label', str(video)]) == 1
    assert path.read_text() == 'corrected'
    assert '--force' in capsys.readouterr().err
    assert main(['label', str(video), '--force']) == 0
    assert 'hand ids 0' in path.read_text()


@pytest.mark.parametrize(
    ('option', 'words'),
    [('bodys=true', "no replay option 'bodys'"), ('bodies', 'NAME=VALUE'), ('bodies=[', 'YAML')],
)
def test_an_option_that_cannot_be_used_is_named(video, capsys, option, words):
    assert main(['label', str(video), '-o', option]) == 1
    assert words in capsys.readouterr().err

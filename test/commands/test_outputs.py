"""Files that cannot be written are named before minutes of work, not after."""

import argparse
from importlib import import_module

import pytest

from ros2_hand_action.cli import COMMANDS, main
from ros2_hand_action.commands import action_train
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.errors import ConfigError

WITH_JSON = {
    ('hands', 'evaluate'): ['pictures'],
    ('poses', 'evaluate'): ['truth.json'],
    ('gestures', 'evaluate'): ['pictures'],
    ('actions', 'evaluate'): ['videos'],
    ('actions', 'train'): ['data', '--out', 'own.onnx'],
    ('models', 'check'): ['absent.onnx', '--images', 'pictures'],
}


def list_actions(option):
    """Yield the command and action of each parser that has an option."""
    for command in COMMANDS:
        parser = argparse.ArgumentParser()
        import_module(f'ros2_hand_action.commands.{command}').configure(parser)
        groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        parsers = {(command, name): each for group in groups for name, each in
                   group.choices.items()} or {(command,): parser}
        yield from (path for path, each in parsers.items() if option in each.format_help())


def test_no_command_is_left_out():
    assert set(list_actions('--json FILE')) == set(WITH_JSON)


@pytest.mark.parametrize('command', [['replay', 'absent.mp4'], ['demo']], ids=' '.join)
def test_a_file_is_no_folder_for_results(tmp_path, capsys, command):
    (tmp_path / 'v.mp4').touch()
    assert main([*command, '--out', str(tmp_path / 'v.mp4')]) == 1
    assert "v.mp4', which is a file: name a folder" in capsys.readouterr().err


@pytest.mark.parametrize('command', WITH_JSON, ids=' '.join)
@pytest.mark.parametrize(('path', 'message'), [
    ('nowhere/f.json', "--json is 'nowhere/f.json', but its folder does not exist"),
    ('.', "--json is '.', which is a folder"),
])
def test_json_that_cannot_be_written_is_refused_first(
    tmp_path, monkeypatch, capsys, command, path, message
):
    monkeypatch.chdir(tmp_path)
    assert main([*command, *WITH_JSON[command], '--json', path]) == 1
    assert message in capsys.readouterr().err


def test_label_refuses_its_file_first(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(['label', 'absent.mp4', '--out', 'nowhere/own.yaml']) == 1
    assert 'nowhere/own.yaml' in capsys.readouterr().err


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('os.access', lambda path, mode: False)  # root may write everywhere
    with pytest.raises(ConfigError, match='its folder is not writable'):
        check_file(tmp_path / 'f.json', '--json')


def test_a_learnt_recogniser_is_kept_where_the_figures_cannot_be_written(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(action_train, 'read_sequences', lambda *_, **__: [])
    monkeypatch.setattr(action_train, 'add_made_sequences', lambda *_: [])
    monkeypatch.setattr(action_train, 'collect_clips', lambda *_, **__: None)
    monkeypatch.setattr(action_train, 'cross_validate_actions', lambda *_: [])
    out, figures = tmp_path / 'own.onnx', tmp_path / 'f.json'
    # The disk changes while it learns.
    monkeypatch.setattr(action_train, 'learn_actions', lambda *_: figures.mkdir())
    monkeypatch.setattr(
        action_train, 'save_action_head', lambda head, path: path.write_bytes(b'network')
    )
    arguments = ['actions', 'train', str(tmp_path), '--out', str(out), '--json', str(figures)]
    assert main(arguments) == 1
    assert out.read_bytes() == b'network'
    assert 'f.json' in capsys.readouterr().err

import pytest

from ros2_hand_action.cli import main


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--out', 'own.tflite'], "'own.tflite', give a file that ends in .onnx"),
    (['--out', 'nowhere/own.onnx'], 'its folder does not exist'),
    (['--out', 'own.onnx', '--clips', '1'], '--clips is 1, give 10 or more'),
    (['--out', 'own.onnx'], 'no data set in'),
])
def test_unusable_arguments_are_named(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(['actions', 'train', str(tmp_path), *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'own.onnx').exists()

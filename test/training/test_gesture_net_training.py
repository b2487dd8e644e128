"""Learning the open GestureNet: without PyTorch a clear word, with it a network that learns."""

import builtins
import json

import cv2
import numpy as np
import pytest

from ros2_hand_action import cli
from ros2_hand_action.perception.gestures import read_labels
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_crops import CropSet
from ros2_hand_action.training.gesture_net_file import build_gesture_net
from ros2_hand_action.training.gesture_net_training import (
    NetOptions,
    fold,
    learn_gesture_net,
    make_network,
)


@pytest.fixture
def folder(tmp_path):
    """Return a folder of 24 pictures, those of a label of one brightness."""
    random = np.random.default_rng(0)
    for place, label in enumerate(GESTURES):
        (tmp_path / label).mkdir()
        for number in range(4):
            pixels = np.full((40, 30, 3), 40 * place + 20, np.uint8)
            pixels[:10] = random.integers(0, 256)
            cv2.imwrite(str(tmp_path / label / f'{number}.png'), pixels)
    return tmp_path


def test_missing_pytorch_is_named_with_the_way_to_get_it(folder, monkeypatch, capsys):
    load = builtins.__import__

    def refuse(name, *arguments, **named):
        if name == 'torch':
            raise ImportError('No module named torch')
        return load(name, *arguments, **named)

    monkeypatch.setattr(builtins, '__import__', refuse)
    out = folder / 'net.onnx'
    assert cli.main(['gestures', 'train-net', str(folder), '--out', str(out)]) == 1
    assert 'pip install --target with_torch torch==2.13.0' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize('options', [
    ['--out', 'net.pt'], ['--out', 'nowhere/net.onnx'], ['--out', 'net.onnx', '--epochs', '0'],
    ['--out', 'net.onnx', '--hold-back', '1'], ['--out', 'net.onnx', '--seed', '-1'],
])
def test_unusable_arguments_are_named(folder, options, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert cli.main(['gestures', 'train-net', str(folder), *options]) == 1
    assert repr(options[-1])[1:-1].removesuffix('.0') in capsys.readouterr().err


def test_folded_weights_are_the_network(tmp_path):
    torch = pytest.importorskip('torch')
    onnxruntime = pytest.importorskip('onnxruntime')
    network = make_network(torch, 0.2)
    images = torch.randn(4, 3, 160, 160)
    network.train()
    network(images)  # moves the means and variances
    network.eval()
    with torch.no_grad():
        expected = torch.softmax(network(images), dim=1).numpy()
    session = onnxruntime.InferenceSession(
        build_gesture_net(fold(network)).SerializeToString(), providers=['CPUExecutionProvider']
    )
    (found,) = session.run(None, {'input_1': images.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_same_seed_same_weights():
    pytest.importorskip('torch')
    random = np.random.default_rng(0)
    pixels = tuple(random.integers(0, 256, (30, 30, 3), np.uint8) for _ in range(12))
    crops = CropSet((), pixels, np.arange(12) % 6)
    first, second = (
        learn_gesture_net(crops, NetOptions(epochs=1, batch=4)) for _ in range(2)
    )
    for one, other in zip(first.convolutions, second.convolutions):
        np.testing.assert_array_equal(one[0], other[0])


def test_command_writes_a_gesture_net(folder, capsys):
    pytest.importorskip('torch')
    out = folder / 'net.onnx'
    (folder / 'none').rename(folder / 'random')
    arguments = ['gestures', 'train-net', str(folder), '--out', str(out), '--epochs', '2']
    assert cli.main([*arguments, '--none', 'random', '--hold-back', '0.25']) == 0
    assert 'macro F1' in capsys.readouterr().out
    assert read_labels(out) == GESTURES
    figures = folder / 'figures.json'
    assert cli.main([
        'gestures', 'evaluate', str(folder), '--model', str(out), '--json', str(figures),
    ]) == 0
    assert json.loads(figures.read_text())['pictures'] == 24

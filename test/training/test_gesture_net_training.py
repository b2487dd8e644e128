"""Learning the open GestureNet, on a stand-in of the backbone."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
from backbones import COUNT, write_backbone

from ros2_hand_action import cli
from ros2_hand_action.commands import gesture_net as command
from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.gestures import read_labels
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_crops import CropSet
from ros2_hand_action.training.gesture_net_evaluation import judge_crops
from ros2_hand_action.training.gesture_net_file import build_features, build_gesture_net
from ros2_hand_action.training.gesture_net_training import NetOptions, learn_layers, see_crops
from ros2_hand_action.training.network import NetworkOptions

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255))
OPTIONS = NetOptions(views=2, network=NetworkOptions(hidden=(16,), epochs=5, least_steps=300))


@pytest.fixture
def crops():
    """Return crops whose colour tells the label."""
    pixels = tuple(
        np.full((40 + number, 50, 3), COLOURS[place], np.uint8)
        for number in range(4) for place in range(6)
    )
    return CropSet((), pixels, np.tile(np.arange(6), 4))


@pytest.fixture
def features(tmp_path):
    path = tmp_path / 'features.onnx'
    onnx.save(build_features(write_backbone(tmp_path / 'backbone.onnx')), path)
    session = create_session(path)
    yield session
    session.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder of crops, a backbone in the place of the real one."""
    backbone = write_backbone(tmp_path / 'backbone.onnx')
    monkeypatch.setattr(command, 'model_path', lambda name: backbone)
    folder = tmp_path / 'crops'
    for label, colour in zip((*GESTURES[:-1], 'random'), COLOURS):
        (folder / label).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((40 + number, 30, 3), colour[::-1], np.uint8)
            cv2.imwrite(str(folder / label / f'{number}.png'), pixels)
    return folder


def test_first_look_is_the_crop_and_the_others_are_seeded(crops, features):
    looks = []
    seen = see_crops(crops, features, OPTIONS, looks.append)
    assert seen.shape == (2, 24, COUNT)
    assert sum(looks) == 48
    np.testing.assert_array_equal(see_crops(crops, features, OPTIONS), seen)
    plain = replace(OPTIONS, views=1)
    np.testing.assert_array_equal(see_crops(crops, features, plain)[0], seen[0])
    other = replace(OPTIONS, network=replace(OPTIONS.network, seed=1))
    assert not np.array_equal(see_crops(crops, features, other)[1], seen[1])


def test_layers_learn_and_take_features_as_they_come(crops, features, tmp_path):
    shares = []
    seen = see_crops(crops, features, OPTIONS)
    layers = learn_layers(seen, crops.targets, OPTIONS, shares.append)
    assert sum(shares) == pytest.approx(1)
    path = tmp_path / 'net.onnx'
    onnx.save(build_gesture_net(onnx.load(tmp_path / 'features.onnx'), layers), path)
    with GestureNet(session=create_session(path)) as network:
        assert judge_crops(network, crops).macro_f1 == 1


def test_command_writes_a_gesture_net_and_the_same_one_again(folder, tmp_path, capsys):
    (folder / 'ok' / 'broken.png').write_bytes(b'broken')
    outs = [tmp_path / name for name in ('a.onnx', 'b.onnx')]
    for out in outs:
        assert cli.main([
            'gestures', 'train-net', str(folder), '--out', str(out), '--none', 'random',
            '--views', '2', '--epochs', '20', '--hold-back', '0.25', '--threads', '1',
        ]) == 0
    printed = capsys.readouterr()
    assert 'macro F1' in printed.out
    assert 'Of 24 pictures, 6 held back' in printed.out
    assert 'broken.png' in printed.err
    assert read_labels(outs[0]) == GESTURES
    assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize('options', [
    ['--out', 'net.pt'], ['--out', 'nowhere/net.onnx'], ['--out', 'net.onnx', '--epochs', '0'],
    ['--out', 'net.onnx', '--hold-back', '1'], ['--out', 'net.onnx', '--seed', '-1'],
    ['--out', 'net.onnx', '--views', '0'], ['--out', 'net.onnx', '--none-weight', '0'],
])
def test_unusable_arguments_are_named(folder, options, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert cli.main(['gestures', 'train-net', str(folder), *options]) == 1
    assert options[-1] in capsys.readouterr().err


def test_unknown_label_is_named(folder, tmp_path, capsys):
    out = tmp_path / 'net.onnx'
    assert cli.main(['gestures', 'train-net', str(folder), '--out', str(out)]) == 1
    assert '--none random' in capsys.readouterr().err
    assert not out.exists()

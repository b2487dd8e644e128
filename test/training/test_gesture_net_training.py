"""Learning the open GestureNet, on a stand-in of the backbone."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
from backbones import write_backbone

from ros2_hand_action import cli
from ros2_hand_action.commands import gesture_net as command
from ros2_hand_action.errors import DatasetError
from ros2_hand_action.inference import create_session
from ros2_hand_action.perception.gesture_features import GEOMETRY_SIZE
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT, read_labels
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_head import HeadOptions
from ros2_hand_action.training.gesture_net_crops import CropSet
from ros2_hand_action.training.gesture_net_directions import find_directions, learn_directions
from ros2_hand_action.training.gesture_net_file import (
    APPEARANCE,
    DIRECTION,
    DIRECTIONS,
    GestureNetBuilder,
)
from ros2_hand_action.training.gesture_net_training import (
    NetOptions,
    cut_crop,
    learn_heads,
    run_hands,
    see_hands,
)
from ros2_hand_action.training.network import NetworkOptions, predict_logits, softmax

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255))
SMALL = NetworkOptions(hidden=(16,), epochs=5, least_steps=300)
OPTIONS = NetOptions(views=2, direction=SMALL)


def make_pixels(colour, height):
    """Return a picture whose light is above: the stand-in sees a hand there that points up."""
    pixels = np.zeros((height, 50, 3), np.uint8)
    pixels[:height // 2] = colour
    return pixels


@pytest.fixture
def crops():
    """Return crops whose colour tells the label."""
    pixels = tuple(
        make_pixels(COLOURS[place], 40 + 2 * number) for number in range(4) for place in range(6)
    )
    return CropSet((), pixels, np.tile(np.arange(6), 4))


@pytest.fixture
def builder(tmp_path):
    backbone = write_backbone(tmp_path / 'backbone.onnx')
    return GestureNetBuilder(pointer=backbone, landmarker=backbone)


@pytest.fixture
def opened(tmp_path):
    """Return what opens sessions of networks."""
    sessions = []

    def open_model(model):
        path = tmp_path / f'{len(sessions)}.onnx'
        onnx.save(model, path)
        sessions.append(create_session(path))
        return sessions[-1]

    yield open_model
    for session in sessions:
        session.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder of crops, a backbone in the place of the real one."""
    backbone = write_backbone(tmp_path / 'backbone.onnx')
    monkeypatch.setattr(command, 'model_path', lambda name: backbone)
    monkeypatch.setattr(command, '_DEFAULTS', replace(OPTIONS, head=HeadOptions(network=SMALL)))
    folder = tmp_path / 'crops'
    for label, colour in zip((*GESTURES[:-1], 'random'), COLOURS):
        (folder / label).mkdir(parents=True)
        for number in range(4):
            pixels = make_pixels(colour[::-1], 40 + number)
            cv2.imwrite(str(folder / label / f'{number}.png'), pixels)
    return folder


def learn_turning(crops, builder, opened):
    """Return the layers that say where hands point."""
    found = find_directions(crops, opened(builder.build_view()))
    return learn_directions(crops, found, opened(builder.build_appearance()), OPTIONS)


def test_hands_are_found_however_they_are_turned(builder, opened):
    picture = make_pixels((255, 255, 255), 50)
    pixels = tuple(np.ascontiguousarray(np.rot90(picture, k)) for k in range(4))
    dark = np.zeros_like(picture)
    known = []
    found = find_directions(
        CropSet((), (*pixels, dark), np.zeros(5, int)), opened(builder.build_view()), known.append
    )
    assert found.known.tolist() == [True] * 4 + [False]
    assert sum(known) == 5
    expected = [(0, -1), (-1, 0), (0, 1), (1, 0)]
    assert (np.einsum('nc,nc->n', found.vectors[:4], expected) > 0.95).all()


def test_directions_are_learnt_from_turned_looks(builder, opened):
    """The stand-in does not see how a picture is turned: each quarter is as likely."""
    crops = CropSet((), (make_pixels((255, 255, 255), 50),) * 60, np.zeros(60, int))
    found = find_directions(crops, opened(builder.build_view()))
    options, looks = replace(OPTIONS, views=1), []
    layers = learn_directions(
        crops, found, opened(builder.build_appearance()), options, looks.append
    )
    assert sum(looks) == 60
    looks = np.stack([cut_crop(crops.pixels[0])])
    seen = opened(builder.build_appearance()).run({GESTURE_NET_INPUT: looks})
    shares = softmax(predict_logits(layers, seen[APPEARANCE]))[0]
    likely = np.sort(np.argsort(-shares)[:4])
    assert np.diff(likely).tolist() == [len(DIRECTIONS) // 4] * 3
    assert shares[likely].sum() > 0.8
    assert shares[likely].min() > 0.1


def test_pictures_without_a_hand_are_refused(builder, opened):
    crops = CropSet((), (np.zeros((50, 50, 3), np.uint8),) * 3, np.zeros(3, int))
    found = find_directions(crops, opened(builder.build_view()))
    with pytest.raises(DatasetError, match='no picture shows a hand'):
        learn_directions(crops, found, opened(builder.build_appearance()), OPTIONS)


def test_first_look_is_the_crop_and_the_others_are_seeded(crops, builder, opened):
    hands, looks = opened(builder.build_hands(learn_turning(crops, builder, opened))), []
    seen = see_hands(crops, hands, OPTIONS, looks.append)
    assert sum(looks) == 48
    assert seen.landmarks_px.shape == seen.landmarks_m.shape == (48, 21, 3)
    assert seen.features.shape == (48, GEOMETRY_SIZE + 1)
    np.testing.assert_array_equal(seen.targets, np.tile(crops.targets, 2))
    np.testing.assert_array_equal(seen.pictures, np.tile(np.arange(24), 2))
    again = see_hands(crops, hands, OPTIONS)
    plain = see_hands(crops, hands, replace(OPTIONS, views=1))
    other = see_hands(crops, hands, replace(OPTIONS, seed=1))
    np.testing.assert_array_equal(again.landmarks_px, seen.landmarks_px)
    np.testing.assert_array_equal(plain.landmarks_px, seen.landmarks_px[:24])
    np.testing.assert_array_equal(other.landmarks_px[:24], seen.landmarks_px[:24])
    assert not np.array_equal(other.landmarks_px[24:], seen.landmarks_px[24:])


def test_heads_differ_and_half_precision_holds_their_weights(crops, builder, opened):
    options = replace(OPTIONS, head=HeadOptions(network=SMALL), heads=2)
    hands = opened(builder.build_hands(learn_turning(crops, builder, opened)))
    shares = []
    first, second = learn_heads(see_hands(crops, hands, options), options, shares.append)
    assert sum(shares) == pytest.approx(1)
    assert not np.array_equal(first[0].weight, second[0].weight)
    for layer in (*first, *second):
        np.testing.assert_array_equal(layer.weight.astype(np.float16), layer.weight)


def test_landmarks_lie_as_in_the_crop(crops, builder, opened):
    """The stand-in sees hands that point up where the picture was turned: they point there."""
    view = opened(builder.build_view())
    blobs = np.stack([cut_crop(pixels) for pixels in crops.pixels[:2]])
    directions = np.array([[1, 0], [0, 1]], np.float32)
    for points in run_hands(view, {GESTURE_NET_INPUT: blobs, DIRECTION: directions})[:2]:
        pointing = points[:, 9, :2] - points[:, 0, :2]
        pointing /= np.linalg.norm(pointing, axis=1, keepdims=True)
        assert (np.einsum('nc,nc->n', pointing, directions) > 0.8).all()


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

import json

import cv2
import numpy as np
import pytest

from ros2_hand_action import cli
from ros2_hand_action.commands import gestures as command
from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.gestures import read_labels

BETWEEN_HANDS_PX = (0, 110, 185, 258, 340)
NETWORKS = ('palm_detection_full', 'hand_landmark_full')


@pytest.fixture(scope='module')
def photo():
    try:
        for name in NETWORKS:
            model_path(name)
        return cv2.imread(str(media_path('five_hands')))
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture
def hands(photo):
    """Return pictures of five hands that show one to five fingers."""
    edges = (*BETWEEN_HANDS_PX, photo.shape[1])
    return [
        cv2.copyMakeBorder(photo[:, left:right], *[50] * 4, cv2.BORDER_REPLICATE)
        for left, right in zip(edges[:-1], edges[1:])
    ]


@pytest.fixture
def labelled(hands, tmp_path):
    """Return a folder with a labels.csv: right, unknown and missing pictures."""
    lines = ['file,label']
    for name, hand, label in (('two.png', hands[1], 'two'), ('five.png', hands[4], 'stop'),
                              ('four.png', hands[3], 'random'),
                              ('empty.png', np.zeros((90, 90, 3), np.uint8), 'none')):
        cv2.imwrite(str(tmp_path / name), hand)
        lines.append(f'{name},{label}')
    lines += ['missing.png,ok', 'broken.png,ok']
    (tmp_path / 'broken.png').write_bytes(b'broken')
    (tmp_path / 'labels.csv').write_text('\n'.join(lines))
    return tmp_path


@pytest.fixture
def classes(hands, tmp_path):
    """Return a folder of pictures per label, each in other light and size."""
    random = np.random.default_rng(0)
    for label, number in (('two', 1), ('stop', 4), ('rest', 0)):
        (tmp_path / label).mkdir()
        for i in range(4):
            factor = random.uniform(0.8, 1.5)
            picture = cv2.resize(hands[number], None, fx=factor, fy=factor)
            picture = (picture * random.uniform(0.6, 1)).astype(np.uint8)
            cv2.imwrite(str(tmp_path / label / f'{i}.png'), picture)
    (tmp_path / 'two' / 'broken.jpg').write_bytes(b'broken')
    return tmp_path


def test_evaluation_of_labelled_pictures(labelled, tmp_path, capsys):
    figures = tmp_path / 'figures.json'
    assert cli.main(['gestures', 'evaluate', str(labelled), '--json', str(figures)]) == 0
    result = json.loads(figures.read_text())
    predicted = {prediction['path'].split('/')[-1]: prediction['predicted']
                 for prediction in result['predictions']}
    assert predicted == {'two.png': 'two', 'five.png': 'stop', 'four.png': 'none',
                         'empty.png': 'none'}
    assert result['macro_f1'] == 1
    assert result['per_class']['none']['support'] == 2
    assert np.sum(result['confusion']) == 4
    assert len(result['unreadable']) == 2
    assert result['counted_as_none']['random'] == {
        'pictures': 1, 'named_a_gesture': 0, 'share': 0.0
    }
    printed = capsys.readouterr()
    assert 'macro F1 1.000' in printed.out
    assert 'not readable 2 pictures' in printed.err
    assert f'no hand found in 1 pictures: {labelled / "empty.png"}' in printed.err
    assert 'no hand found in 1 of 4 pictures' in printed.out


@pytest.mark.parametrize('preset', ['deepstream', 'triton'])
def test_evaluation_of_a_gesture_net(labelled, tmp_path, monkeypatch, preset):
    figures, created = tmp_path / 'figures.json', []
    create = command.create_gesture_classifier
    monkeypatch.setattr(
        command, 'create_gesture_classifier',
        lambda options, *rest: created.append(options) or create(options, *rest),
    )
    assert cli.main([
        'gestures', 'evaluate', str(labelled), '--json', str(figures),
        '--model', 'open_gesturenet', '--crop-preset', preset,
    ]) == 0
    assert [options.crop_preset for options in created] == [preset]
    result = json.loads(figures.read_text())
    predicted = {prediction['path'].split('/')[-1]: prediction['predicted']
                 for prediction in result['predictions']}
    assert predicted['empty.png'] == 'none'
    assert preset != 'deepstream' or predicted['five.png'] == 'stop'  # taught this one only


def test_evaluation_without_one_picture_fails(photo, tmp_path, capsys):
    (tmp_path / 'labels.csv').write_text('file,label\nmissing.png,ok\n')
    assert cli.main(['gestures', 'evaluate', str(tmp_path)]) == 1
    assert 'missing.png' in capsys.readouterr().err


@pytest.mark.parametrize('action', [['evaluate'], ['train', '--out', 'own.onnx']])
def test_unusable_folders_fail(action, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'labels.csv').write_text('picture,label\na.png,ok\n')
    assert cli.main(['gestures', *action, str(tmp_path)]) == 1
    assert "lacks ['file']" in capsys.readouterr().err
    assert cli.main(['gestures', *action, str(tmp_path / 'nowhere')]) == 1
    assert 'no folder' in capsys.readouterr().err


def test_own_gestures_round_trip(classes, tmp_path, capsys):
    out = tmp_path / 'own.onnx'
    arguments = ['gestures', 'train', str(classes), '--out', str(out), '--views', '2',
                 '--none', 'rest']
    assert cli.main(arguments) == 0
    printed = capsys.readouterr()
    assert 'macro F1' in printed.out
    assert "'two' has only 4 pictures" in printed.err
    assert 'broken.jpg' in printed.err
    assert read_labels(out) == ('stop', 'two', 'none')
    figures = tmp_path / 'figures.json'
    evaluate = ['gestures', 'evaluate', str(classes), '--model', str(out), '--json', str(figures)]
    assert cli.main(evaluate) == 0
    assert json.loads(figures.read_text())['macro_f1'] == 1


def test_training_without_none_fails_before_it_writes(classes, tmp_path, capsys):
    for picture in (classes / 'rest').iterdir():
        picture.unlink()
    out = tmp_path / 'own.onnx'
    arguments = ['gestures', 'train', str(classes), '--out', str(out), '--views', '1']
    assert cli.main(arguments) == 1
    assert "'none': 0" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize('options', [
    ['--out', 'own.pt'], ['--out', 'nowhere/own.onnx'], ['--out', 'own.onnx', '--views', '0'],
    ['--out', 'own.onnx', '--epochs', '0'], ['--out', 'own.onnx', '--none-weight', 'nan'],
    ['--out', 'own.onnx', '--seed', '-1'], ['--out', 'own.onnx', '--threads', '0'],
])
def test_bad_options_fail(options, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'labels.csv').write_text('file,label\na.png,ok\n')
    assert cli.main(['gestures', 'train', str(tmp_path), *options]) == 1
    assert 'error' in capsys.readouterr().err


def test_figures_that_cannot_be_written_fail(labelled, tmp_path, capsys):
    target = tmp_path / 'nowhere' / 'figures.json'
    assert cli.main(['gestures', 'evaluate', str(labelled), '--json', str(target)]) == 1
    assert 'change --json' in capsys.readouterr().err


def test_pictures_that_cannot_be_used_are_named_up_to_a_limit(capsys):
    command._name('not readable', [f'{i}.png' for i in range(12)])
    assert capsys.readouterr().err.rstrip().endswith('9.png and 2 more')

"""`hand-action models quantize`: 8 bits, and what they cost on the user's own pictures."""

import re

import cv2
import numpy as np
import pytest

from ros2_hand_action.cli import main
from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.precision import is_quantised
from ros2_hand_action.models.store import cache_folder, media_path, model_path

FINGERS_AT_PX = {'one': (0, 110), 'two': (110, 185), 'stop': (340, None)}
VIEWS = 8
MODEL = 'gesture_head'


@pytest.fixture
def own_store(tmp_path, monkeypatch):
    """A store with the user's models in which nothing is quantised; skips without models."""
    try:
        for name in ('palm_detection_full', 'hand_landmark_full', 'pose_detection',
                     'pose_landmark_full'):
            model_path(name)
        media_path('five_hands')
    except ModelError as error:
        pytest.skip(str(error))
    users, own = cache_folder(), tmp_path / 'cache'
    own.mkdir()
    for name in ('models', 'sources', 'media'):
        (users / name).mkdir(exist_ok=True)
        (own / name).symlink_to(users / name)
    monkeypatch.setenv('HAND_ACTION_CACHE', str(own))


@pytest.fixture
def pictures(own_store, tmp_path):
    """Return a folder with pictures of a hand each, LABEL0.png and so on, in other light and size.
    """
    photo, random = cv2.imread(str(media_path('five_hands'))), np.random.default_rng(0)
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for label, (left, right) in FINGERS_AT_PX.items():
        hand = cv2.copyMakeBorder(photo[:, left:right], *[50] * 4, cv2.BORDER_REPLICATE)
        for index, (factor, light) in enumerate(random.uniform((0.8, 0.6), (1.2, 1), (VIEWS, 2))):
            picture = (cv2.resize(hand, None, fx=factor, fy=factor) * light).astype(np.uint8)
            cv2.imwrite(str(folder / f'{label}{index}.png'), picture)
    return folder


def quantize(source, capsys):
    assert main(['models', 'quantize', MODEL, '--calibrate', str(source)]) == 0
    assert is_quantised(model_path(MODEL))
    return capsys.readouterr().out


def test_labelled_pictures_give_macro_f1_before_and_after(pictures, capsys):
    """The evaluation itself is held to its figures in test_precision_figures.py."""
    rows = [f'{label}{index}.png,{label}' for label in FINGERS_AT_PX for index in range(2)]
    (pictures / 'labels.csv').write_text('\n'.join(['file,label', *rows, 'missing.png,ok']))
    [figures] = re.findall(
        r'^macro F1 on 6 labelled pictures, .*: fp32 ([\d.]+), int8 ([\d.]+)$',
        quantize(pictures, capsys), re.M,
    )
    before, after = map(float, figures)
    assert 0.6 < before <= 1
    assert abs(after - before) < 0.4


def test_pictures_without_labels_give_the_agreement(pictures, capsys):
    out = quantize(pictures, capsys)
    [(share, same, of)] = re.findall(
        r'^agreement on 24 images, .* no labels .*: ([\d.]+) % \((\d+) of (\d+)\) of the gestures '
        r'have the same winning label as in fp32$', out, re.M,
    )
    assert float(share) == pytest.approx(100 * int(same) / int(of), abs=0.05)
    assert 20 <= int(of) <= 24
    assert int(same) >= 0.8 * int(of)
    assert '3 of 3 layers are in 8 bits\n' in out  # there are no others that could lose too much

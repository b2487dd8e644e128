"""Crops for the open GestureNet: reading, holding back, varying."""

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.dataset import read_labelled_pictures
from ros2_hand_action.training.gesture_net_crops import (
    CropOptions,
    read_crops,
    split_crops,
    vary_crop,
)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with two pictures of each label, one of them large."""
    for place, label in enumerate(GESTURES):
        (tmp_path / label).mkdir()
        for side in (60, 400):
            pixels = np.full((side, side // 2, 3), (0, 0, 40 * place), np.uint8)
            cv2.imwrite(str(tmp_path / label / f'{side}.png'), pixels)
    return tmp_path


def test_pictures_are_rgb_and_at_most_as_large_as_the_input(folder):
    (folder / 'ok' / 'broken.png').write_bytes(b'broken')
    crops = read_crops(read_labelled_pictures(folder))
    assert [path.name for path in crops.unreadable] == ['broken.png']
    assert sorted({pixels.shape for pixels in crops.pixels}) == [(60, 30, 3), (160, 80, 3)]
    for pixels, target in zip(crops.pixels, crops.targets):
        assert pixels[0, 0].tolist() == [40 * target, 0, 0]


def test_other_labels_are_refused_with_the_way_out(folder):
    (folder / 'ok').rename(folder / 'wave')
    with pytest.raises(DatasetError, match=r"label 'wave'.*--none wave"):
        read_crops(read_labelled_pictures(folder))


def test_every_label_is_needed(folder):
    pictures = [each for each in read_labelled_pictures(folder) if each.label != 'two']
    with pytest.raises(DatasetError, match=r"no picture of \['two'\]"):
        read_crops(pictures)


def test_the_same_share_of_each_label_is_held_back():
    targets = np.repeat(np.arange(6), (10, 20, 30, 40, 50, 60))
    learnt, held = split_crops(targets, 0.1, seed=3)
    assert sorted([*learnt, *held]) == list(range(len(targets)))
    assert np.bincount(targets[held]).tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(split_crops(targets, 0.1, seed=3)[1], held)
    assert set(split_crops(targets, 0.1, seed=4)[1]) != set(held)


def test_a_single_picture_cannot_be_held_back():
    with pytest.raises(DatasetError, match="'fist' has one picture"):
        split_crops(np.array([0, 0, 1]), 0.1, seed=0)


@pytest.mark.parametrize('side', [96, 160])
def test_variations_are_seeded_and_differ(side):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 60, 3), np.uint8)

    def vary(seed):
        return vary_crop(pixels, pixels, side, np.random.default_rng(seed), CropOptions())[0]

    seen = [vary(seed) for seed in range(40)]
    assert {each.shape for each in seen} == {(side, side, 3)}
    assert {each.dtype for each in seen} == {np.dtype(np.uint8)}
    assert len({each.tobytes() for each in seen}) == 40
    np.testing.assert_array_equal(vary(7), seen[7])


def test_hands_stay_upright_and_whole():
    """The crop's upper half is white: its middle stays above that of the lower half."""
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[20:45, 40:60] = 255
    black = np.zeros_like(pixels)
    rows = []
    for seed in range(60):
        varied, _ = vary_crop(pixels, black, 160, np.random.default_rng(seed), CropOptions())
        grey = varied.astype(float).sum(axis=2)
        grey -= np.median(grey)
        rows.append((np.arange(160) @ np.maximum(grey, 0).sum(axis=1)) / np.maximum(grey, 0).sum())
    assert np.mean(np.array(rows) < 80) > 0.8


def test_how_directions_turned_is_told():
    """A bar's direction in the picture is that which its direction in the crop became."""
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[20:80, 47:53] = 255
    options = CropOptions(scales=(1.2, 1.2), turn_rad=np.pi / 3)
    cosines = []
    for seed in range(40):
        varied, turn = vary_crop(
            pixels, np.zeros_like(pixels), 160, np.random.default_rng(seed), options
        )
        grey = varied.astype(float).sum(axis=2)
        rows, columns = np.nonzero(grey > (grey.min() + grey.max()) / 2)
        _, axes = np.linalg.eigh(np.cov(columns, rows))
        bar = turn @ (0, -1)
        cosines.append(abs(axes[:, -1] @ bar) / np.hypot(*bar))
    assert np.median(cosines) > 0.99  # not all: some are half covered, or before one colour

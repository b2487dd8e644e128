from pathlib import Path

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError, DatasetError, ModelError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.training.dataset import LabelledPicture, load_picture
from ros2_hand_action.training.gesture_head import HandSamples
from ros2_hand_action.training.gesture_training import (
    TrainingSet,
    check_training_set,
    collect_hands,
    order_labels,
    rename_none,
)
from ros2_hand_action.training.hand_views import (
    HandViewOptions,
    create_hand_viewer,
    cut_out,
)

BETWEEN_HANDS_PX = (0, 110, 185, 258, 340)


@pytest.fixture(scope='module')
def viewer():
    try:
        with create_hand_viewer(HandViewOptions(count=3)) as viewer:
            yield viewer
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    """Return tight pictures of the photo's five hands."""
    try:
        photo = cv2.imread(str(media_path('five_hands')))
    except ModelError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp('crops')
    edges = (*BETWEEN_HANDS_PX, photo.shape[1])
    for number, (left, right) in enumerate(zip(edges[:-1], edges[1:]), start=1):
        cv2.imwrite(str(folder / f'{number}.png'), photo[:, left:right])
    return folder


def make_set(counts):
    labels = order_labels(counts)
    used = tuple(
        LabelledPicture(Path(f'{label}{i}.jpg'), label)
        for label, count in counts.items() for i in range(count)
    )
    nothing = np.zeros((0, 21, 3))
    empty = HandSamples(nothing, nothing, np.zeros(0, int), np.zeros(0, int))
    return TrainingSet(labels, empty, used, (), ())


def test_labels_are_in_the_known_order():
    assert order_labels(['zz', 'two', 'none', 'fist', 'aa']) == ('fist', 'two', 'aa', 'zz', 'none')


def test_other_names_for_none():
    pictures = [LabelledPicture(Path('a'), 'random'), LabelledPicture(Path('b'), 'ok')]
    assert [picture.label for picture in rename_none(pictures, ['random'])] == ['none', 'ok']


def test_other_names_for_none_that_no_picture_has_are_refused():
    """A slip once trained the hands to leave out as a gesture."""
    pictures = [LabelledPicture(Path('a'), 'grip'), LabelledPicture(Path('b'), 'ok')]
    with pytest.raises(DatasetError) as caught:
        rename_none(pictures, ['grip', 'gripp'])
    assert "label 'gripp' (did you mean grip?): the labels are grip, ok" in str(caught.value)


def test_enough_pictures_give_no_warning():
    assert check_training_set(make_set({'ok': 10, 'none': 10})) == []


def test_few_pictures_are_warned_of():
    (warning,) = check_training_set(make_set({'ok': 4, 'none': 10}))
    assert "'ok' has only 4" in warning


@pytest.mark.parametrize('counts', [{'ok': 10}, {'ok': 2, 'none': 10}])
def test_too_few_pictures_are_refused(counts):
    with pytest.raises(DatasetError, match='too few pictures'):
        check_training_set(make_set(counts))


def test_no_gesture_is_refused():
    with pytest.raises(DatasetError, match='no gesture'):
        check_training_set(make_set({'none': 10}))


def test_no_views_are_refused():
    with pytest.raises(ConfigError, match='0'):
        HandViewOptions(count=0)


def test_cutout_repeats_the_edge():
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = 200
    cutout, region = cut_out(Frame(pixels, PixelOrder.BGR), np.array([5.0, 20.0, 20.0, 0.3]))
    assert cutout.pixels.shape == (36, 36, 3)
    assert (cutout.pixels == 200).all()
    np.testing.assert_allclose(region, [18, 18, 20, 0.3])


def test_cutout_of_a_large_hand_is_small():
    frame = Frame(np.zeros((900, 1200, 3), np.uint8), PixelOrder.BGR)
    cutout, region = cut_out(frame, np.array([600.0, 450.0, 800.0, 0.0]))
    assert cutout.pixels.shape == (360, 360, 3)
    np.testing.assert_allclose(region, [180, 180, 200, 0], atol=0.5)


def test_hands_of_pictures_are_collected(viewer, crops, tmp_path):
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no picture')
    empty = tmp_path / 'empty.png'
    cv2.imwrite(str(empty), np.zeros((80, 80, 3), np.uint8))
    pictures = [LabelledPicture(crops / f'{i}.png', 'ok' if i < 3 else 'none')
                for i in range(1, 6)]
    pictures += [LabelledPicture(broken, 'ok'), LabelledPicture(empty, 'ok')]
    data = collect_hands(pictures, labels=('ok', 'none'), viewer=viewer, seed=0)
    assert data.counts == {'ok': 2, 'none': 3}
    assert data.unreadable == (broken,)
    assert [picture.path for picture in data.without_hand] == [empty]
    shape = (len(data.samples.targets), 21, 3)
    assert data.samples.landmarks_px.shape == data.samples.landmarks_m.shape == shape
    assert 5 <= shape[0] <= 2 * 3 + 3 * 4 * 3  # of 'none', up to 4 hands
    for target, picture in zip(data.samples.targets, data.samples.pictures):
        assert data.labels[target] == data.used[picture].label


def test_same_seed_same_views(viewer, crops):
    frame = load_picture(crops / '5.png')
    (region, *_) = viewer.find_regions(frame)
    first, second = (viewer.view(frame, region, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first.landmarks_px, second.landmarks_px)
    assert np.isfinite(first.landmarks_px).all()

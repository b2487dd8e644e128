import shutil

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models import precision
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import media_path
from ros2_hand_action.replay.calibration import FeedSampler, collect_feeds, see


def test_sample_is_even_and_bounded():
    sampler = FeedSampler(50)
    for start in range(0, 1000, 4):
        sampler.take({'x': np.arange(start, start + 4, dtype=np.float32)[:, None]})
    values = np.array([sample['x'].item() for sample in sampler.samples])
    assert len(values) == len(set(values)) == 50
    assert 350 < values.mean() < 650


def test_sample_does_not_change_with_the_network_s_memory():
    sampler, rows = FeedSampler(2), np.ones((1, 3), np.float32)
    sampler.take({'x': rows})
    rows[:] = 7
    assert sampler.samples[0]['x'].tolist() == [[1, 1, 1]]


@pytest.fixture
def pictures(tmp_path):
    hands = cv2.imread(str(media_path('five_hands')))
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for index, width in enumerate((640, 480)):
        height = hands.shape[0] * width // hands.shape[1]
        cv2.imwrite(str(folder / f'{index}.jpg'), cv2.resize(hands, (width, height)))
    return folder


def test_what_a_network_sees_in_pictures(pictures):
    model = load_models()['hand_landmark_full']
    feeds = collect_feeds(model, pictures, size=5)
    assert 2 <= len(feeds) <= 5
    assert {feed['image'].shape for feed in feeds} == {(1, 3, 224, 224)}


def test_pictures_in_a_folder_for_each_label_are_seen(pictures, tmp_path):
    for label in ('one', 'two'):
        (tmp_path / 'labelled' / label).mkdir(parents=True)
        shutil.copy(pictures / '1.jpg', tmp_path / 'labelled' / label)
    (tmp_path / 'labelled' / 'two' / 'broken.jpg').write_bytes(b'broken')
    answers = list(see(load_models()['gesture_head'], tmp_path / 'labelled'))
    assert len(answers) == 2
    assert len(answers[0].hands) == len(answers[1].hands) >= 1


def test_network_is_seen_in_single_precision_whatever_the_nodes_take(
    pictures, tmp_path, monkeypatch
):
    """A network that is to be quantised has no 8 bits yet."""
    monkeypatch.setattr(precision, 'cache_folder', lambda: tmp_path)
    params = tmp_path / 'int8.yaml'
    params.write_text('gesture_classifier: {ros__parameters: {precision: int8}}')
    model = load_models()['gesture_head']
    assert collect_feeds(model, pictures, size=5, params=params)


def test_network_that_was_not_used_is_named(pictures):
    message = r"'hand_landmark_lite' was not used on .*pictures.* as --params"
    with pytest.raises(ModelError, match=message):
        collect_feeds(load_models()['hand_landmark_lite'], pictures, size=5)


def test_parameters_choose_the_network(pictures, tmp_path):
    params = tmp_path / 'lite.yaml'
    params.write_text('hand_detector: {ros__parameters: {model: lite}}')
    feeds = collect_feeds(load_models()['hand_landmark_lite'], pictures, size=5, params=params)
    assert {feed['image'].shape for feed in feeds} == {(1, 3, 224, 224)}

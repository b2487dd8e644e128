"""GestureNet as a gesture classifier, on a stand-in of the same signature and on the open one."""

from dataclasses import replace

import numpy as np
import pytest
from gesture_nets import write_stand_in

from ros2_hand_action.errors import ConfigError, ImageError, ModelError
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.gestures import (
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.perception.records import Hand, Handedness


def make_hand(x, *, track_id='h1', sureness=1.0):
    box = np.array([x, 40, x + 60, 100], np.float32)
    unknown = np.full((21, 3), np.nan, np.float32)  # GestureNet needs no landmarks
    return Hand(track_id, Handedness.LEFT, 0.9, box, sureness, 1.0, unknown, unknown)


@pytest.fixture(scope='module')
def frame():
    """Return an image that is red, green and blue from left to right, then black."""
    pixels = np.zeros((200, 800, 3), np.uint8)
    for place in range(3):
        pixels[:, 200 * place:200 * (place + 1), place] = 255
    return Frame(pixels, PixelOrder.RGB)


@pytest.fixture
def classifier(tmp_path):
    path = write_stand_in(tmp_path / 'net.onnx')
    with create_gesture_classifier(GestureClassifierOptions(str(path))) as made:
        yield made


def test_a_file_with_its_input_is_a_gesture_net(classifier):
    assert isinstance(classifier, GestureNet)
    assert classifier.takes_image
    assert classifier.labels == GESTURES


def test_each_hand_has_the_gesture_of_its_own_crop(classifier, frame):
    hands = [make_hand(x, track_id=f'h{x}') for x in (70, 470, 270)]
    gestures = classifier.classify(hands, frame)
    assert [gesture.label for gesture in gestures] == ['thumbs_up', 'stop', 'fist']
    assert [gesture.hand_id for gesture in gestures] == ['h70', 'h470', 'h270']
    for gesture in gestures:
        assert gesture.probabilities.dtype == np.float32
        assert gesture.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_all_hands_go_through_in_one_batch(classifier, frame, monkeypatch):
    batches = []
    run = classifier._session.run
    monkeypatch.setattr(
        classifier._session, 'run',
        lambda feeds: batches.append(len(feeds['input_1'])) or run(feeds),
    )
    assert len(classifier.classify([make_hand(70)] * 8, frame)) == 8
    assert batches == [8]
    assert len(classifier.classify([make_hand(70)] * 9, frame)) == 9


def test_no_hands_no_gestures_and_no_image_needed(classifier):
    assert classifier.classify([]) == ()


def test_missing_image_is_named(classifier):
    with pytest.raises(ImageError, match='looks at the image'):
        classifier.classify([make_hand(70)])


def test_what_is_perhaps_no_hand_is_rather_none(classifier, frame):
    (gesture,) = classifier.classify([make_hand(70, sureness=0.3)], frame)
    assert gesture.label == 'none'


def test_hand_outside_the_image_shows_none(classifier, frame):
    inside, outside = classifier.classify([make_hand(70), make_hand(5000)], frame)
    assert (inside.label, outside.label, outside.score) == ('thumbs_up', 'none', 1)


def test_triton_says_nothing_below_its_threshold(tmp_path):
    """A grey crop gives each label a sixth, or each of three a third."""
    path = write_stand_in(tmp_path / 'net.onnx')
    grey = Frame(np.full((200, 200, 3), 128, np.uint8), PixelOrder.RGB)
    for preset, expected in (('deepstream', 1 / 6), ('triton', 1)):
        options = GestureClassifierOptions(str(path), preset)
        with create_gesture_classifier(options) as classifier:
            (gesture,) = classifier.classify([make_hand(70)], grey)
        assert gesture.probabilities[-1] == pytest.approx(expected, abs=1e-5)


def test_own_labels_travel_in_the_file(tmp_path, frame):
    labels = ['wave', 'point', 'none']
    path = write_stand_in(tmp_path / 'own.onnx', labels=3, metadata=labels)
    with create_gesture_classifier(GestureClassifierOptions(str(path))) as classifier:
        assert classifier.labels == tuple(labels)
        assert classifier.classify([make_hand(270)], frame)[0].label == 'point'


@pytest.mark.parametrize(('changes', 'message'), [
    ({'side': 224}, r'GestureNet has inputs .*224'),
    ({'labels': 5}, r'GestureNet has inputs'),
    ({'output': 'probabilities'}, r'activation_18'),
    ({'metadata': ['a', 'b', 'c', 'd', 'e', 'f']}, r"no 'none'"),
    ({'metadata': 'none'}, r'carries no labels|GestureNet has'),
])
def test_other_networks_are_refused(tmp_path, changes, message):
    path = write_stand_in(tmp_path / 'other.onnx', **changes)
    with pytest.raises(ModelError, match=message):
        create_gesture_classifier(GestureClassifierOptions(str(path)))


@pytest.mark.parametrize('name', ['gesture.etlt', '/models/gesturenet.tlt'])
def test_encrypted_files_are_refused_with_the_way_out(name):
    with pytest.raises(ModelError, match=r"encrypted.*'open_gesturenet'.*ONNX"):
        create_gesture_classifier(GestureClassifierOptions(name))


def test_nvidias_own_is_brought_by_hand(tmp_path, monkeypatch, frame):
    monkeypatch.setenv('HAND_ACTION_CACHE', str(tmp_path))
    with pytest.raises(ModelError, match=r'(?s)by hand.*open_gesturenet'):
        create_gesture_classifier(GestureClassifierOptions('gesturenet'))
    (tmp_path / 'models').mkdir()
    write_stand_in(tmp_path / 'models' / 'gesturenet.onnx')
    with create_gesture_classifier(GestureClassifierOptions('gesturenet')) as classifier:
        assert classifier.classify([make_hand(270)], frame)[0].label == 'fist'


def test_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match=r"'tao'.*'deepstream', 'triton'"):
        GestureClassifierOptions(crop_preset='tao')


def test_landmarks_are_not_looked_at(classifier, frame):
    known = replace(make_hand(70), landmarks_px=np.zeros((21, 3), np.float32))
    (with_them,), (without,) = (
        classifier.classify([hand], frame) for hand in (known, make_hand(70))
    )
    np.testing.assert_array_equal(with_them.probabilities, without.probabilities)

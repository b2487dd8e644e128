from dataclasses import replace

import numpy as np
import onnx
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.gesture_features import GEOMETRY_SIZE
from ros2_hand_action.perception.gestures import (
    GestureClassifierOptions,
    create_gesture_classifier,
    frame_gesture,
)
from ros2_hand_action.perception.hands import create_hand_detector
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.perception.records import Gesture, Hand, Handedness
from ros2_hand_action.training.dataset import load_picture
from ros2_hand_action.training.gesture_head import GestureHead
from ros2_hand_action.training.head_file import build_head_model, save_head
from ros2_hand_action.training.network import Layer

LARGEST_WEIGHTS = 500_000


def make_hand(track_id='h1', landmarks_px=None, landmarks_m=None):
    random = np.random.default_rng(3)
    given_px = random.normal(100, 20, (21, 3)) if landmarks_px is None else landmarks_px
    given_m = random.normal(0, 0.05, (21, 3)) if landmarks_m is None else landmarks_m
    return Hand(
        track_id, Handedness.LEFT, 0.9, np.zeros(4, np.float32), 0.9, 0.9,
        given_px.astype(np.float32), given_m.astype(np.float32),
    )


def make_head(labels, hidden=8):
    random = np.random.default_rng(0)
    sizes = (GEOMETRY_SIZE, hidden, len(labels))
    return GestureHead(labels, tuple(
        Layer(random.normal(0, 0.3, (a, b)).astype(np.float32), np.zeros(b, np.float32))
        for a, b in zip(sizes[:-1], sizes[1:])
    ))


@pytest.fixture(scope='module')
def classifier():
    with create_gesture_classifier() as classifier:
        yield classifier


@pytest.fixture(scope='module')
def real_hands():
    """Return the five hands of the photo, from one finger to five."""
    try:
        frame = load_picture(media_path('five_hands'))
        with create_hand_detector() as detector:
            hands = detector.detect(frame)
    except ModelError as error:
        pytest.skip(str(error))
    return sorted(hands, key=lambda hand: hand.box_px[0])


def test_own_labels(classifier):
    assert classifier.labels == GESTURES


def test_weights_are_small():
    assert model_path('gesture_head').stat().st_size <= LARGEST_WEIGHTS


def test_no_hands_no_gestures(classifier):
    assert classifier.classify([]) == ()


def test_one_gesture_per_hand_in_order(classifier):
    gestures = classifier.classify([make_hand('h7'), make_hand('h2')])
    assert [gesture.hand_id for gesture in gestures] == ['h7', 'h2']
    for gesture in gestures:
        assert gesture.probabilities.shape == (len(GESTURES),)
        assert gesture.probabilities.dtype == np.float32
        assert gesture.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert gesture.score == pytest.approx(gesture.probabilities.max())
        assert gesture.label == GESTURES[gesture.probabilities.argmax()]


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_unknown_landmarks_show_none(classifier, value):
    unknown = np.full((21, 3), value)
    known, lost = classifier.classify([make_hand(), make_hand(landmarks_px=unknown)])
    assert (lost.label, lost.score) == ('none', 1)
    assert known.score == pytest.approx(classifier.classify([make_hand()])[0].score, abs=1e-5)


@pytest.mark.parametrize('doubt', ['score', 'presence'])
def test_what_is_perhaps_no_hand_is_rather_none(classifier, real_hands, doubt):
    (sure,) = classifier.classify([replace(real_hands[4], score=1.0, presence=1.0)])
    (unsure,) = classifier.classify(
        [replace(real_hands[4], **{'score': 1.0, 'presence': 1.0, doubt: 0.3})]
    )
    assert (sure.label, unsure.label) == ('stop', 'none')
    np.testing.assert_allclose(unsure.probabilities[:-1], 0.3 * sure.probabilities[:-1], atol=1e-6)
    assert unsure.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_real_hands_are_named(classifier, real_hands):
    labels = [gesture.label for gesture in classifier.classify(real_hands)]
    assert labels == ['none', 'two', 'none', 'none', 'stop']


def test_place_and_size_do_not_matter(classifier, real_hands):
    moved = [
        replace(hand, landmarks_px=hand.landmarks_px * 3 + (50, -20, 0))
        for hand in real_hands
    ]
    for before, after in zip(classifier.classify(real_hands), classifier.classify(moved)):
        np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-3)


@pytest.mark.parametrize('axis', [0, 2], ids=['other hand', 'other side'])
def test_mirrored_hands_show_the_same(classifier, real_hands, axis):
    sign = np.ones(3)
    sign[axis] = -1
    mirrored = [
        replace(hand, landmarks_px=hand.landmarks_px * sign, landmarks_m=hand.landmarks_m * sign)
        for hand in real_hands
    ]
    labels = [gesture.label for gesture in classifier.classify(mirrored)]
    assert labels == [gesture.label for gesture in classifier.classify(real_hands)]


def test_frame_shows_its_most_confident_gesture():
    def gesture(label, score):
        return Gesture('', Handedness.LEFT, label, score, np.zeros(0, np.float32))

    assert frame_gesture([]) == 'none'
    assert frame_gesture([gesture('none', 0.9)]) == 'none'
    shown = [gesture('none', 0.99), gesture('ok', 0.5), gesture('two', 0.7)]
    assert frame_gesture(shown) == 'two'


def test_file_of_ones_own_gestures_carries_its_labels(tmp_path):
    head = make_head(('wave', 'point', 'none'))
    save_head(head, tmp_path / 'own.onnx')
    options = GestureClassifierOptions(model=str(tmp_path / 'own.onnx'))
    with create_gesture_classifier(options) as classifier:
        assert classifier.labels == ('wave', 'point', 'none')
        (gesture,) = classifier.classify([make_hand()])
    assert len(gesture.probabilities) == 3


def test_file_without_labels_is_refused(tmp_path):
    model = build_head_model(make_head(('wave', 'none')))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / 'own.onnx'))
    with pytest.raises(ModelError, match='carries no labels'):
        create_gesture_classifier(GestureClassifierOptions(str(tmp_path / 'own.onnx')))


def test_labels_that_do_not_fit_are_refused(tmp_path):
    model = build_head_model(make_head(('wave', 'none')))
    model.metadata_props[0].value = '["wave", "point", "none"]'
    onnx.save(model, str(tmp_path / 'own.onnx'))
    with pytest.raises(ModelError, match="'probabilities'"):
        create_gesture_classifier(GestureClassifierOptions(str(tmp_path / 'own.onnx')))


def test_labels_without_none_are_refused(tmp_path):
    save_head(make_head(('wave', 'point')), tmp_path / 'own.onnx')
    with pytest.raises(ModelError, match="no 'none' among"):
        create_gesture_classifier(GestureClassifierOptions(str(tmp_path / 'own.onnx')))


@pytest.mark.parametrize(
    ('content', 'words'), [(None, 'cannot read'), (b'', 'gestures train'),
                           (b'no network at all', 'is no ONNX file.*gestures train')],
)
def test_file_that_is_no_network_is_refused(tmp_path, content, words):
    path = tmp_path / 'own.onnx'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=rf'own\.onnx.*{words}|{words}.*own\.onnx'):
        create_gesture_classifier(GestureClassifierOptions(str(path)))


def test_unknown_name_is_refused():
    with pytest.raises(ModelError, match='gesture_haed'):
        create_gesture_classifier(GestureClassifierOptions('gesture_haed'))

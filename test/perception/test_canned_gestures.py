from dataclasses import replace

import numpy as np
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.session import TensorSpec
from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.canned_gestures import CANNED_LABELS, CannedGestures
from ros2_hand_action.perception.gestures import (
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.hands import create_hand_detector
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.perception.records import Hand, Handedness
from ros2_hand_action.training.dataset import load_picture

NAME = 'canned_gesture_classifier'


class StandIn:
    """A network that remembers what it was fed, and answers with the same rows."""

    description = 'stand-in'

    def __init__(self, name, row):
        self.outputs = [TensorSpec(name, (None, len(row)), np.dtype(np.float32))]
        self.fed, self.closed = {}, False
        self._name, self._row = name, row

    def run(self, feed):
        self.fed = feed
        return {self._name: np.array([self._row] * len(next(iter(feed.values()))), np.float32)}

    def close(self):
        self.closed = True


@pytest.fixture
def hand():
    random = np.random.default_rng(3)
    return Hand(
        'h1', Handedness.LEFT, 0.75, np.zeros(4, np.float32), 1.0, 1.0,
        random.normal(100, 20, (21, 3)).astype(np.float32),
        random.normal(0, 0.05, (21, 3)).astype(np.float32),
    )


def make(probabilities):
    embedder = StandIn('embedding', [0.0] * 128)
    head = StandIn('probabilities', [probabilities.get(name, 0.0) for name in CANNED_LABELS])
    return CannedGestures(embedder=embedder, head=head), embedder, head


@pytest.mark.parametrize(('canned', 'ours'), [
    ('Closed_Fist', 'fist'), ('Open_Palm', 'stop'), ('Thumb_Up', 'thumbs_up'), ('Victory', 'two'),
    ('None', 'none'), ('Pointing_Up', 'none'), ('Thumb_Down', 'none'), ('ILoveYou', 'none'),
])
def test_its_gestures_have_our_names(hand, canned, ours):
    classifier, *_ = make({canned: 1.0})
    assert classifier.labels == GESTURES
    assert classifier.classify([hand])[0].label == ours


def test_its_other_gestures_are_none_together(hand):
    classifier, *_ = make({'Victory': 0.4, 'ILoveYou': 0.3, 'None': 0.3})
    gesture = classifier.classify([hand])[0]
    assert (gesture.label, gesture.score) == ('none', pytest.approx(0.6))
    assert gesture.probabilities.sum() == pytest.approx(1)


def test_hands_are_seen_from_the_wrist_in_their_own_size(hand):
    classifier, embedder, _ = make({'None': 1.0})
    classifier.classify([hand])
    for name in ('hand', 'world_hand'):
        (points,) = embedder.fed[name]
        assert points[0].tolist() == [0, 0, 0]
        assert np.ptp(points[:, :2], axis=0).max() == pytest.approx(1, abs=1e-3)
    first = embedder.fed['hand']
    classifier.classify([replace(hand, landmarks_px=3 * hand.landmarks_px + 50)])
    np.testing.assert_allclose(embedder.fed['hand'], first, atol=1e-5)


@pytest.mark.parametrize(('handedness', 'score', 'right'), [
    (Handedness.RIGHT, 0.75, 0.75), (Handedness.LEFT, 0.75, 0.25), (Handedness.UNKNOWN, 0.0, 0.5),
])
def test_handedness_is_the_share_of_right(hand, handedness, score, right):
    classifier, embedder, _ = make({'None': 1.0})
    classifier.classify([replace(hand, handedness=handedness, handedness_score=score)])
    assert embedder.fed['handedness'].tolist() == [[right]]


def test_unknown_landmarks_show_none(hand):
    classifier, embedder, _ = make({'Victory': 1.0})
    lost = replace(hand, landmarks_px=np.full((21, 3), np.nan, np.float32))
    assert [each.label for each in classifier.classify([hand, lost])] == ['two', 'none']
    assert np.isfinite(embedder.fed['hand']).all()


def test_both_networks_are_closed():
    classifier, *networks = make({'None': 1.0})
    classifier.close()
    assert all(network.closed for network in networks)


def test_another_head_is_refused():
    with pytest.raises(ModelError, match='must name 8'):
        CannedGestures(embedder=StandIn('embedding', [0.0]), head=StandIn('other', [0.0] * 3))


def test_the_real_networks_name_the_hands_of_the_photo():
    try:
        frame = load_picture(media_path('five_hands'))
        with (
            create_hand_detector() as detector,
            create_gesture_classifier(GestureClassifierOptions(NAME)) as classifier,
        ):
            hands = sorted(detector.detect(frame), key=lambda hand: hand.box_px[0])
            labels = [gesture.label for gesture in classifier.classify(hands)]
    except ModelError as error:
        pytest.skip(str(error))
    assert labels == ['none', 'two', 'none', 'none', 'stop']

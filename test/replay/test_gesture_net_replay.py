"""Replay with a GestureNet in the place of the landmark head."""

import cv2
import pytest

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.replay.calibration import collect_feeds
from ros2_hand_action.replay.pipeline import Pipeline, PipelineOptions

MODEL = 'open_gesturenet'
SECOND_NS = 1_000_000_000


@pytest.fixture(scope='module')
def photo():
    try:
        model_path('palm_detection_full')
        return cv2.imread(str(media_path('five_hands')))
    except HandActionError as error:
        pytest.skip(str(error))


def test_parameters_choose_it_and_hands_are_judged_in_their_image(photo, tmp_path):
    params = tmp_path / 'own.yaml'
    params.write_text(f'/**/gesture_classifier:\n  ros__parameters: {{model: {MODEL}}}\n')
    with Pipeline(PipelineOptions(params=params)) as pipeline:
        assert pipeline.labels == GESTURES
        assert pipeline.models['gesture_classifier'].startswith(MODEL)
        result = pipeline.process(Frame(photo, PixelOrder.BGR, SECOND_NS))
    pairs = sorted(
        (hand.box_px[0], gesture.label)
        for hand, gesture in zip(result.frame.hands, result.frame.gestures)
    )
    labels = [label for _, label in pairs]
    assert len(labels) >= 2
    assert labels[-1] == 'stop'  # five fingers, the rightmost


def test_it_can_be_calibrated_like_the_others(photo, tmp_path):
    cv2.imwrite(str(tmp_path / 'hands.jpg'), photo)
    feeds = collect_feeds(load_models()[MODEL], tmp_path, size=5)
    assert {feed['input_1'].shape for feed in feeds} == {(1, 3, 160, 160)}

"""The open GestureNet's weights, as they are in the package."""

from pathlib import Path

import numpy as np
import pytest

from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.contract import check_contract
from ros2_hand_action.models.precision import precision_file
from ros2_hand_action.models.store import State, model_path, model_state
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.gestures import read_labels
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.dataset import read_labelled_pictures
from ros2_hand_action.training.gesture_net_crops import read_crops, split_crops
from ros2_hand_action.training.gesture_net_evaluation import judge_crops
from ros2_hand_action.training.gesture_training import rename_none

NAME = 'open_gesturenet'
LARGEST_WEIGHTS = 6_000_000
SEED, SHARE = 0, 0.1
"""Of the committed weights: docs/gesture_net_card.md."""


@pytest.fixture(scope='module')
def held_back(shared_data: Path):
    """Return every second of the crops that the weights were not taught."""
    folder = shared_data / 'gestures_train'
    pictures = rename_none(read_labelled_pictures(folder), ['random'])
    targets = np.array([GESTURES.index(picture.label) for picture in pictures])
    _, held = split_crops(targets, SHARE, SEED)
    return read_crops(pictures[place] for place in held[::2])


def score(path, crops):
    session = create_session(path, SessionOptions(backend='onnxruntime'))
    with GestureNet(session=session) as network:
        return judge_crops(network, crops).macro_f1


def test_weights_fit_the_catalogue_and_nvidias_contract():
    models = load_models()
    model = models[NAME]
    assert model_state(model) is State.READY
    assert model_path(NAME).stat().st_size <= LARGEST_WEIGHTS
    check_contract(model_path(NAME), model)
    check_contract(model_path(NAME), models['gesturenet'])
    assert read_labels(model_path(NAME)) == GESTURES


def test_crops_that_were_held_back_are_named(held_back):
    assert score(model_path(NAME), held_back) >= 0.95


def test_half_precision_names_them_as_well(held_back):
    part = held_back.take(range(0, len(held_back.pixels), 3))
    single = score(model_path(NAME), part)
    assert abs(score(precision_file(model_path(NAME), 'fp16'), part) - single) <= 0.005

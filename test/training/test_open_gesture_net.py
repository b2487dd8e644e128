"""The open GestureNet's weights, as they are in the package."""

import csv
from pathlib import Path

import numpy as np
import onnx
import pytest

from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.contract import check_contract
from ros2_hand_action.models.precision import precision_file
from ros2_hand_action.models.store import State, model_path, model_state
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.gestures import (
    GESTURE_NET_INPUT,
    GestureClassifierOptions,
    create_gesture_classifier,
    frame_gesture,
    read_labels,
)
from ros2_hand_action.perception.hands import create_hand_detector
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.dataset import load_picture, read_labelled_pictures
from ros2_hand_action.training.gesture_net_crops import read_crops, split_crops
from ros2_hand_action.training.gesture_net_evaluation import judge_crops
from ros2_hand_action.training.gesture_net_file import DIRECTIONS
from ros2_hand_action.training.gesture_net_training import cut_crop
from ros2_hand_action.training.gesture_training import rename_none

NAME = 'open_gesturenet'
LARGEST_WEIGHTS = 8_000_000
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


def test_hands_are_turned_upright_however_they_lie(held_back, tmp_path):
    """Where hands point turns with the picture, by each quarter."""
    network = onnx.load(str(model_path(NAME)))
    sizes = {array.name: tuple(array.dims) for array in network.graph.initializer}
    [direction] = [
        node.output[0] for node in network.graph.node
        if node.op_type == 'MatMul' and sizes.get(node.input[1]) == DIRECTIONS.shape
    ]
    network.graph.output.append(onnx.helper.make_tensor_value_info(direction, 1, ['N', 2]))
    onnx.save(network, tmp_path / 'net.onnx')
    blobs = np.stack([cut_crop(pixels) for pixels in held_back.pixels[::10]])
    session = create_session(tmp_path / 'net.onnx', SessionOptions(backend='onnxruntime'))
    found = []
    for quarter in range(4):
        turned = np.ascontiguousarray(np.rot90(blobs, quarter, (2, 3)))
        x, y = session.run({GESTURE_NET_INPUT: turned})[direction].T
        for _ in range(quarter):  # back
            x, y = -y, x
        found.append(np.stack([x, y], axis=1) / np.hypot(x, y)[:, None])
    session.close()
    cosines = np.stack([np.einsum('nc,nc->n', found[0], other) for other in found[1:]])
    assert (np.median(cosines, axis=1) > 0.95).all()


def test_v_signs_from_behind_are_named(shared_data: Path):
    """Nobody taught them: their geometry is that of those from the front."""
    folder = shared_data / 'gestures_dev'
    with (folder / 'labels.csv').open() as file:
        names = [
            row['file'] for row in csv.DictReader(file) if row['hagrid_class'] == 'peace_inverted'
        ]
    options = SessionOptions(backend='onnxruntime')
    named = []
    with (
        create_hand_detector(session_options=options) as detector,
        create_gesture_classifier(GestureClassifierOptions(NAME), options) as classifier,
    ):
        for name in names:
            frame = load_picture(folder / name)
            assert frame is not None
            named.append(frame_gesture(classifier.classify(detector.detect(frame), frame)))
    assert named.count('two') >= 0.8 * len(names)

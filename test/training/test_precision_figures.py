"""Figures of a task with another file in a network's place."""

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import media_path, model_path
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hands import HandDetectorOptions, create_hand_detector
from ros2_hand_action.training.precision_figures import choose_task


@pytest.fixture
def photo():
    try:
        for name in ('palm_detection_full', 'hand_landmark_full', 'pose_detection'):
            model_path(name)
        return cv2.imread(str(media_path('five_hands')))
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture
def boxed(photo, tmp_path):
    """Return a folder with the photo, and the boxes that are found in it as the truth."""
    cv2.imwrite(str(tmp_path / 'hands.png'), photo)
    with create_hand_detector(HandDetectorOptions()) as detector:
        hands = detector.detect(Frame(photo, PixelOrder.BGR))
    rows = [','.join(['hands.png', *map(str, hand.box_px.tolist())]) for hand in hands]
    (tmp_path / 'boxes.csv').write_text('\n'.join(['file,xmin,ymin,xmax,ymax', *rows]))
    assert len(rows) >= 4
    return tmp_path


def deaf(name, folder):
    """Write a network of the catalogue whose weights are all 0."""
    network = onnx.load(str(model_path(name)))
    for tensor in network.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.ndim >= 2:
            tensor.CopyFrom(numpy_helper.from_array(np.zeros_like(array), tensor.name))
    path = folder / f'{name}_deaf.onnx'
    onnx.save(network, str(path))
    return path


def test_boxes_give_the_average_precision_of_each_file(boxed, tmp_path):
    name = 'hand_landmark_full'
    task = choose_task(load_models()[name], boxed)
    (value, pictures), (nothing, _) = task.measure([model_path(name), deaf(name, tmp_path)])
    assert (task.figure, pictures) == ('AP50', 1)
    assert value > 0.9
    assert nothing < 0.2


def test_labels_give_the_macro_f1_of_each_file(photo, tmp_path):
    hand = cv2.copyMakeBorder(photo[:, 340:], *[50] * 4, cv2.BORDER_REPLICATE)
    (tmp_path / 'stop').mkdir()
    cv2.imwrite(str(tmp_path / 'stop' / 'a.png'), hand)
    for name in ('gesture_head', 'hand_landmark_full'):
        task = choose_task(load_models()[name], tmp_path)
        assert task.figure == 'macro F1'
        assert task.measure([model_path(name), deaf(name, tmp_path)]) == [(1, 1), (0, 1)]


@pytest.mark.parametrize(('name', 'files'), [
    ('gesture_head', ['a.png']),
    ('gesture_head', ['monday/a.png', 'tuesday/a.png']),
    ('gesture_head', ['a.png', 'boxes.csv']),
    ('palm_detection_full', ['a.png']),
    ('pose_detection', ['stop/a.png']),
    ('gesture_head', []),
])
def test_what_is_not_labelled_for_a_network_has_no_task(name, files, tmp_path):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b'')
    assert choose_task(load_models()[name], tmp_path) is None


def test_bag_or_video_has_no_task(tmp_path):
    assert choose_task(load_models()['gesture_head'], tmp_path / 'video.mp4') is None

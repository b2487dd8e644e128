"""How well a GestureNet names crops that it was not taught."""

import numpy as np

from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gesture_metrics import ClassificationReport, compare
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_crops import CropSet


def judge_crops(network: GestureNet, crops: CropSet) -> ClassificationReport:
    """Compare what a network says of crops, each a hand from edge to edge, with their labels.

    Each goes through the same steps as a hand in an image.
    """
    predicted = []
    for pixels in crops.pixels:
        height, width = pixels.shape[:2]
        frame = Frame(pixels, PixelOrder.RGB)
        (row,), _ = network.look(np.array([[0, 0, width, height]]), frame)
        predicted.append(network.labels[int(row.argmax())])
    truth = [GESTURES[target] for target in crops.targets]
    return compare(truth=truth, predicted=predicted, labels=GESTURES)

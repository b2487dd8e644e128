"""The box of the visible hand, from its landmarks."""

import numpy as np

from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.regions import boxes_around, clip_boxes


def hand_boxes(landmarks_px: np.ndarray, frame: Frame) -> np.ndarray:
    """Return float32 boxes (n, 4) of hands with these landmarks (n, 21, 3), clipped."""
    return clip_boxes(boxes_around(landmarks_px), frame).astype(np.float32)

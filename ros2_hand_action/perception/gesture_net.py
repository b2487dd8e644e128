"""GestureNet: NVIDIA's classifier of hand crops, or the open one with the same inputs and outputs.

NVIDIA's weights are not distributed with this package, ours are: docs/gesture_net.md.
"""

from collections.abc import Sequence

import numpy as np

from ros2_hand_action.errors import ImageError
from ros2_hand_action.inference.batches import run_in_batches
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.gesture_net_crop import (
    PRESETS,
    SIDE_PX,
    CropPreset,
    find_regions,
    write_hand_crops,
)
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT, GestureClassifier
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.perception.records import Hand
from ros2_hand_action.perception.task import check_head

OUTPUT = 'activation_18'
"""The network's only output: float32 (N, labels), each row sums to 1."""


class GestureNet(GestureClassifier):
    """Names gestures by what the hands look like.

    Parameters
    ----------
    session : InferenceSession
        Input `input_1` (N, 3, 160, 160), output `activation_18` (N, labels).
    labels : sequence of str
        In the order of the output; NVIDIA's `random` is our 'none'.
    preset : CropPreset, optional
        'deepstream' unless told.

    Raises
    ------
    ModelError
        If the network is no GestureNet, or `labels` does not fit it.
    """

    takes_image = True

    def __init__(
        self, *, session: InferenceSession, labels: Sequence[str] = GESTURES,
        preset: CropPreset = PRESETS['deepstream'],
    ) -> None:
        super().__init__(session=session, labels=labels)
        check_head(
            session, inputs={GESTURE_NET_INPUT: (3, SIDE_PX, SIDE_PX)}, output=OUTPUT,
            labels=self._labels, rest=NONE, what='GestureNet',
            command='hand-action gestures train-net',
        )
        self._preset = preset

    def look(self, boxes_px: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Return what the network says of boxes of hands, all in one batch.

        Parameters
        ----------
        boxes_px : np.ndarray
            (n, 4): xmin, ymin, xmax, ymax of each hand.
        frame : Frame

        Returns
        -------
        probabilities, is_named
            float32 (n, labels), and which of them the preset's threshold lets pass; none that
            is out of the image does.
        """
        regions = find_regions(boxes_px, frame, self._preset)
        crops = np.empty((len(regions), 3, SIDE_PX, SIDE_PX), np.float32)
        write_hand_crops(frame, regions, self._preset, crops)
        probabilities = run_in_batches(self._session, crops, name=GESTURE_NET_INPUT)[OUTPUT]
        is_named = (probabilities >= self._preset.threshold).any(axis=1)
        return probabilities, is_named & (regions[:, 2] > regions[:, 0])

    def _judge(
        self, hands: Sequence[Hand], frame: Frame | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if frame is None:
            raise ImageError('GestureNet looks at the image of the hands, and there is none')
        return self.look(np.stack([hand.box_px for hand in hands]), frame)

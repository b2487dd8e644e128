"""Conventions of GestureNet and ActionRecognitionNet, judged by labelled pictures and videos."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import cv2
import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.models.check import Outcome, judge_probabilities
from ros2_hand_action.perception.action_recognition_net import (
    LABEL_PRESETS,
    SIDE_PX,
    ActionRecognitionNet,
)
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gesture_net import OUTPUT
from ros2_hand_action.perception.gesture_net_crop import (
    PRESETS,
    CropPreset,
    find_regions,
    write_hand_crops,
)
from ros2_hand_action.perception.gesture_net_crop import SIDE_PX as CROP_SIDE_PX
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.perception.optical_flow import DisFlow, flow_images
from ros2_hand_action.training.action_dataset import ActionVideo
from ros2_hand_action.training.action_judges import center_clip
from ros2_hand_action.training.dataset import LabelledPicture, load_picture

FindBox = Callable[[Frame], np.ndarray | None]
"""Returns the box (4,) of the hand in a frame, None where there is none."""

_ORDERS = {'rgb': PixelOrder.RGB, 'bgr': PixelOrder.BGR}
_FLIPPED = {PixelOrder.RGB: PixelOrder.BGR, PixelOrder.BGR: PixelOrder.RGB}
_INTERPOLATIONS = {'bilinear': cv2.INTER_LINEAR, 'nearest': cv2.INTER_NEAREST}
_LEAST_RIGHT = 0.5
_NVIDIAS_NAMES = {'random': NONE, 'raise': 'two'}
"""What NVIDIA's documents call our labels."""
_WAITING_SIDE_PX = 640


class GestureNetJudge:
    """Puts hands through a GestureNet: pixels and crop of each preset, in either colour order.

    Parameters
    ----------
    session : InferenceSession
    find_box : FindBox
    """

    factors = ('pixels', 'crop', 'order')
    conventions = tuple(product(PRESETS, PRESETS, _ORDERS))
    figure = 'named right'

    def __init__(self, session: InferenceSession, find_box: FindBox) -> None:
        self._session, self._find_box = session, find_box

    def judge(self, example: LabelledPicture) -> Outcome | None:
        """Return the outcome; None where no hand is seen."""
        label = _NVIDIAS_NAMES.get(example.label, example.label)
        if label not in GESTURES:
            raise DatasetError(
                f'pictures are labelled {example.label!r}, which is none of {GESTURES!r}: rename '
                'their folder'
            )
        frame = load_picture(example.path)
        box_px = None if frame is None else self._find_box(frame)
        if frame is None or box_px is None:
            return None
        crops = np.concatenate([
            self.cut(frame, box_px, convention) for convention in self.conventions
        ])
        rows = np.concatenate([
            self._session.run({GESTURE_NET_INPUT: crop[None]})[OUTPUT] for crop in crops
        ])
        return judge_probabilities(list(rows), [GESTURES.index(label)] * len(rows))

    @staticmethod
    def cut(frame: Frame, box_px: np.ndarray, convention: tuple[str, ...]) -> np.ndarray:
        """Return the network's input (1, 3, 160, 160) by a convention."""
        pixels, crop, order = convention
        preset: CropPreset = replace(
            PRESETS[crop], offset=PRESETS[pixels].offset, scale=PRESETS[pixels].scale
        )
        regions = find_regions(np.asarray(box_px)[None], frame, preset)
        blob = np.empty((1, 3, CROP_SIDE_PX, CROP_SIDE_PX), np.float32)
        seen_as = frame.order if order == 'rgb' else _FLIPPED.get(frame.order, frame.order)
        write_hand_crops(replace(frame, order=seen_as), regions, preset, blob)
        return blob

    @staticmethod
    def fits(figure: float) -> bool:
        """Return whether more than half are named right."""
        return figure > _LEAST_RIGHT


class ActionNetJudge:
    """Puts the middle clip of videos through an ActionRecognitionNet.

    Judged are the order of the labels, that of the colours, and how images are resized:
    bilinear as in TAO, or to the nearest pixel as in DeepStream.

    Parameters
    ----------
    network : ActionRecognitionNet
    """

    figure = 'named right'

    def __init__(self, network: ActionRecognitionNet) -> None:
        self._network, self._flow = network, DisFlow()
        orders = ('xy',) if network.takes_flow else tuple(_ORDERS)
        self._inputs = tuple(product(orders, _INTERPOLATIONS))
        self.factors: tuple[str, ...] = ('labels', 'order', 'interpolation')
        self.conventions: tuple[tuple[str, ...], ...] = tuple(
            (labels, *given) for given in self._inputs for labels in LABEL_PRESETS
        )
        if network.takes_flow:
            self.factors = ('labels', 'interpolation')
            self.conventions = tuple((each[0], each[2]) for each in self.conventions)

    def judge(self, example: ActionVideo) -> Outcome:
        """Return the outcome; raises DatasetError for a label that the network does not have."""
        for labels in LABEL_PRESETS.values():
            if example.label not in labels:
                raise DatasetError(
                    f'videos are labelled {example.label!r}, which is none of {labels!r}: rename '
                    'their folder'
                )
        planes = self._read_planes(example)
        rows = [self._classify(planes, *given) for given in self._inputs]
        return judge_probabilities(
            [row for row in rows for _ in LABEL_PRESETS],
            [labels.index(example.label) for _ in rows for labels in LABEL_PRESETS.values()],
        )

    def fits(self, figure: float) -> bool:
        """Return whether more than half are named right."""
        return figure > _LEAST_RIGHT

    def _classify(self, planes: list[np.ndarray], order: str, interpolation: str) -> np.ndarray:
        size = (SIDE_PX, SIDE_PX)
        resized = [
            cv2.resize(plane, size, interpolation=_INTERPOLATIONS[interpolation])
            for plane in planes
        ]
        if order == 'bgr':
            resized = [plane[..., ::-1] for plane in resized]
        row: np.ndarray = self._network.classify_planes([resized])[0]
        return row

    def _read_planes(self, video: ActionVideo) -> list[np.ndarray]:
        """Return the images, or the flow, of the clip in the middle."""
        network = self._network
        if network.takes_flow and video.has_flow:
            places = center_clip(video.count_flow(), network.planes).tolist()
            found = video.read_flow(places)
            return [found[place] for place in places]
        count, rate_hz = video.count_and_rate()
        step = max(round(network.step_ns * rate_hz / 1e9), 1)
        places = center_clip(count, network.images, step).tolist()
        wanted = set(places)
        images = {
            place: _to_rgb(frame) for place, frame in enumerate(video.frames()) if place in wanted
        }
        clip = [images[place] for place in places]
        return list(flow_images(self._flow, clip)) if network.takes_flow else clip


def _to_rgb(frame: Frame) -> np.ndarray:
    """Return an image in RGB; large ones are halved, as many wait at a time."""
    pixels = frame.pixels
    while max(pixels.shape[:2]) > _WAITING_SIDE_PX:
        pixels = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    if frame.order is PixelOrder.RGB:
        return pixels
    is_bgr = frame.order is PixelOrder.BGR
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if is_bgr else cv2.COLOR_GRAY2RGB)

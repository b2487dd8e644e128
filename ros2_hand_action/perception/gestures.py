"""Gestures of hands that have been found: by a small network on their landmarks, or GestureNet."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.gesture_features import (
    GEOMETRY,
    GEOMETRY_SIZE,
    geometry_features,
)
from ros2_hand_action.perception.gesture_net_crop import PRESETS
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.perception.records import Gesture, Hand
from ros2_hand_action.perception.task import NetworkTask, check_head

OUTPUT = 'probabilities'
"""The network's only output: float32 (hands, labels), each row sums to 1."""

LABELS_KEY = 'labels'
"""Entry of the ONNX file's metadata that holds the labels as a JSON list."""

GESTURE_NET_INPUT = 'input_1'
"""A network with this input is a GestureNet."""

CANNED_INPUT = 'embedding'
"""A network with this input is the head of MediaPipe's canned gestures."""

_ENCRYPTED = ('.etlt', '.tlt')


@dataclass(frozen=True)
class GestureClassifierOptions:
    """Which classifier names the gestures.

    Attributes
    ----------
    model : str
        A name in the model catalogue, or the path of an .onnx file: one that
        `hand-action gestures train` wrote, or a GestureNet.
    crop_preset : str
        How a GestureNet wants its crops: one of `gesture_net_crop.PRESETS`.

    Raises
    ------
    ConfigError
        If there is no such preset.
    """

    model: str = 'gesture_head'
    crop_preset: str = 'deepstream'

    def __post_init__(self) -> None:
        if self.crop_preset not in PRESETS:
            raise ConfigError(
                f'crop_preset is {self.crop_preset!r}, choose one of {tuple(PRESETS)}'
            )


class GestureClassifier(NetworkTask, ABC):
    """Names the gesture of each hand; all hands of an image go through the network at once.

    Parameters
    ----------
    session : InferenceSession
        Closed with the classifier.
    labels : sequence of str
        One for each column of the network's output; 'none' is among them.

    Attributes
    ----------
    takes_image : bool
        Whether it looks at the image that the hands were found in, too.
    """

    takes_image = False

    def __init__(self, *, session: InferenceSession, labels: Sequence[str]) -> None:
        super().__init__(session)
        self._session = session
        self._labels = tuple(labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `Gesture.probabilities`; 'none' is among them."""
        return self._labels

    def classify(
        self, hands: Sequence[Hand], frame: Frame | None = None
    ) -> tuple[Gesture, ...]:
        """Name the gesture of each hand, in the same order.

        What is perhaps no hand (by its score and presence), and a hand that cannot be judged,
        has that much more of 'none'.

        Parameters
        ----------
        hands : sequence of Hand
        frame : Frame, optional
            The image that the hands were found in; needed where `takes_image`.
        """
        if not hands:
            return ()
        probabilities, known = self._judge(hands, frame)
        sureness = np.array([hand.score * hand.presence for hand in hands], np.float32)
        sureness[~known] = 0
        probabilities *= sureness[:, None]
        probabilities[:, self._labels.index(NONE)] += 1 - sureness
        best = probabilities.argmax(axis=1)
        return tuple(
            Gesture(hand.track_id, hand.handedness, self._labels[i], float(row[i]), row)
            for hand, i, row in zip(hands, best, probabilities)
        )

    @abstractmethod
    def _judge(
        self, hands: Sequence[Hand], frame: Frame | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities, float32 (n, labels), and which hands they are good for (n,)."""


class LandmarkClassifier(GestureClassifier):
    """Names gestures by the hands' landmarks alone.

    Parameters
    ----------
    session : InferenceSession
        Its only input is named after the features that it wants (`gesture_features.GEOMETRY`).
    labels : sequence of str

    Raises
    ------
    ModelError
        If the network is no gesture classifier, or `labels` does not fit it.
    """

    def __init__(self, *, session: InferenceSession, labels: Sequence[str]) -> None:
        super().__init__(session=session, labels=labels)
        check_head(
            session, inputs={GEOMETRY: (GEOMETRY_SIZE,)}, output=OUTPUT, labels=self._labels,
            rest=NONE, what='gesture classifier', command='hand-action gestures train',
        )

    def _judge(
        self, hands: Sequence[Hand], frame: Frame | None
    ) -> tuple[np.ndarray, np.ndarray]:
        (landmarks_px, landmarks_m), known = stack_landmarks(hands)
        features = geometry_features(landmarks_px, landmarks_m)
        return self._session.run({GEOMETRY: features})[OUTPUT], known


def stack_landmarks(hands: Sequence[Hand]) -> tuple[np.ndarray, np.ndarray]:
    """Return landmarks in the image and in metres (2, n, 21, 3), and which hands' are known (n,).

    Those of the other hands are 0.
    """
    landmarks = np.stack([
        [hand.landmarks_px for hand in hands], [hand.landmarks_m for hand in hands]
    ])
    known: np.ndarray = np.isfinite(landmarks).all(axis=(0, 2, 3))
    landmarks[:, ~known] = 0
    return landmarks, known


def create_gesture_classifier(
    options: GestureClassifierOptions | None = None,
    session_options: SessionOptions | None = None,
) -> GestureClassifier:
    """Load a classifier from the model store or from a file, ready to run.

    Raises
    ------
    ModelError
        If there is no such model, or the file is no gesture classifier.
    """
    from ros2_hand_action.inference import create_session
    from ros2_hand_action.perception.canned_gestures import create_canned_gestures
    from ros2_hand_action.perception.gesture_net import GestureNet

    options = options or GestureClassifierOptions()
    path = find_classifier(options.model)
    network = _load(path)
    inputs = {value.name for value in network.graph.input}
    if CANNED_INPUT in inputs:
        return create_canned_gestures(path, session_options)
    is_gesture_net = GESTURE_NET_INPUT in inputs
    labels = _labels_of(network, path, GESTURES if is_gesture_net else None)
    session = create_session(path, session_options)
    try:
        session.warm_up()
        if is_gesture_net:
            return GestureNet(session=session, labels=labels, preset=PRESETS[options.crop_preset])
        return LandmarkClassifier(session=session, labels=labels)
    except BaseException:
        session.close()
        raise


def frame_gesture(gestures: Sequence[Gesture]) -> str:
    """Return one label for a whole frame: the most confident gesture of its hands, or 'none'."""
    shown = [gesture for gesture in gestures if gesture.label != NONE]
    return max(shown, key=lambda gesture: gesture.score).label if shown else NONE


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the labels that a classifier's ONNX file carries.

    Raises
    ------
    ModelError
        If the file is missing, is no ONNX file, or carries no labels.
    """
    return _labels_of(_load(path), path, None)


def _load(path: Path) -> Any:
    """Return the ONNX model in a file; raises ModelError where that is none."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise ModelError(f'cannot read the gesture classifier {str(path)!r}: {error}') from error
    except DecodeError as error:
        raise ModelError(
            f'the gesture classifier {str(path)!r} is no ONNX file, or a damaged one ({error}): '
            'make one with `hand-action gestures train`'
        ) from error


def _labels_of(model: Any, path: Path, default: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the labels in a model's metadata, `default` where it says nothing of them."""
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if default is not None and LABELS_KEY not in metadata:
        return default
    try:
        labels = json.loads(metadata[LABELS_KEY])
        if not labels or not all(isinstance(label, str) and label for label in labels):
            raise ValueError('not a list of names')
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f'{str(path)!r} carries no labels ({error!r}), so it is no gesture classifier: '
            'make one with `hand-action gestures train`'
        ) from error
    return tuple(labels)


def find_classifier(model: str) -> Path:
    """Return the file of a name in the model catalogue, or the .onnx file itself.

    Raises
    ------
    ModelError
        If there is no such name, or it is a file that only NVIDIA's own tools can read.
    """
    if model.endswith(_ENCRYPTED):
        raise ModelError(
            f'{model!r} is a model that NVIDIA TAO encrypted, which cannot be read here: take '
            "'open_gesturenet', which has GestureNet's inputs, outputs and labels, or export "
            'yours to ONNX with TAO and give the .onnx file (docs/gesture_net.md)'
        )
    if model.endswith('.onnx'):
        return Path(model).expanduser()
    from ros2_hand_action.models.store import model_path

    return Path(model_path(model))

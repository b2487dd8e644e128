"""Gestures of hands that have been found: a small network on landmarks and appearance."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.perception.gesture_features import (
    GEOMETRY,
    GEOMETRY_SIZE,
    geometry_features,
)
from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.perception.records import Gesture, Hand
from ros2_hand_action.perception.task import NetworkTask, check_head

OUTPUT = 'probabilities'
"""The network's only output: float32 (hands, labels), each row sums to 1."""

LABELS_KEY = 'labels'
"""Entry of the ONNX file's metadata that holds the labels as a JSON list."""


@dataclass(frozen=True)
class GestureClassifierOptions:
    """Which classifier names the gestures.

    Attributes
    ----------
    model : str
        A name in the model catalogue, or the path of an .onnx file that
        `hand-action gestures train` wrote.
    """

    model: str = 'gesture_head'


class GestureClassifier(NetworkTask):
    """Names the gesture of each hand; all hands of an image go through the network at once.

    Parameters
    ----------
    session : InferenceSession
        Its only input is named after the features that it wants (`gesture_features.GEOMETRY`);
        closed with the classifier.
    labels : sequence of str
        One for each column of the network's output.

    Raises
    ------
    ModelError
        If the network is no gesture classifier, or `labels` does not fit it.
    """

    def __init__(self, *, session: InferenceSession, labels: Sequence[str]) -> None:
        super().__init__(session)
        self._session = session
        self._labels = tuple(labels)
        check_head(
            session, inputs={GEOMETRY: (GEOMETRY_SIZE,)}, output=OUTPUT, labels=self._labels,
            rest=NONE, what='gesture classifier', command='hand-action gestures train',
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `Gesture.probabilities`; 'none' is among them."""
        return self._labels

    def classify(self, hands: Sequence[Hand]) -> tuple[Gesture, ...]:
        """Name the gesture of each hand, in the same order.

        What is perhaps no hand (by its score and presence), and a hand whose landmarks are
        unknown, has that much more of 'none'.
        """
        if not hands:
            return ()
        features = geometry_features(
            np.stack([hand.landmarks_px for hand in hands]),
            np.stack([hand.landmarks_m for hand in hands]),
        )
        sureness = np.array([hand.score * hand.presence for hand in hands], np.float32)
        unknown = ~np.isfinite(features).all(axis=1)
        features[unknown], sureness[unknown] = 0, 0
        probabilities = self._session.run({GEOMETRY: features})[OUTPUT]
        probabilities *= sureness[:, None]
        probabilities[:, self._labels.index(NONE)] += 1 - sureness
        best = probabilities.argmax(axis=1)
        return tuple(
            Gesture(hand.track_id, hand.handedness, self._labels[i], float(row[i]), row)
            for hand, i, row in zip(hands, best, probabilities)
        )


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

    path = find_classifier((options or GestureClassifierOptions()).model)
    labels = read_labels(path)
    session = create_session(path, session_options)
    try:
        session.warm_up()
        return GestureClassifier(session=session, labels=labels)
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
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(path), load_external_data=False)
    except (OSError, DecodeError) as error:
        raise ModelError(f'cannot read the gesture classifier {str(path)!r}: {error}') from error
    metadata = {entry.key: entry.value for entry in model.metadata_props}
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
    """Return the file of a name in the model catalogue, or the .onnx file itself."""
    if model.endswith('.onnx'):
        return Path(model).expanduser()
    from ros2_hand_action.models.store import model_path

    return Path(model_path(model))

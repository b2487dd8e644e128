"""MediaPipe's canned gestures: landmarks -> 128 numbers -> its eight gestures, by our labels."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.gestures import (
    CANNED_INPUT,
    OUTPUT,
    GestureClassifier,
    stack_landmarks,
)
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.perception.records import Hand, Handedness

EMBEDDER = 'gesture_embedder'
"""The network in the model catalogue that gives the head's input."""

CANNED_LABELS = (
    'None', 'Closed_Fist', 'Open_Palm', 'Pointing_Up', 'Thumb_Down', 'Thumb_Up', 'Victory',
    'ILoveYou',
)
"""The head's labels in the order of its output."""

_OURS = {'Closed_Fist': 'fist', 'Open_Palm': 'stop', 'Thumb_Up': 'thumbs_up', 'Victory': 'two'}
_ONTO_OURS = np.array([
    [float(_OURS.get(label, NONE) == ours) for ours in GESTURES] for label in CANNED_LABELS
], np.float32)
"""(8, labels): which of our labels has each of its."""

_LEAST_SIZE = 1e-5
"""Added to a hand's size, as in MediaPipe's landmarks_to_matrix_calculator.cc."""


class CannedGestures(GestureClassifier):
    """Names gestures by the hands' landmarks, as MediaPipe's gesture recogniser does.

    Its gestures that we have no label for are 'none'; 'ok' is none of its gestures, so that it
    has probability 0.

    Parameters
    ----------
    embedder, head : InferenceSession
        `gesture_embedder` and `canned_gesture_classifier`; closed with this.

    Raises
    ------
    ModelError
        If the head is another network.
    """

    def __init__(self, *, embedder: InferenceSession, head: InferenceSession) -> None:
        super().__init__(session=head, labels=GESTURES)
        self._sessions += (embedder,)
        self._embedder = embedder
        found = {spec.name: spec.shape[1:] for spec in head.outputs}
        if found != {OUTPUT: (len(CANNED_LABELS),)}:
            raise ModelError(
                f'the canned classifier of gestures has outputs {found!r}, it must name '
                f'{len(CANNED_LABELS)}: run `hand-action models verify`'
            )

    def _judge(
        self, hands: Sequence[Hand], frame: Frame | None
    ) -> tuple[np.ndarray, np.ndarray]:
        landmarks, known = stack_landmarks(hands)
        image, world = _normalise(landmarks)
        right = np.array([[_share_of_right(hand)] for hand in hands], np.float32)
        embedding = self._embedder.run(
            {'hand': image, 'handedness': right, 'world_hand': world}
        )['embedding']
        return self._session.run({CANNED_INPUT: embedding})[OUTPUT] @ _ONTO_OURS, known


def create_canned_gestures(
    head: Path, session_options: SessionOptions | None = None
) -> CannedGestures:
    """Load the head from its file and the embedder from the model store, ready to run.

    Raises
    ------
    ModelError
        If the embedder is missing, or the head is another network.
    """
    with ExitStack() as opened:
        sessions = []
        for path in (model_path(EMBEDDER), head):
            sessions.append(create_session(path, session_options))
            opened.callback(sessions[-1].close)
        classifier = CannedGestures(embedder=sessions[0], head=sessions[1])
        classifier.warm_up()
        opened.pop_all()
    return classifier


def _normalise(landmarks: np.ndarray) -> np.ndarray:
    """Return landmarks (..., 21, 3) from the wrist on, in sizes of the hand in x and y."""
    size = np.ptp(landmarks[..., :2], axis=-2).max(axis=-1) + _LEAST_SIZE
    normalised: np.ndarray = (landmarks - landmarks[..., :1, :]) / size[..., None, None]
    return normalised.astype(np.float32)


def _share_of_right(hand: Hand) -> float:
    """Return the probability that it is the person's right hand, which MediaPipe calls Left."""
    if hand.handedness is Handedness.LEFT:
        return 1 - hand.handedness_score
    return hand.handedness_score if hand.handedness is Handedness.RIGHT else 0.5

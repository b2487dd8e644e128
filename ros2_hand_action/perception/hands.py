"""Hands: in single pictures, and in streams where each keeps its id."""

from collections.abc import Iterator, Sequence

from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.hand_detector import HandDetector
from ros2_hand_action.perception.hand_options import HandDetectorOptions, HandTrackerOptions
from ros2_hand_action.perception.hand_tracker import HandResult, HandTracker

__all__ = [
    'HandDetector',
    'HandDetectorOptions',
    'HandResult',
    'HandTracker',
    'HandTrackerOptions',
    'create_hand_detector',
    'create_hand_tracker',
    'find_hand_model',
    'open_hand_networks',
]

_HAND_NETWORKS = {
    'full': ('palm_detection_full', 'hand_landmark_full'),
    'lite': ('palm_detection_lite', 'hand_landmark_lite'),
    'egohands': ('egohands_ssd', 'hand_landmark_full'),
}
_BODY_NETWORKS = ('pose_detection', 'pose_landmark_full')


def create_hand_detector(
    options: HandDetectorOptions | None = None, session_options: SessionOptions | None = None
) -> HandDetector:
    """Load the networks from the model store and return a detector that owns them.

    Raises
    ------
    ModelError
        If a network is not there or damaged; the message says how to fetch it.
    """
    options = options or HandDetectorOptions()
    networks = [*_HAND_NETWORKS[options.model], *(_BODY_NETWORKS if options.use_bodies else ())]
    palm, landmarks, *pose = _open_networks(networks, session_options)
    return HandDetector(
        palm=palm, landmarks=landmarks, pose=(pose[0], pose[1]) if pose else None, options=options
    )


def create_hand_tracker(
    options: HandTrackerOptions | None = None,
    session_options: SessionOptions | None = None,
    numbers: Iterator[int] | None = None,
) -> HandTracker:
    """Load the networks from the model store and return a tracker that owns them.

    Raises
    ------
    ModelError
        If a network is not there or damaged; the message says how to fetch it.
    """
    options = options or HandTrackerOptions()
    palm, landmarks = open_hand_networks(options.model, session_options)
    return HandTracker(palm=palm, landmarks=landmarks, options=options, numbers=numbers)


def find_hand_model(network: str) -> str | None:
    """Return which of the MODELS of hand_options has a network, the first of them; or None."""
    return next((model for model, names in _HAND_NETWORKS.items() if network in names), None)


def open_hand_networks(
    model: str, session_options: SessionOptions | None
) -> tuple[InferenceSession, InferenceSession]:
    """Load the detector and the landmark network of one of the MODELS of hand_options."""
    palm, landmarks = _open_networks(_HAND_NETWORKS[model], session_options)
    return palm, landmarks


def _open_networks(
    names: Sequence[str], session_options: SessionOptions | None
) -> list[InferenceSession]:
    """Load networks; none stays open where one fails."""
    opened: list[InferenceSession] = []
    try:
        for name in names:
            opened.append(create_session(model_path(name), session_options))
    except BaseException:
        for session in opened:
            session.close()
        raise
    return opened

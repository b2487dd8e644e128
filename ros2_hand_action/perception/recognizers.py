"""Which recogniser of actions is run, by name."""

from dataclasses import dataclass, field
from enum import Enum

from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.action_pose import (
    PoseActionOptions,
    create_pose_action_recognizer,
)
from ros2_hand_action.perception.action_recognition import ActionRecognizer
from ros2_hand_action.perception.action_recognition_net import (
    ActionRecognitionNetOptions,
    create_action_recognition_net,
)
from ros2_hand_action.perception.i3d import I3dOptions, create_i3d
from ros2_hand_action.perception.image_clips import (
    ClipNetwork,
    ImageClipOptions,
    ImageClipRecognizer,
)
from ros2_hand_action.perception.optical_flow import OpticalFlow


class Recognizer(Enum):
    """How actions are recognised."""

    POSE = 'pose'
    ACTION_RECOGNITION_NET = 'action_recognition_net'
    I3D = 'i3d'


@dataclass(frozen=True)
class RecognizerOptions:
    """A recogniser and the options of each kind; those of the others are not used."""

    recognizer: Recognizer = Recognizer.POSE
    pose: PoseActionOptions = field(default_factory=PoseActionOptions)
    net: ActionRecognitionNetOptions = field(default_factory=ActionRecognitionNetOptions)
    i3d: I3dOptions = field(default_factory=I3dOptions)
    clips: ImageClipOptions = field(default_factory=ImageClipOptions)


def create_clip_network(
    options: RecognizerOptions,
    session_options: SessionOptions | None = None,
    *,
    flow: OpticalFlow | None = None,
) -> ClipNetwork:
    """Load a network on clips of images; raises ModelError and ConfigError as the kinds do."""
    if options.recognizer is Recognizer.I3D:
        return create_i3d(options.i3d, session_options)
    return create_action_recognition_net(options.net, session_options, flow=flow)


def create_action_recognizer(
    options: RecognizerOptions | None = None,
    session_options: SessionOptions | None = None,
    *,
    flow: OpticalFlow | None = None,
) -> ActionRecognizer:
    """Load a recogniser, ready to run.

    Parameters
    ----------
    options : RecognizerOptions, optional
    session_options : SessionOptions, optional
    flow : OpticalFlow, optional
        For ActionRecognitionNet on optical flow; OpenCV's on the CPU where none is given.

    Raises
    ------
    ModelError
        If a network is missing or another one; the message names the next step.
    ConfigError
        If an option is out of its range.
    """
    options = options or RecognizerOptions()
    if options.recognizer is Recognizer.POSE:
        return create_pose_action_recognizer(options.pose, session_options)
    network = create_clip_network(options, session_options, flow=flow)
    return ImageClipRecognizer(network, options.clips)

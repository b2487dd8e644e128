"""Parameters of action_recognizer; `perception.action_settings` makes options of them."""

from dataclasses import replace

from ros2_hand_action.nodes.bodies_input import MAX_AGE
from ros2_hand_action.nodes.image_input import IMAGE_TRANSPORT
from ros2_hand_action.nodes.inference_parameters import inference_parameters
from ros2_hand_action.nodes.parameters import Change, NodeParameter
from ros2_hand_action.nodes.stream_input import STREAM_PARAMETERS
from ros2_hand_action.perception.action_event_options import ActionEventOptions
from ros2_hand_action.perception.action_pose import PoseActionOptions
from ros2_hand_action.perception.action_recognition_net import (
    LABEL_PRESETS,
    ActionRecognitionNetOptions,
)
from ros2_hand_action.perception.i3d import IMAGES, I3dOptions
from ros2_hand_action.perception.image_clips import ImageClipOptions
from ros2_hand_action.perception.recognizers import Recognizer, RecognizerOptions

VIEWS = ('auto', 'person', 'image')
_SECOND_NS = 1_000_000_000
_EVENTS = ActionEventOptions()
_CLIPS = ImageClipOptions()
_NET = ActionRecognitionNetOptions()


def _event_time(name: str, default_ns: int, description: str, high: float = 60.0) -> NodeParameter:
    return NodeParameter(
        name, default_ns / _SECOND_NS, f'{description} (seconds)', low=0.0, high=high,
        change=Change.ANY_TIME,
    )


DEBOUNCE_PARAMETERS = (
    NodeParameter(
        'start_threshold', _EVENTS.debounce.start_threshold,
        'Probability from which an action may start', low=0.01, high=1.0, change=Change.ANY_TIME,
    ),
    NodeParameter(
        'end_threshold', _EVENTS.debounce.end_threshold,
        'Probability below which an action ends; at most start_threshold',
        low=0.01, high=1.0, change=Change.ANY_TIME,
    ),
    _event_time(
        'minimum_hold_s', _EVENTS.debounce.minimum_hold_ns,
        'An action starts when recognised for so long',
    ),
    _event_time(
        'cool_down_s', _EVENTS.debounce.cool_down_ns,
        'The same action of a person does not start again for so long',
    ),
    _event_time(
        'held_interval_s', _EVENTS.debounce.held_interval_ns,
        'HELD is repeated this often; 0 is for every image',
    ),
    _event_time(
        'smoothing_s', _EVENTS.debounce.smoothing_ns,
        'Time constant of the smoothing of the probabilities; 0 is none',
    ),
    _event_time(
        'pause_s', _EVENTS.debounce.pause_ns,
        'An action goes on over so long a time below end_threshold, unless another one starts',
    ),
    _event_time(
        'lost_grace_s', _EVENTS.debounce.lost_grace_ns,
        'A person who is missing for so long is lost, and their action ends',
    ),
)

EVENT_PARAMETERS = (
    *DEBOUNCE_PARAMETERS,
    _event_time(
        'down_s', _EVENTS.down_ns,
        'A fall starts when a person who was up has been down on the floor for so long',
    ),
    _event_time(
        'found_s', _EVENTS.found_ns,
        'The same of a person who was never seen up', high=3600.0,
    ),
    _event_time(
        'up_s', _EVENTS.up_ns, 'A fallen person is up again after being upright for so long'
    ),
    _event_time(
        'longest_latch_s', _EVENTS.longest_latch_ns,
        'A fall ends so long after the person was last seen', high=86400.0,
    ),
)
"""Parameters of when an action begins and ends; all can be changed at any time."""

ACTION_PARAMETERS = (
    NodeParameter(
        'recognizer', RecognizerOptions.recognizer.value,
        'What actions are recognised by: poses, or clips of images',
        choices=tuple(each.value for each in Recognizer),
    ),
    NodeParameter(
        'model', '',
        'Network of pose or action_recognition_net: a name in the catalogue or the path of an '
        ".onnx file; empty is the recognizer's own",
    ),
    NodeParameter(
        'labels', _NET.labels,
        f"Order of action_recognition_net's labels: {', '.join(LABEL_PRESETS)}, or names with "
        'commas between them',
    ),
    NodeParameter(
        'subsample', _NET.subsample,
        'Images left out between two of a clip of action_recognition_net', low=0, high=30,
    ),
    NodeParameter(
        'i3d_images', I3dOptions.images,
        f'Images in a clip of i3d: {" or ".join(map(str, IMAGES))}', low=min(IMAGES),
        high=max(IMAGES),
    ),
    NodeParameter(
        'view', 'auto',
        'What clips of images show: each person, the whole image, or that where nobody publishes '
        'bodies', choices=VIEWS,
    ),
    NodeParameter(
        'rate_hz', 2.0, 'Clips of images are recognised so often, in a thread of their own (Hz)',
        low=0.1, high=60.0,
    ),
    NodeParameter(
        'window_s', 0.0,
        'Time that a clip of images takes; 0 is that for which the network was trained (seconds)',
        low=0.0, high=60.0,
    ),
    NodeParameter(
        'warm_up', 0.0,
        "Share of a clip's time for which somebody must have been seen; 0 is the recognizer's "
        f'own, {PoseActionOptions.warm_up} of poses and {ImageClipOptions.warm_up} of images',
        low=0.0, high=1.0,
    ),
    NodeParameter(
        'max_people', _CLIPS.max_people, 'People who have a clip of images at a time',
        low=1, high=16,
    ),
    *inference_parameters(),
    NodeParameter(
        'actions_timeout_s', 1.0,
        'All actions but falls end when no input came for so long, as when the camera freezes '
        '(seconds)', low=0.05, high=60.0,
    ),
    *EVENT_PARAMETERS,
    replace(
        MAX_AGE, description='With clips of images: bodies so much older or newer than the image '
        'are ignored (seconds)',
    ),
    IMAGE_TRANSPORT,
    *STREAM_PARAMETERS,
)

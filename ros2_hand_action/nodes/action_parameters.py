"""Parameters of action_recognizer, and the options that follow from them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ros2_hand_action.nodes.bodies_input import MAX_AGE
from ros2_hand_action.nodes.image_input import IMAGE_TRANSPORT
from ros2_hand_action.nodes.parameters import Change, NodeParameter, Value
from ros2_hand_action.nodes.stream_input import STREAM_PARAMETERS
from ros2_hand_action.perception.action_events import ActionEventOptions
from ros2_hand_action.perception.action_pose import PoseActionOptions
from ros2_hand_action.perception.action_recognition_net import (
    LABEL_PRESETS,
    ActionRecognitionNetOptions,
)
from ros2_hand_action.perception.events import GestureEventOptions
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
        'lost_grace_s', _EVENTS.debounce.lost_grace_ns,
        'A person who is missing for so long is lost, and their action ends',
    ),
)

EVENT_PARAMETERS = (
    *DEBOUNCE_PARAMETERS,
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
        'warm_up', PoseActionOptions.warm_up,
        "Share of a clip's time for which somebody must have been seen", low=0.1, high=1.0,
    ),
    NodeParameter(
        'max_people', _CLIPS.max_people, 'People who have a clip of images at a time',
        low=1, high=16,
    ),
    NodeParameter('backend', 'auto', 'Inference back end; auto takes the best there is'),
    NodeParameter('threads', 1, 'Threads inside one operator', low=1, high=64),
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


def read_recognizer_options(value: Any) -> RecognizerOptions:
    """Return the recogniser's options; `value` gives a parameter by name.

    Raises
    ------
    ConfigError
        If one does not fit.
    """
    model = {'model': value('model')} if value('model') else {}
    return RecognizerOptions(
        recognizer=Recognizer(value('recognizer')),
        pose=PoseActionOptions(warm_up=value('warm_up'), **model),
        net=ActionRecognitionNetOptions(
            labels=value('labels'), subsample=value('subsample'), **model
        ),
        i3d=I3dOptions(images=value('i3d_images')),
        clips=ImageClipOptions(
            window_ns=round(value('window_s') * _SECOND_NS),
            warm_up=value('warm_up'),
            max_people=value('max_people'),
            whole_image=value('view') == 'image',
        ),
    )


def read_event_options(values: Mapping[str, Value], *, interval_ns: int = 0) -> ActionEventOptions:
    """Return when actions begin and end.

    Parameters
    ----------
    values : mapping of str to value
        EVENT_PARAMETERS by name.
    interval_ns : int
        Time between two answers, where these are rarer than images: each then stands for so long.

    Raises
    ------
    ConfigError
        If they contradict each other.
    """
    given: dict[str, Any] = {}
    for name, value in values.items():
        is_time = name.endswith('_s')
        given[f'{name[:-2]}_ns' if is_time else name] = (
            round(float(value) * _SECOND_NS) if is_time else value
        )
    latch = {name: given.pop(name) for name in ('up_ns', 'longest_latch_ns')}
    default = GestureEventOptions()
    given['lost_grace_ns'] = max(given['lost_grace_ns'], 2 * interval_ns)
    return ActionEventOptions(
        debounce=GestureEventOptions(
            largest_step_ns=max(default.largest_step_ns, interval_ns),
            maximum_gap_ns=max(default.maximum_gap_ns, 4 * interval_ns),
            **given,
        ),
        **latch,
    )

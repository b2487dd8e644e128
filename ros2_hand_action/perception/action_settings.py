"""Parameters of action_recognizer as the options of what it runs."""

from collections.abc import Mapping
from typing import Any

from ros2_hand_action.perception.action_event_options import ActionEventOptions
from ros2_hand_action.perception.action_pose import PoseActionOptions
from ros2_hand_action.perception.action_recognition_net import ActionRecognitionNetOptions
from ros2_hand_action.perception.events import GestureEventOptions
from ros2_hand_action.perception.i3d import I3dOptions
from ros2_hand_action.perception.image_clips import ImageClipOptions
from ros2_hand_action.perception.recognizers import Recognizer, RecognizerOptions

_SECOND_NS = 1_000_000_000
_FALL_TIMES = ('down_ns', 'found_ns', 'up_ns', 'longest_latch_ns')


def read_recognizer_options(value: Any) -> RecognizerOptions:
    """Return the recogniser's options; `value` gives a parameter by name.

    Raises
    ------
    ConfigError
        If one does not fit.
    """
    model = {'model': value('model')} if value('model') else {}
    warm_up = {'warm_up': value('warm_up')} if value('warm_up') else {}
    return RecognizerOptions(
        recognizer=Recognizer(value('recognizer')),
        pose=PoseActionOptions(**warm_up, **model),
        net=ActionRecognitionNetOptions(
            labels=value('labels'), subsample=value('subsample'), **model
        ),
        i3d=I3dOptions(images=value('i3d_images')),
        clips=ImageClipOptions(
            window_ns=round(value('window_s') * _SECOND_NS),
            max_people=value('max_people'),
            whole_image=value('view') == 'image',
            **warm_up,
        ),
    )


def read_event_options(values: Mapping[str, Any], *, interval_ns: int = 0) -> ActionEventOptions:
    """Return when actions begin and end.

    Parameters
    ----------
    values : mapping of str to value
        The node's EVENT_PARAMETERS by name.
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
    falls = {name: given.pop(name) for name in _FALL_TIMES}
    default = GestureEventOptions()
    given['lost_grace_ns'] = max(given['lost_grace_ns'], 2 * interval_ns)
    return ActionEventOptions(
        debounce=GestureEventOptions(
            largest_step_ns=max(default.largest_step_ns, interval_ns),
            maximum_gap_ns=max(default.maximum_gap_ns, 4 * interval_ns),
            **given,
        ),
        **falls,
    )

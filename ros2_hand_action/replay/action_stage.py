"""What action_recognizer does to an image, without ROS and without a clock."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.action_event_options import ActionEventOptions
from ros2_hand_action.perception.action_events import ActionEventMachine
from ros2_hand_action.perception.action_recognition_net import ActionRecognitionNetOptions
from ros2_hand_action.perception.action_settings import (
    read_event_options,
    read_recognizer_options,
)
from ros2_hand_action.perception.action_stance import StanceWatch
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.i3d import I3dOptions
from ros2_hand_action.perception.image_clips import ImageClipOptions, ImageClipRecognizer
from ros2_hand_action.perception.recognizers import RecognizerOptions, create_action_recognizer
from ros2_hand_action.perception.records import Action, ActionEvent, Body
from ros2_hand_action.replay.parameter_file import make_options

_SESSION = SessionOptions()
_EVENTS = ActionEventOptions()
_SECOND_NS = 1_000_000_000
_EVENT_TIMES = ('minimum_hold', 'cool_down', 'held_interval', 'smoothing', 'lost_grace', 'pause')
EVENT_DEFAULTS: dict[str, Any] = {
    'start_threshold': _EVENTS.debounce.start_threshold,
    'end_threshold': _EVENTS.debounce.end_threshold,
    **{
        f'{name}_s': getattr(_EVENTS.debounce, f'{name}_ns') / _SECOND_NS for name in _EVENT_TIMES
    },
    'down_s': _EVENTS.down_ns / _SECOND_NS,
    'found_s': _EVENTS.found_ns / _SECOND_NS,
    'up_s': _EVENTS.up_ns / _SECOND_NS,
    'longest_latch_s': _EVENTS.longest_latch_ns / _SECOND_NS,
}
DEFAULTS: dict[str, Any] = {
    'recognizer': RecognizerOptions.recognizer.value,
    'model': '',
    'labels': ActionRecognitionNetOptions().labels,
    'subsample': ActionRecognitionNetOptions().subsample,
    'i3d_images': I3dOptions.images,
    'view': 'auto',
    'rate_hz': 2.0,
    'window_s': 0.0,
    'warm_up': 0.0,
    'max_people': ImageClipOptions().max_people,
    'backend': _SESSION.backend,
    'threads': _SESSION.threads,
    'precision': _SESSION.precision,
    'actions_timeout_s': 1.0,
    **EVENT_DEFAULTS,
}
"""As the node declares them."""


class ActionResult(NamedTuple):
    """Actions of an image, None where it is none of those that are looked at, and events."""

    actions: tuple[Action, ...] | None
    events: tuple[ActionEvent, ...]


class ActionStage:
    """Recognises actions in successive images.

    A recogniser on clips of images looks at the first image and then, by the stamps, `rate_hz`
    times a second, and is never late.

    Parameters
    ----------
    values : Mapping[str, Any]
        Parameters of action_recognizer; those that are missing have their default.

    Raises
    ------
    ConfigError, ModelError
        If a parameter is wrong, or the network is missing.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        chosen = {**DEFAULTS, **values}
        session = make_options(SessionOptions, chosen)
        self._recognizer = create_action_recognizer(
            read_recognizer_options(chosen.__getitem__), session
        )
        is_rare = isinstance(self._recognizer, ImageClipRecognizer)
        self._interval_ns = round(_SECOND_NS / chosen['rate_hz']) if is_rare else 0
        self._events = ActionEventMachine(read_event_options(
            {name: chosen[name] for name in EVENT_DEFAULTS}, interval_ns=self._interval_ns
        ))
        self._stances = StanceWatch()
        self._timeout_ns = round(chosen['actions_timeout_s'] * _SECOND_NS)
        self._looked_ns: int | None = None
        self._before_ns: int | None = None
        self.model = f'{chosen["recognizer"]} {chosen["model"]}'.strip()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `Action.probabilities`."""
        return self._recognizer.labels

    @property
    def description(self) -> str:
        """Back end and device of the network."""
        return self._recognizer.description

    def process(self, frame: Frame, bodies: Sequence[Body]) -> ActionResult:
        """Answer the next image; its stamp does not lie before the last one's."""
        stamp_ns = frame.stamp_ns
        events = list(self._end_stale(stamp_ns))
        actions = self._recognize(frame, bodies)
        stances = self._stances.update(bodies, stamp_ns=stamp_ns)
        if actions is not None:
            events += self._events.process(
                actions, stamp_ns=stamp_ns, labels=self.labels, stances=stances
            )
            actions = self._events.withhold_falls(actions, labels=self.labels, stances=stances)
        return ActionResult(actions, tuple(events))

    def reset(self) -> tuple[ActionEvent, ...]:
        """Forget all clips; returns the end of actions that last."""
        self._recognizer.reset()
        self._stances.reset()
        self._looked_ns = self._before_ns = None
        return self._events.reset()

    def close(self) -> None:
        """Free the network."""
        self._recognizer.close()

    def _end_stale(self, stamp_ns: int) -> tuple[ActionEvent, ...]:
        before_ns, self._before_ns = self._before_ns, stamp_ns
        if before_ns is None or stamp_ns - before_ns <= self._timeout_ns:
            return ()
        return self._events.reset(keep_falls=True)

    def _recognize(self, frame: Frame, bodies: Sequence[Body]) -> tuple[Action, ...] | None:
        stamp_ns = frame.stamp_ns
        if not isinstance(self._recognizer, ImageClipRecognizer):
            return self._recognizer.process(bodies, stamp_ns=stamp_ns)
        clips = self._recognizer.collect(bodies, stamp_ns=stamp_ns, frame=frame)
        if self._looked_ns is not None and stamp_ns - self._looked_ns < self._interval_ns:
            return None
        self._looked_ns = stamp_ns
        return self._recognizer.recognize(clips)

"""Node: hands in, gestures and gesture events out."""

import sys
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from std_msgs.msg import Header

from ros2_hand_action.msg import GestureArray, HandArray
from ros2_hand_action.msg import GestureEvent as GestureEventMessage
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.conversions import event_to_message
from ros2_hand_action.nodes.image_input import IMAGE_TRANSPORT
from ros2_hand_action.nodes.inference_parameters import (
    inference_parameters,
    inference_values,
    session_options,
)
from ros2_hand_action.nodes.paired_images import HandsOfFrame, PairedHands
from ros2_hand_action.nodes.parameters import Change, NodeParameter, Value
from ros2_hand_action.nodes.runner import run_node
from ros2_hand_action.nodes.stale_timer import StaleTimer
from ros2_hand_action.nodes.stream_input import STREAM_PARAMETERS, StreamInput
from ros2_hand_action.nodes.subscription import Candidate
from ros2_hand_action.nodes.wire import read_hands, write_gestures
from ros2_hand_action.perception.events import GestureEventDetector, GestureEventOptions
from ros2_hand_action.perception.gesture_net_crop import PRESETS
from ros2_hand_action.perception.gestures import (
    GestureClassifier,
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.records import GestureEvent
from ros2_hand_action.perception.stage_times import StageTimes

_DEFAULTS = GestureEventOptions()
_SECOND_NS = 1_000_000_000


def _event_time(name: str, default_ns: int, description: str) -> NodeParameter:
    return NodeParameter(
        name, default_ns / _SECOND_NS, f'{description} (seconds)',
        low=0.0, high=60.0, change=Change.ANY_TIME,
    )


EVENT_PARAMETERS = (
    NodeParameter(
        'start_threshold', _DEFAULTS.start_threshold,
        'Probability from which a gesture may start', low=0.01, high=1.0, change=Change.ANY_TIME,
    ),
    NodeParameter(
        'end_threshold', _DEFAULTS.end_threshold,
        'Probability below which a gesture ends; at most start_threshold',
        low=0.01, high=1.0, change=Change.ANY_TIME,
    ),
    _event_time(
        'minimum_hold_s', _DEFAULTS.minimum_hold_ns, 'A gesture starts when shown for so long'
    ),
    _event_time(
        'cool_down_s', _DEFAULTS.cool_down_ns,
        'The same gesture of a hand does not start again for so long',
    ),
    _event_time(
        'held_interval_s', _DEFAULTS.held_interval_ns,
        'HELD is repeated this often; 0 is for every image',
    ),
    _event_time(
        'smoothing_s', _DEFAULTS.smoothing_ns,
        'Time constant of the smoothing of the probabilities; 0 is none',
    ),
    _event_time(
        'lost_grace_s', _DEFAULTS.lost_grace_ns,
        'A hand that is missing for so long is lost, and its gesture ends',
    ),
)
"""Parameters of when a gesture begins and ends; all can be changed at any time."""


class GestureClassifierNode(HandActionNode):
    """Names the gesture of every hand and tells when gestures begin and end.

    Attributes
    ----------
    stream : StreamInput
        The hands, and what is counted about them; only while active.
    """

    INPUT_LOOP = 'hands'
    PARAMETERS = (
        NodeParameter(
            'model', GestureClassifierOptions().model,
            'Classifier: a name in the catalogue or the path of an .onnx file of your own',
        ),
        NodeParameter(
            'crop_preset', GestureClassifierOptions().crop_preset,
            'How a GestureNet wants its crops, by the program of NVIDIA that has it',
            choices=tuple(PRESETS),
        ),
        IMAGE_TRANSPORT,
        *inference_parameters(),
        NodeParameter(
            'hands_timeout_s', 0.5,
            'All gestures end when no hands message came for so long, as when the camera freezes '
            '(seconds)', low=0.05, high=60.0,
        ),
        *EVENT_PARAMETERS,
        *STREAM_PARAMETERS,
    )

    _classifier: GestureClassifier
    _events: GestureEventDetector
    _gestures_publisher: Publisher
    _events_publisher: Publisher
    stream: StreamInput
    _silence: StaleTimer

    def __init__(self, name: str = 'gesture_classifier', **arguments: Any) -> None:
        self._frame_id = ''
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Load the classifier and advertise gestures and events."""
        self._events = GestureEventDetector(self._event_options({}))
        self._classifier = create_gesture_classifier(
            GestureClassifierOptions(self.value('model'), self.value('crop_preset')),
            session_options(self),
        )
        self.when_unloaded(self._classifier.close)
        self._gestures_publisher = self.advertise(
            GestureArray, topics.GESTURES, topics.RESULTS_QOS
        )
        self._events_publisher = self.advertise(
            GestureEventMessage, topics.GESTURE_EVENTS, topics.EVENTS_QOS
        )
        self.get_logger().info(
            f'gestures {", ".join(self._classifier.labels)} by {self.value("model")!r}'
        )

    def start(self) -> None:
        """Subscribe to the hands, and to images where they are needed; else all gestures end."""
        self.when_stopped(self._end_gestures)
        self._silence = StaleTimer(
            self, self.value('hands_timeout_s'), self._end_stale_gestures
        )
        self.when_stopped(self._silence.close)
        self.stream = self._take_hands()
        self.when_stopped(self.stream.close)

    def watch(self) -> None:
        """Look after the subscription."""
        self.stream.watch()

    def diagnose(self) -> DiagnosticStatus:
        """Report the stream."""
        return self.stream.diagnose(
            {
                'model': self.value('model'),
                **inference_values(self, self._classifier.description),
                'gestures that last': ', '.join(
                    f'{event.hand_id} {event.label}' for event in self._events.active.values()
                ),
            }
        )

    def apply_change(self, changes: dict[str, Value]) -> None:
        """Judge gestures by other thresholds from now on; those that last end."""
        options = self._event_options(changes)
        if changes.keys() & {parameter.name for parameter in EVENT_PARAMETERS}:
            self._end_gestures()
            self._events = GestureEventDetector(options)

    def _event_options(self, changes: dict[str, Value]) -> GestureEventOptions:
        values = {p.name: changes.get(p.name, self.value(p.name)) for p in EVENT_PARAMETERS}
        times_ns = {
            f'{name[:-2]}_ns': round(value * _SECOND_NS)
            for name, value in values.items()
            if name.endswith('_s')
        }
        return GestureEventOptions(
            start_threshold=values['start_threshold'],
            end_threshold=values['end_threshold'],
            **times_ns,
        )

    def _take_hands(self) -> StreamInput:
        if self._classifier.takes_image:
            return PairedHands(self, answer=self._classify, restart=self._end_gestures)
        return StreamInput(
            self,
            candidates=[Candidate(topics.HANDS, HandArray, read_hands)],
            depth=topics.RESULTS_QOS.depth,
            decode=lambda message, stamp_ns: HandsOfFrame(message, stamp_ns, None),
            answer=self._classify,
            restart=self._end_gestures,
        )

    def _classify(self, decoded: HandsOfFrame, header: Header) -> StageTimes:
        received, stamp_ns, frame = decoded
        hands, body_ids = received.hands, received.body_ids
        self._frame_id = header.frame_id
        begun_s = perf_counter()
        gestures = self._classifier.classify(hands, frame)
        infer_s = perf_counter() - begun_s
        labels = self._classifier.labels
        self._publish_events(self._events.process(gestures, stamp_ns, labels, body_ids))
        self._gestures_publisher.publish(
            write_gestures(gestures, header, labels=labels, body_ids=body_ids)
        )
        self._silence.hear()  # what cannot be answered supports nothing
        return StageTimes(0.0, infer_s, 0.0)

    def _publish_events(self, events: Iterable[GestureEvent]) -> None:
        for event in events:
            self._events_publisher.publish(event_to_message(event, self._frame_id))

    def _end_gestures(self) -> None:
        self._publish_events(self._events.reset())

    def _end_stale_gestures(self) -> None:
        """End what nothing supports any more: stale input must not keep a robot moving."""
        lasting = self._events.active
        if lasting:
            self.problems.warning(
                'stale', f'no hands for {self.value("hands_timeout_s")} s: '
                f'ended {", ".join(event.label for event in lasting.values())}'
            )
        self._end_gestures()


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(GestureClassifierNode)


if __name__ == '__main__':
    sys.exit(main())

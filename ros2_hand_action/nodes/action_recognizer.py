"""Node: bodies, images or both in, what people are doing and when it begins and ends out."""

import sys
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from ros2_hand_action.msg import ActionArray, BodyPoseArray
from ros2_hand_action.msg import ActionEvent as ActionEventMessage
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.action_conversions import action_event_to_message, actions_to_message
from ros2_hand_action.nodes.action_parameters import ACTION_PARAMETERS, EVENT_PARAMETERS
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.bodies_input import BodiesInput
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.clip_worker import ClipJob, ClipWorker
from ros2_hand_action.nodes.conversions import frame_from_message
from ros2_hand_action.nodes.image_input import image_candidates
from ros2_hand_action.nodes.inference_parameters import inference_values, session_options
from ros2_hand_action.nodes.parameters import Value
from ros2_hand_action.nodes.runner import run_node
from ros2_hand_action.nodes.stale_timer import StaleTimer
from ros2_hand_action.nodes.stream_input import StreamInput
from ros2_hand_action.nodes.subscription import Candidate
from ros2_hand_action.perception.action_events import ActionEventMachine
from ros2_hand_action.perception.action_recognition import ActionRecognizer
from ros2_hand_action.perception.action_settings import (
    read_event_options,
    read_recognizer_options,
)
from ros2_hand_action.perception.action_stance import Stance, StanceWatch
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.image_clips import ImageClipRecognizer
from ros2_hand_action.perception.recognizers import create_action_recognizer
from ros2_hand_action.perception.records import Action, ActionEvent, Body, Phase
from ros2_hand_action.perception.stage_times import StageTimes

_SECOND_NS = 1_000_000_000


class ActionRecognizerNode(HandActionNode):
    """Names what each person does, and tells when actions begin and end.

    A recogniser on poses answers each message of bodies. One on images takes all images, and
    answers the newest in a thread of its own, at `rate_hz`.

    Attributes
    ----------
    stream : StreamInput
        The bodies or images, and what is counted about them; only while active.
    """

    PARAMETERS = ACTION_PARAMETERS

    _recognizer: ActionRecognizer
    _events: ActionEventMachine
    _stances: StanceWatch
    _actions_publisher: Publisher
    _events_publisher: Publisher
    _bodies: BodiesInput | None
    _worker: ClipWorker | None
    stream: StreamInput
    _silence: StaleTimer

    def __init__(self, name: str = 'action_recognizer', **arguments: Any) -> None:
        self._frame_id = ''
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Load the recogniser; advertise actions, their events and the service."""
        options = read_recognizer_options(self.value)
        self._recognizer = create_action_recognizer(options, session_options(self))
        self.when_unloaded(self._recognizer.close)
        self._events = ActionEventMachine(self._event_options({}))
        self._stances = StanceWatch()
        self._actions_publisher = self.advertise(ActionArray, topics.ACTIONS, topics.RESULTS_QOS)
        self._events_publisher = self.advertise(
            ActionEventMessage, topics.ACTION_EVENTS, topics.EVENTS_QOS
        )
        service = self.create_service(Trigger, topics.ACKNOWLEDGE_FALL, self._acknowledge)
        self.when_unloaded(lambda: self.destroy_service(service))
        self.get_logger().info(
            f'actions {", ".join(self._recognizer.labels)} by {self.value("recognizer")!r} on '
            f'{self._recognizer.description}'
        )

    def start(self) -> None:
        """Subscribe to bodies, images or both; without them all actions but falls end."""
        self.when_stopped(self._restart)
        self._silence = StaleTimer(
            self, self.value('actions_timeout_s'), self._end_stale_actions
        )
        self.when_stopped(self._silence.close)
        self._bodies = self._worker = None
        if isinstance(self._recognizer, ImageClipRecognizer):
            self.stream = self._look_at_images(self._recognizer)
        else:
            self.stream = self._follow_bodies()
        self.when_stopped(self.stream.close)

    def watch(self) -> None:
        """Look after the subscriptions, and at the whole image where there are no bodies."""
        self.stream.watch()
        if self._bodies is not None:
            self._bodies.watch()
        if isinstance(self._recognizer, ImageClipRecognizer) and self.value('view') == 'auto':
            nobody = not self.count_publishers(self.resolve_topic_name(topics.BODIES))
            self._recognizer.look_at(whole_image=nobody)

    def diagnose(self) -> DiagnosticStatus:
        """Report the stream."""
        lasting = self._events.active.values()
        return self.stream.diagnose({
            'recognizer': self.value('recognizer'),
            'model': self.value('model') or 'default',
            **inference_values(self, self._recognizer.description),
            'actions that last': ', '.join(f'{each.body_id} {each.label}' for each in lasting),
            **(self._worker.values() if self._worker else {}),
        })

    def apply_change(self, changes: dict[str, Value]) -> None:
        """Judge actions by other thresholds from now on; those that last end, falls do not."""
        options = self._event_options(changes)
        if changes.keys() & {parameter.name for parameter in EVENT_PARAMETERS}:
            self._publish_events(self._events.change_options(options))

    def _event_options(self, changes: dict[str, Value]) -> Any:
        values = {p.name: changes.get(p.name, self.value(p.name)) for p in EVENT_PARAMETERS}
        is_rare = isinstance(self._recognizer, ImageClipRecognizer)
        return read_event_options(values, interval_ns=self._interval_ns if is_rare else 0)

    @property
    def _interval_ns(self) -> int:
        return round(_SECOND_NS / self.value('rate_hz'))

    # A recogniser on poses.

    def _follow_bodies(self) -> StreamInput:
        return StreamInput(
            self,
            candidates=[Candidate(topics.BODIES, BodyPoseArray)],
            depth=topics.RESULTS_QOS.depth,
            decode=lambda message, stamp_ns: (bodies_from_message(message), stamp_ns),
            answer=self._recognize,
            restart=self._restart,
        )

    def _recognize(
        self, decoded: tuple[tuple[Body, ...], int], header: Header
    ) -> StageTimes:
        bodies, stamp_ns = decoded
        begun_s = perf_counter()
        actions = self._recognizer.process(bodies, stamp_ns=stamp_ns)
        infer_s = perf_counter() - begun_s
        stances = self._stances.update(bodies, stamp_ns=stamp_ns)
        self._publish(actions, header, stamp_ns, stances)
        self._silence.hear()  # what cannot be answered supports nothing
        return StageTimes(0.0, infer_s, 0.0)

    # A recogniser on images.

    def _look_at_images(self, recognizer: ImageClipRecognizer) -> StreamInput:
        self._bodies = bodies = BodiesInput(self)
        self.when_stopped(bodies.close)
        self._worker = worker = ClipWorker(
            self, recognizer, self._publish_job, interval_ns=self._interval_ns
        )
        self.when_stopped(worker.close)

        def collect(frame: Frame, header: Header) -> StageTimes:
            self._silence.hear()
            begun_s = perf_counter()
            people = bodies.near(frame.stamp_ns)
            clips = recognizer.collect(people, stamp_ns=frame.stamp_ns, frame=frame)
            stances = self._stances.update(people, stamp_ns=frame.stamp_ns)
            if worker.is_due(frame.stamp_ns):
                worker.offer(ClipJob(clips, header, frame.stamp_ns, stances))
            return StageTimes(perf_counter() - begun_s, 0.0, 0.0)

        return StreamInput(
            self,
            candidates=image_candidates(self, self.value('image_transport')),
            depth=1,
            decode=frame_from_message,
            answer=collect,
            restart=self._restart,
        )

    def _publish_job(self, job: ClipJob, actions: tuple[Action, ...]) -> None:
        self._publish(actions, job.header, job.stamp_ns, job.stances)

    # Both.

    def _publish(
        self, actions: Sequence[Action], header: Header, stamp_ns: int,
        stances: dict[str, Stance],
    ) -> None:
        self._frame_id = header.frame_id
        labels = self._recognizer.labels
        events = self._events.process(actions, stamp_ns=stamp_ns, labels=labels, stances=stances)
        self._publish_events(events)
        told = self._events.withhold_falls(actions, labels=labels, stances=stances)
        self._actions_publisher.publish(actions_to_message(told, header, labels))

    def _publish_events(self, events: Iterable[ActionEvent]) -> None:
        for event in events:
            self._events_publisher.publish(action_event_to_message(event, self._frame_id))

    def _restart(self) -> None:
        if self._worker is not None:
            self._worker.forget()
        self._recognizer.reset()
        self._stances.reset()
        self._publish_events(self._events.reset())

    def _end_stale_actions(self) -> None:
        """End what nothing supports any more; a fall is not over because the camera froze."""
        events = self._events.reset(keep_falls=True)
        if events:
            self.problems.warning(
                'stale', f'no input for {self.value("actions_timeout_s")} s: '
                f'ended {", ".join(event.label for event in events)}'
            )
        self._publish_events(events)

    def _acknowledge(
        self, _request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        """End all falls: somebody has seen to them."""
        with self.lock:
            events = self._events.acknowledge() if self.is_active else ()
            self._publish_events(events)
        ended = [e.body_id or 'the whole image' for e in events if e.phase is Phase.ENDED]
        response.success = bool(events)
        response.message = f'acknowledged: {", ".join(ended)}' if events else 'there is no fall'
        return response


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(ActionRecognizerNode)


if __name__ == '__main__':
    sys.exit(main())

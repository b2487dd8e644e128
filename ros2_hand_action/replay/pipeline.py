"""What the nodes do to an image, as one call: no middleware, no clock, every image."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_pose import (
    BodyPoseTracker,
    BodyResult,
    create_body_pose_tracker,
)
from ros2_hand_action.perception.camera import DEFAULT_FOV_DEG, CameraModel, make_camera
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.events import GestureEventDetector, GestureEventOptions
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.gestures import (
    GestureClassifier,
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.hand_owners import HandOwners
from ros2_hand_action.perception.hands import HandTracker, HandTrackerOptions, create_hand_tracker
from ros2_hand_action.perception.records import ActionEvent, GestureEvent
from ros2_hand_action.perception.task import NetworkTask
from ros2_hand_action.replay.action_stage import ActionResult, ActionStage
from ros2_hand_action.replay.parameter_file import make_options, read_node_parameters
from ros2_hand_action.replay.recording import RecordedFrame
from ros2_hand_action.resources import config_path

_HAND_THREADS, _OTHER_THREADS = 2, 1
_HANDS_TIMEOUT_S, _DEPTH_TOLERANCE_S = 0.5, 0.25
_NOT_CALIBRATED = (0.0,) * 9


@dataclass(frozen=True)
class PipelineOptions:
    """What runs, and by which parameters.

    Attributes
    ----------
    bodies : bool
        Whether body_pose_estimator runs, too.
    actions : bool
        Whether action_recognizer runs, too, and with it body_pose_estimator.
    params : Path or None
        Parameter file of the nodes; None is config/default.yaml.
    gesture_model : str or None
        In the place of that file's `model` of gesture_classifier.
    """

    bodies: bool = False
    actions: bool = False
    params: Path | None = None
    gesture_model: str | None = None

    @property
    def has_bodies(self) -> bool:
        """Whether bodies are found."""
        return self.bodies or self.actions


class PipelineResult(NamedTuple):
    """What one image led to: its answers, the events in the order of the nodes, its camera."""

    frame: RecordedFrame
    events: tuple[GestureEvent, ...]
    action_events: tuple[ActionEvent, ...] = ()
    camera: CameraModel | None = None


@dataclass(frozen=True)
class BegunImage:
    """An image whose bodies are being found, None where they are not looked for."""

    frame: Frame
    camera: CameraModel
    bodies: 'Future[BodyResult] | None'


class Pipeline:
    """The nodes' perception on a stream of images, one after the other.

    The same networks, options and resets as in the nodes, with every image answered. Bodies come
    before the hands of the same image, so that hands know their owners without a delay. Where
    stamps go back all tracks start anew; where an image comes later than `hands_timeout_s` of
    gesture_classifier all gestures end before it. The same images give the same results, in every
    run and process.

    Parameters
    ----------
    options : PipelineOptions

    Raises
    ------
    ConfigError
        If the parameter file cannot be used.
    ModelError
        If a network is missing; says how to get it.
    """

    def __init__(self, options: PipelineOptions | None = None) -> None:
        options = options or PipelineOptions()
        self._path = options.params or config_path('default.yaml')
        self._body_thread = ThreadPoolExecutor(1, thread_name_prefix='bodies')
        self._tasks: list[NetworkTask | ActionStage] = []
        self._hands: HandTracker
        self._classifier: GestureClassifier
        self._bodies: BodyPoseTracker | None = None
        self._actions: ActionStage | None = None
        self._events: GestureEventDetector
        try:
            self._load(options)
        except BaseException:
            self.close()
            raise
        self._count = 0
        self._last_ns: int | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The gesture classifier's labels, in the order of `Gesture.probabilities`."""
        return self._classifier.labels

    @property
    def action_labels(self) -> tuple[str, ...]:
        """The recogniser's labels, in the order of `Action.probabilities`."""
        return self._actions.labels if self._actions is not None else ()

    @property
    def models(self) -> dict[str, str]:
        """Node -> its model and back end."""
        return dict(self._models)

    def process(
        self, frame: Frame, camera: CameraModel | None = None, depth: DepthImage | None = None
    ) -> PipelineResult:
        """Answer the next image.

        Parameters
        ----------
        frame : Frame
        camera : CameraModel, optional
            Of this image's size; without one, `field_of_view_deg` is assumed.
        depth : DepthImage, optional
            Registered to the image; not used where it is farther apart than
            `depth_tolerance_s` of body_pose_estimator.
        """
        return self.complete(self.begin(frame, camera, depth))

    def begin(
        self, frame: Frame, camera: CameraModel | None = None, depth: DepthImage | None = None
    ) -> BegunImage:
        """Begin with the next image: its bodies are found while others are completed.

        Images are completed in the order in which they were begun.
        """
        camera = camera or self._assume_camera(frame)
        if self._bodies is None:
            return BegunImage(frame, camera, None)
        if depth is not None and abs(depth.stamp_ns - frame.stamp_ns) > self._tolerance_ns:
            depth = None
        bodies = self._body_thread.submit(self._bodies.process, frame, camera, depth)
        return BegunImage(frame, camera, bodies)

    def complete(self, begun: BegunImage) -> PipelineResult:
        """Answer an image that was begun."""
        frame = begun.frame
        ended = self._follow_time(frame.stamp_ns)
        bodies = begun.bodies.result().bodies if begun.bodies is not None else None
        hands = self._hands.process(frame, bodies or ()).hands
        owners = self._owners.find(hands, bodies or ())
        gestures = self._classifier.classify(hands, frame)
        events = self._events.process(gestures, frame.stamp_ns, self.labels, owners)
        found = ActionResult(None, ())
        if self._actions is not None:
            found = self._actions.process(frame, bodies or ())
        recorded = RecordedFrame(
            self._count, frame.stamp_ns, hands, gestures, bodies=bodies, actions=found.actions,
            body_ids=owners,
        )  # fmt: skip
        self._count += 1
        return PipelineResult(
            recorded,
            (*ended.events, *events),
            (*ended.action_events, *found.events),
            begun.camera,
        )

    def reset(self) -> PipelineResult:
        """Forget all, as after the last image; returns the end of what lasts, without answers."""
        if self._bodies is not None:
            self._bodies.reset()
        return self._forget()

    def _forget(self) -> PipelineResult:
        """Forget all but bodies, whose tracker sees itself where stamps go back."""
        self._hands.reset()
        self._owners = HandOwners()
        actions = self._actions.reset() if self._actions is not None else ()
        empty = RecordedFrame(self._count, self._last_ns or 0)
        self._last_ns = None
        return PipelineResult(empty, self._events.reset(), actions)

    def close(self) -> None:
        """Free the networks; may be called again."""
        self._body_thread.shutdown()
        for task in self._tasks:
            task.close()

    def __enter__(self) -> 'Pipeline':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self, options: PipelineOptions) -> None:
        self._models: dict[str, str] = {}
        self._owners = HandOwners()
        values = self._values('hand_detector')
        hand_options = make_options(HandTrackerOptions, values)
        if options.has_bodies:
            values = {**values, 'threads': 1}  # bodies have the other core; no result changes
        self._hands = create_hand_tracker(hand_options, _session(values, _HAND_THREADS))
        self._add('hand_detector', hand_options.model, self._hands)
        values = self._values('gesture_classifier')
        if options.gesture_model is not None:
            values = {**values, 'model': options.gesture_model}
        self._timeout_ns = round(values.get('hands_timeout_s', _HANDS_TIMEOUT_S) * 1e9)
        self._events = GestureEventDetector(make_options(GestureEventOptions, values))
        classifier_options = make_options(GestureClassifierOptions, values)
        self._classifier = create_gesture_classifier(
            classifier_options, _session(values, _OTHER_THREADS)
        )
        self._add('gesture_classifier', classifier_options.model, self._classifier)
        values = self._values('body_pose_estimator')
        tolerance_s = values.get('depth_tolerance_s', _DEPTH_TOLERANCE_S)
        self._tolerance_ns = round(tolerance_s * 1e9)
        self._fov_deg = float(values.get('field_of_view_deg', DEFAULT_FOV_DEG))
        if options.has_bodies:
            body_options = make_options(BodyPoseOptions, values)
            self._bodies = create_body_pose_tracker(body_options, _session(values, _OTHER_THREADS))
            self._add('body_pose_estimator', body_options.model, self._bodies)
        if options.actions:
            self._actions = ActionStage(self._values('action_recognizer'))
            self._tasks.append(self._actions)
            model = f'{self._actions.model}, {self._actions.description}'
            self._models['action_recognizer'] = model

    def _values(self, node: str) -> dict[str, Any]:
        return read_node_parameters(self._path, node)

    def _add(self, node: str, model: str, task: NetworkTask) -> None:
        self._tasks.append(task)
        self._models[node] = f'{model}, {task.description}'
        task.warm_up()

    def _follow_time(self, stamp_ns: int) -> PipelineResult:
        """Do what the nodes do where stamps go back, or the camera froze for a while."""
        before, self._last_ns = self._last_ns, stamp_ns
        if before is not None and stamp_ns < before:
            self._last_ns = before
            ended = self._forget()
            self._last_ns = stamp_ns
            return ended
        is_stale = before is not None and stamp_ns - before > self._timeout_ns
        events = self._events.reset() if is_stale else ()
        return PipelineResult(RecordedFrame(self._count, stamp_ns), events)

    def _assume_camera(self, frame: Frame) -> CameraModel:
        size = (frame.width_px, frame.height_px)
        return make_camera(image_size=size, k=_NOT_CALIBRATED, fallback_fov_deg=self._fov_deg)


def _session(values: dict[str, Any], threads: int) -> SessionOptions:
    return make_options(SessionOptions, {'threads': threads, **values})

"""Node: images in, hands out."""

import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.bodies_input import MAX_AGE, BodiesInput
from ros2_hand_action.nodes.camera_input import FIELD_OF_VIEW, CameraInput
from ros2_hand_action.nodes.conversions import frame_from_message
from ros2_hand_action.nodes.image_input import IMAGE_TRANSPORT, image_candidates
from ros2_hand_action.nodes.image_watch import ImageWatch
from ros2_hand_action.nodes.inference_parameters import (
    inference_parameters,
    inference_values,
    session_options,
)
from ros2_hand_action.nodes.parameters import Change, NodeParameter, Value
from ros2_hand_action.nodes.runner import run_node
from ros2_hand_action.nodes.stream_input import STREAM_PARAMETERS, StreamInput
from ros2_hand_action.nodes.transforms import hand_transforms
from ros2_hand_action.nodes.wire import write_hands
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hand_options import MODELS
from ros2_hand_action.perception.hands import HandTracker, HandTrackerOptions, create_hand_tracker
from ros2_hand_action.perception.stage_times import StageTimes

_DEFAULTS = HandTrackerOptions()
_SECOND_NS = 1_000_000_000


def _live(name: str, default: float, description: str, low: float, high: float) -> NodeParameter:
    return NodeParameter(name, default, description, low=low, high=high, change=Change.ANY_TIME)


TRACKER_PARAMETERS = (
    _live(
        'palm_threshold', _DEFAULTS.palm_threshold,
        'Least palm score that makes the landmark network look', 0.01, 0.99,
    ),
    _live('min_score', _DEFAULTS.min_score, 'Least detection score of a new hand', 0.0, 1.0),
    _live(
        'presence_threshold', _DEFAULTS.presence_threshold,
        'Least landmark presence of a new hand', 0.01, 0.99,
    ),
    _live(
        'tracking_threshold', _DEFAULTS.tracking_threshold,
        'Landmark presence below which a followed hand is lost', 0.01, 0.99,
    ),
    _live(
        'search_interval_s', _DEFAULTS.search_interval_ns / _SECOND_NS,
        'Time between searches for more hands while some are followed (seconds)', 0.0, 60.0,
    ),
    _live(
        'tile_fraction', _DEFAULTS.tile_fraction,
        "Most searches look at a tile of about this part of the image's longer side, "
        'for hands farther away; 1 is no tiles', 0.1, 1.0,
    ),
    _live(
        'wrist_views', _DEFAULTS.wrist_views,
        'Wrists without a hand that every second search looks at, where bodies are published',
        0, 8,
    ),
    _live(
        'smoothing_cutoff_hz', _DEFAULTS.smoothing_cutoff_hz,
        'Cut-off of the smoothing of a resting hand; lower is smoother (Hz)', 0.01, 1000.0,
    ),
    _live(
        'smoothing_speed_gain', _DEFAULTS.smoothing_speed_gain,
        'Growth of the cut-off with speed; higher has less lag (Hz per hand size per second)',
        0.0, 1000.0,
    ),
)
"""Parameters of how hands are found and followed; all can be changed at any time."""


class HandDetectorNode(HandActionNode):
    """Finds and follows the hands in the newest images of a camera.

    Attributes
    ----------
    stream : StreamInput
        The images, and what is counted about them; only while active.
    """

    INPUT_LOOP = 'hands'
    PARAMETERS = (
        NodeParameter(
            'model', _DEFAULTS.model,
            'Networks: exact, faster, or hands found by the EgoHands detector', choices=MODELS,
        ),
        NodeParameter(
            'max_hands', _DEFAULTS.max_hands, 'Most hands followed at a time', low=1, high=8
        ),
        *TRACKER_PARAMETERS,
        NodeParameter(
            'publish_tf', False, 'Publish the frames of hands on /tf, which needs camera_info'
        ),
        NodeParameter(
            'frozen_timeout_s', 0.0,
            'Images that do not change at all for so long are not answered, as the camera must '
            'have frozen; 0 answers all (seconds)', low=0.0, high=60.0,
        ),
        MAX_AGE,
        FIELD_OF_VIEW,
        *inference_parameters(threads=2),
        IMAGE_TRANSPORT,
        *STREAM_PARAMETERS,
    )

    _tracker: HandTracker
    _publisher: Publisher
    _tf: Publisher | None
    _bodies: BodiesInput
    _camera: CameraInput
    _images: ImageWatch
    stream: StreamInput

    def __init__(self, name: str = 'hand_detector', **arguments: Any) -> None:
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Load the networks and advertise the hands."""
        options = self._options({})
        self._tracker = create_hand_tracker(options, session_options(self), self.track_numbers)
        self.when_unloaded(self._tracker.close)
        self._tracker.warm_up()
        self._publisher = self.advertise(HandArray, topics.HANDS, topics.RESULTS_QOS)
        self._tf = None
        if self.value('publish_tf'):
            self._tf = self.advertise(TFMessage, topics.TF, topics.TF_QOS)
        self.get_logger().info(f'hand networks ({options.model}) on {self._tracker.description}')

    def start(self) -> None:
        """Subscribe to the images, and to the bodies that hands may belong to."""
        self.when_stopped(self._tracker.reset)
        self._bodies = BodiesInput(self)
        self.when_stopped(self._bodies.close)
        if self._tf is not None:
            self._camera = CameraInput(self)
            self.when_stopped(self._camera.close)
        self._images = ImageWatch(self, self.value('frozen_timeout_s'))
        self.stream = StreamInput(
            self,
            candidates=image_candidates(self, self.value('image_transport')),
            depth=1,
            decode=frame_from_message,
            answer=self._find_hands,
            restart=self._tracker.reset,
            inspect=self._images.observe,
        )
        self.when_stopped(self.stream.close)

    def watch(self) -> None:
        """Look after the subscriptions."""
        self._bodies.watch()
        if self._tf is not None:
            self._camera.watch()
        self.stream.watch()

    def diagnose(self) -> DiagnosticStatus:
        """Report the stream."""
        return self.stream.diagnose({
            'model': self.value('model'),
            **inference_values(self, self._tracker.description),
            **self._images.values,
        })

    def apply_change(self, changes: dict[str, Value]) -> None:
        """Find and follow hands by other thresholds from the next image on."""
        if changes.keys() & {parameter.name for parameter in TRACKER_PARAMETERS}:
            self._tracker.change_options(self._options(changes))

    def _options(self, changes: dict[str, Value]) -> HandTrackerOptions:
        """Return the parameters' values, with changes that are not set yet."""
        names = ('model', 'max_hands', *(parameter.name for parameter in TRACKER_PARAMETERS))
        values: dict[str, Any] = {name: changes.get(name, self.value(name)) for name in names}
        interval_ns = round(values.pop('search_interval_s') * _SECOND_NS)
        return HandTrackerOptions(search_interval_ns=interval_ns, **values)

    def _find_hands(self, frame: Frame, header: Header) -> StageTimes:
        bodies = self._bodies.near(frame.stamp_ns)
        result = self._tracker.process(frame, bodies)
        width_px, height_px = frame.width_px, frame.height_px
        owners = self._bodies.owners(result.hands, bodies)
        self._publisher.publish(
            write_hands(
                result.hands, header, width_px=width_px, height_px=height_px, body_ids=owners
            )
        )
        if self._tf is not None and header.frame_id:  # TF refuses a parent without a name
            camera = self._camera.camera_for(width_px, height_px)
            frames = hand_transforms(result.hands, header, camera)
            if frames.transforms:
                self._tf.publish(frames)
        return result.times


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(HandDetectorNode)


if __name__ == '__main__':
    sys.exit(main())

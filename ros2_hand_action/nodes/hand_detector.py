"""Node: images in, hands out."""

import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from std_msgs.msg import Header

from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.msg import HandArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.conversions import frame_from_message, hands_to_message
from ros2_hand_action.nodes.image_input import IMAGE_TRANSPORT, image_candidates
from ros2_hand_action.nodes.parameters import NodeParameter
from ros2_hand_action.nodes.runner import run_node
from ros2_hand_action.nodes.stream_input import STREAM_PARAMETERS, StreamInput
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.hands import HandTracker, HandTrackerOptions, create_hand_tracker
from ros2_hand_action.perception.stage_times import StageTimes

_DEFAULTS = HandTrackerOptions()
_SECOND_NS = 1_000_000_000


class HandDetectorNode(HandActionNode):
    """Finds and follows the hands in the newest images of a camera."""

    PARAMETERS = (
        NodeParameter(
            'model', _DEFAULTS.model, 'Networks: exact or faster', choices=('full', 'lite')
        ),
        NodeParameter(
            'max_hands', _DEFAULTS.max_hands, 'Most hands followed at a time', low=1, high=8
        ),
        NodeParameter(
            'palm_threshold', _DEFAULTS.palm_threshold,
            'Lowest palm score at which a hand is looked at', low=0.01, high=0.99,
        ),
        NodeParameter(
            'presence_threshold', _DEFAULTS.presence_threshold,
            'Lowest landmark presence of a new hand', low=0.01, high=0.99,
        ),
        NodeParameter(
            'tracking_threshold', _DEFAULTS.tracking_threshold,
            'Landmark presence below which a followed hand is lost', low=0.01, high=0.99,
        ),
        NodeParameter(
            'search_interval_s', _DEFAULTS.search_interval_ns / _SECOND_NS,
            'Time between searches for more hands while some are followed (seconds)',
            low=0.0, high=60.0,
        ),
        NodeParameter(
            'tile_fraction', _DEFAULTS.tile_fraction,
            "Every second search looks at a tile of this part of the image's longer side, "
            'for hands farther away; 1 is no tiles', low=0.1, high=1.0,
        ),
        NodeParameter(
            'smoothing_cutoff_hz', _DEFAULTS.smoothing_cutoff_hz,
            'Cut-off of the smoothing of a resting hand; lower is smoother (Hz)',
            low=0.01, high=1000.0,
        ),
        NodeParameter(
            'smoothing_speed_gain', _DEFAULTS.smoothing_speed_gain,
            'Growth of the cut-off with speed; higher has less lag (Hz per hand size per second)',
            low=0.0, high=1000.0,
        ),
        NodeParameter('backend', 'auto', 'Inference back end; auto takes the best there is'),
        NodeParameter('threads', 1, 'Threads inside one operator', low=1, high=64),
        IMAGE_TRANSPORT,
        *STREAM_PARAMETERS,
    )

    _tracker: HandTracker
    _publisher: Publisher
    _input: StreamInput

    def __init__(self, name: str = 'hand_detector', **arguments: Any) -> None:
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Load the networks and advertise the hands."""
        options = HandTrackerOptions(
            model=self.value('model'),
            max_hands=self.value('max_hands'),
            palm_threshold=self.value('palm_threshold'),
            presence_threshold=self.value('presence_threshold'),
            tracking_threshold=self.value('tracking_threshold'),
            search_interval_ns=round(self.value('search_interval_s') * _SECOND_NS),
            tile_fraction=self.value('tile_fraction'),
            smoothing_cutoff_hz=self.value('smoothing_cutoff_hz'),
            smoothing_speed_gain=self.value('smoothing_speed_gain'),
        )
        session_options = SessionOptions(self.value('backend'), self.value('threads'))
        self._tracker = create_hand_tracker(options, session_options)
        self.when_unloaded(self._tracker.close)
        self._tracker.warm_up()
        self._publisher = self.advertise(HandArray, topics.HANDS, topics.RESULTS_QOS)
        self.get_logger().info(f'hand networks ({options.model}) on {self._tracker.description}')

    def start(self) -> None:
        """Subscribe to the images."""
        self.when_stopped(self._tracker.reset)
        self._input = StreamInput(
            self,
            candidates=image_candidates(self, self.value('image_transport')),
            depth=1,
            decode=frame_from_message,
            answer=self._find_hands,
            restart=self._tracker.reset,
        )
        self.when_stopped(self._input.close)

    def watch(self) -> None:
        """Look after the subscription."""
        self._input.watch()

    def diagnose(self) -> DiagnosticStatus:
        """Report the stream."""
        return self._input.diagnose(
            {'model': self.value('model'), 'back end': self._tracker.description}
        )

    def _find_hands(self, frame: Frame, header: Header) -> StageTimes:
        result = self._tracker.process(frame)
        self._publisher.publish(
            hands_to_message(
                result.hands, header, width_px=frame.width_px, height_px=frame.height_px
            )
        )
        return result.times


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(HandDetectorNode)


if __name__ == '__main__':
    sys.exit(main())

"""Node: images and the camera's calibration in, bodies in metres out."""

import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import Publisher
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from ros2_hand_action.msg import BodyPoseArray, PointingArray
from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.base import HandActionNode
from ros2_hand_action.nodes.body_conversions import bodies_to_message, pointings_to_message
from ros2_hand_action.nodes.body_markers import BodyMarkers
from ros2_hand_action.nodes.camera_input import FIELD_OF_VIEW, CameraInput
from ros2_hand_action.nodes.conversions import frame_from_message
from ros2_hand_action.nodes.depth_input import DEPTH_TOLERANCE, DepthInput
from ros2_hand_action.nodes.hri_bridge import HriBridge, import_hri
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
from ros2_hand_action.nodes.transforms import body_transforms
from ros2_hand_action.perception.body_options import MAX_BODIES, MODELS, BodyPoseOptions
from ros2_hand_action.perception.body_pose import BodyPoseTracker, create_body_pose_tracker
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.pointing import (
    Plane,
    PointingMethod,
    find_pointing,
    floor_plane,
    parse_plane,
)
from ros2_hand_action.perception.records import Body
from ros2_hand_action.perception.stage_times import StageTimes

_DEFAULTS = BodyPoseOptions()
_SECOND_NS = 1_000_000_000


def _threshold(name: str, default: float, description: str) -> NodeParameter:
    return NodeParameter(name, default, description, low=0.01, high=0.99)


TRACKER_PARAMETERS = (
    NodeParameter(
        'model', _DEFAULTS.model, 'Network: lite is faster, heavy more exact; bodypose3dnet is '
        "NVIDIA's, whose weights you bring", choices=MODELS,
    ),
    NodeParameter(
        'bodypose3dnet_preset', _DEFAULTS.bodypose3dnet_preset,
        'How that network gets its pixels; sources disagree', choices=('bgr', 'rgb', 'rgb_mean'),
    ),
    NodeParameter(
        'max_bodies', _DEFAULTS.max_bodies, 'Most people followed at a time',
        low=1, high=MAX_BODIES,
    ),
    NodeParameter(
        'person_height_m', _DEFAULTS.person_height_m,
        'Height of people, which sets distances where no depth image does (metres)',
        low=0.5, high=3.0,
    ),
    _threshold(
        'detection_threshold', _DEFAULTS.detection_threshold,
        'Least detector score of a new person',
    ),
    _threshold(
        'tile_threshold', _DEFAULTS.tile_threshold,
        'Least detector score of a new person in a tile; 0.1 more for one who leans far',
    ),
    _threshold(
        'presence_threshold', _DEFAULTS.presence_threshold,
        'Least presence in the landmark network of a new person',
    ),
    _threshold(
        'tracking_threshold', _DEFAULTS.tracking_threshold,
        'Presence below which a followed person is lost',
    ),
    _threshold(
        'keypoint_threshold', _DEFAULTS.keypoint_threshold,
        'Chance of being in view below which a keypoint is unknown',
    ),
    NodeParameter(
        'search_interval_s', _DEFAULTS.search_interval_ns / _SECOND_NS,
        'Time between searches for more people while some are followed (seconds)',
        low=0.0, high=60.0,
    ),
    NodeParameter(
        'tile_fraction', _DEFAULTS.tile_fraction,
        "Every second search looks at a tile of this part of the image's longer side, for people "
        'farther away; 1 is no tiles', low=0.1, high=1.0,
    ),
    NodeParameter(
        'smoothing_cutoff_hz', _DEFAULTS.smoothing_cutoff_hz,
        'Cut-off of the smoothing of a person who stands still; lower is smoother (Hz)',
        low=0.01, high=1000.0,
    ),
    NodeParameter(
        'smoothing_speed_gain', _DEFAULTS.smoothing_speed_gain,
        'Growth of the cut-off with speed; higher has less lag (Hz per metre per second)',
        low=0.0, high=1000.0,
    ),
)
"""Parameters of how people are found and followed."""

_POINTING_PARAMETERS = (
    NodeParameter(
        'pointing_method', PointingMethod.EYE.value,
        'Rays go from the eyes to the index finger, or along the forearm',
        choices=tuple(method.value for method in PointingMethod), change=Change.ANY_TIME,
    ),
    NodeParameter(
        'camera_height_m', 0.0,
        'Height of the camera above the floor that people point at; 0 is unknown (metres)',
        low=0.0, high=100.0, change=Change.ANY_TIME,
    ),
    NodeParameter(
        'camera_pitch_deg', 0.0,
        'Angle by which the camera looks down; it must not lean to a side (degrees)',
        low=-90.0, high=90.0, change=Change.ANY_TIME,
    ),
    NodeParameter(
        'pointing_plane', '',
        'Plane that people point at in place of the floor: NX NY NZ OFFSET, its normal in the '
        'optical frame and its distance along that; empty is the floor (metres)',
        change=Change.ANY_TIME,
    ),
)


class BodyPoseEstimatorNode(HandActionNode):
    """Finds and follows the people in the newest images of a camera, and places them in metres.

    Attributes
    ----------
    stream : StreamInput
        The images, and what is counted about them; only while active.
    """

    PARAMETERS = (
        *TRACKER_PARAMETERS,
        FIELD_OF_VIEW,
        DEPTH_TOLERANCE,
        *_POINTING_PARAMETERS,
        NodeParameter('publish_tf', True, 'Publish the frames of bodies and joints on /tf'),
        NodeParameter(
            'publish_hri', True,
            'Publish bodies as REP-155 has it under /humans/bodies, where hri_msgs is installed',
        ),
        *inference_parameters(),
        IMAGE_TRANSPORT,
        *STREAM_PARAMETERS,
    )

    _tracker: BodyPoseTracker
    _publisher: Publisher
    _pointing: Publisher
    _markers: Publisher
    _tf: Publisher
    _camera: CameraInput
    _depth: DepthInput
    _hri: HriBridge | None
    _images: ImageWatch
    stream: StreamInput

    def __init__(self, name: str = 'body_pose_estimator', **arguments: Any) -> None:
        self._shown = BodyMarkers()
        super().__init__(name, **arguments)

    def load(self) -> None:
        """Load the networks and advertise the bodies."""
        options = self._options()
        parse_plane(self.value('pointing_plane'))
        self._tracker = create_body_pose_tracker(
            options, session_options(self), self.track_numbers
        )
        self.when_unloaded(self._tracker.close)
        self._tracker.warm_up()
        self._publisher = self.advertise(BodyPoseArray, topics.BODIES, topics.RESULTS_QOS)
        self._pointing = self.advertise(PointingArray, topics.POINTING, topics.RESULTS_QOS)
        self._markers = self.advertise(MarkerArray, topics.BODY_MARKERS, topics.RESULTS_QOS)
        if self.value('publish_tf'):
            self._tf = self.advertise(TFMessage, topics.TF, topics.TF_QOS)
        self.get_logger().info(f'body networks ({options.model}) on {self._tracker.description}')

    def start(self) -> None:
        """Subscribe to the camera's calibration, depth and images."""
        self.when_stopped(self._tracker.reset)
        self.when_stopped(lambda: self._markers.publish(self._shown.clear()))
        self._camera, self._depth = CameraInput(self), DepthInput(self)
        self.when_stopped(self._camera.close)
        self.when_stopped(self._depth.close)
        self._hri = self._bridge_to_hri()
        self._images = ImageWatch(self)
        self.stream = StreamInput(
            self,
            candidates=image_candidates(self, self.value('image_transport')),
            depth=1,
            decode=frame_from_message,
            answer=self._find_bodies,
            restart=self._restart,
            inspect=self._images.observe,
        )
        self.when_stopped(self.stream.close)

    def watch(self) -> None:
        """Look after the subscriptions."""
        self._camera.watch()
        self._depth.watch()
        if self._hri is not None:
            self._hri.watch()
        self.stream.watch()

    def diagnose(self) -> DiagnosticStatus:
        """Report the stream."""
        return self.stream.diagnose({
            'model': self.value('model'),
            **inference_values(self, self._tracker.description),
            'camera': self._camera.description,
            'depth images used': self._depth.used,
            **self._images.values,
        })

    def apply_change(self, changes: dict[str, Value]) -> None:
        """Refuse a plane that is none; what can change is read for each image."""
        parse_plane(str(changes.get('pointing_plane', '')))

    def _bridge_to_hri(self) -> HriBridge | None:
        """Return the bridge to REP-155, None where it is not wanted or cannot be."""
        if not self.value('publish_hri'):
            return None
        hri = import_hri()
        if hri is None:
            self.get_logger().info('hri_msgs is not installed: no topics under /humans (REP-155)')
            return None
        bridge = HriBridge(self, hri)
        self.when_stopped(bridge.close)
        return bridge

    def _options(self) -> BodyPoseOptions:
        values: dict[str, Any] = {
            parameter.name: self.value(parameter.name) for parameter in TRACKER_PARAMETERS
        }
        interval_ns = round(values.pop('search_interval_s') * _SECOND_NS)
        return BodyPoseOptions(search_interval_ns=interval_ns, **values)

    def _restart(self) -> None:
        self._tracker.reset()
        self._depth.clear()

    def _find_bodies(self, frame: Frame, header: Header) -> StageTimes:
        camera = self._camera.camera_for(frame.width_px, frame.height_px)
        depth = self._depth.nearest(frame.stamp_ns, header.frame_id)
        result = self._tracker.process(frame, camera, depth)
        self._publisher.publish(
            bodies_to_message(
                result.bodies, header, width_px=frame.width_px, height_px=frame.height_px
            )
        )
        self._publish_more(result.bodies, header)
        if self._hri is not None:
            pitch_deg = self.value('camera_pitch_deg')
            self._hri.show(result.bodies, frame, header, pitch_deg=pitch_deg)
        return result.times

    def _publish_more(self, bodies: tuple[Body, ...], header: Header) -> None:
        """Publish what follows from the bodies."""
        if self.value('publish_tf'):
            self._publish_frames(bodies, header)
        if self._pointing.get_subscription_count():
            method, plane = PointingMethod(self.value('pointing_method')), self._plane()
            rays = [
                ray for body in bodies for ray in find_pointing(body, method=method, plane=plane)
            ]
            self._pointing.publish(pointings_to_message(rays, header))
        if self._markers.get_subscription_count():
            self._markers.publish(self._shown.show(bodies, header))

    def _publish_frames(self, bodies: tuple[Body, ...], header: Header) -> None:
        message = body_transforms(bodies, header)
        if message.transforms and not header.frame_id:
            self.problems.warning(
                'no frame', f'images on {self.stream.topic!r} have no frame_id: no frames on '
                f'{topics.TF!r}. The camera must set header.frame_id to its optical frame',
            )
        elif message.transforms:
            self._tf.publish(message)

    def _plane(self) -> Plane | None:
        """Return the plane that is given, else the floor where the camera's height is known."""
        plane, height_m = parse_plane(self.value('pointing_plane')), self.value('camera_height_m')
        if plane is None and height_m:
            return floor_plane(height_m=height_m, pitch_deg=self.value('camera_pitch_deg'))
        return plane


def main() -> int:
    """Run the node until it is interrupted."""
    return run_node(BodyPoseEstimatorNode)


if __name__ == '__main__':
    sys.exit(main())

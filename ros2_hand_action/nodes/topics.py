"""Every topic name and quality of service of the nodes, in one place.

All names but /diagnostics and /tf are relative, so that a namespace for each camera or robot
works.
"""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

IMAGE = 'image'
CAMERA_INFO = 'camera_info'
DEPTH_IMAGE = 'depth_image'
HANDS = 'hands'
BODIES = 'bodies'
BODY_MARKERS = 'body_markers'
POINTING = 'pointing'
GESTURES = 'gestures'
GESTURE_EVENTS = 'gesture_events'
ACTIONS = 'actions'
ACTION_EVENTS = 'action_events'
ACKNOWLEDGE_FALL = 'acknowledge_fall'
PERSON_IN_CONTROL = 'person_in_control'
EMERGENCY_STOP = 'emergency_stop'
OVERLAY_IMAGE = 'overlay/image'
COMPRESSED_SUFFIX = '/compressed'
"""Appended to the name of an image topic after remapping, as image_transport does."""
SOURCE_ENDED = 'source_ended'
DIAGNOSTICS = '/diagnostics'
TF = '/tf'
TF_STATIC = '/tf_static'

SENDERS = {
    HANDS: 'hand_detector',
    BODIES: 'body_pose_estimator',
    GESTURES: 'gesture_classifier',
    GESTURE_EVENTS: 'gesture_classifier',
    ACTIONS: 'action_recognizer',
    ACTION_EVENTS: 'action_recognizer',
    DEPTH_IMAGE: 'the depth camera',
    EMERGENCY_STOP: 'what sends the emergency stop',
}
"""What to start where nobody publishes an input; for others the camera or source."""


def _keep_last(
    depth: int,
    reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE,
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )


# A reliable publisher serves reliable and best-effort subscribers; docs/nodes.md says what
# best-effort images lose.
IMAGE_QOS = _keep_last(2)
RESULTS_QOS = _keep_last(5)
EVENTS_QOS = _keep_last(50)
DIAGNOSTICS_QOS = _keep_last(10)
COMMANDS_QOS = _keep_last(10)
TF_QOS = _keep_last(100)  # that of tf2_ros
LATCHED_QOS = _keep_last(1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def input_qos(*, depth: int, reliable: bool) -> QoSProfile:
    """Return the profile of a subscription that keeps the newest `depth` messages."""
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return _keep_last(depth, reliability)

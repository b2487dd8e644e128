"""Running nodes, and a node beside them that talks to them."""

import contextlib
import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from people import make_body
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import model_path
from ros2_hand_action.nodes.conversions import image_message, stamp_from_ns
from ros2_hand_action.nodes.runner import NodeGroup
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_pose import BodyResult
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.hands import HandResult, HandTrackerOptions
from ros2_hand_action.perception.records import Body, Hand, Handedness
from ros2_hand_action.perception.stage_times import StageTimes

DEADLINE_S = 20.0
IGNORED = {'/rosout', '/parameter_events'}


class Probe:
    """A node of the test that publishes, listens and waits, never longer than a deadline."""

    def __init__(self) -> None:
        self.context = Context()
        rclpy.init(context=self.context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = Node('probe', context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()
        self._diagnostics: dict[str, Any] = {}
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._diagnose, 10)

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _diagnose(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self._diagnostics[status.name] = status

    def status(self, name: str) -> Any:
        return self._diagnostics.get(name)

    def values(self, name: str) -> dict[str, str]:
        status = self.status(name)
        return {pair.key: pair.value for pair in status.values} if status else {}

    def wait_for_value(self, name: str, key: str, value: str) -> Any:
        """Return the node's status once it tells this value."""
        self.wait(lambda: self.values(name).get(key) == value, f'{key} {value} of {name}')
        return self.status(name)

    def listen(self, message_type: type, topic: str, depth: int | QoSProfile = 100) -> list[Any]:
        received: list[Any] = []
        self.node.create_subscription(message_type, topic, received.append, depth)
        return received

    def publisher(self, message_type: type, topic: str, qos: int | QoSProfile = 5) -> Any:
        return self.node.create_publisher(message_type, topic, qos)

    def wait(
        self, condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S
    ) -> Any:
        """Return what the condition gives once it holds; fail saying what is missing."""
        end_s = time.monotonic() + deadline_s
        while time.monotonic() < end_s:
            result = condition()
            if result:
                return result
            time.sleep(0.01)
        faulthandler.dump_traceback(file=2)  # a deadlock shows in no other way
        told = '; '.join(f'{name}: {s.message}' for name, s in self._diagnostics.items())
        return pytest.fail(f'missing after {deadline_s} s: {what}; told last: {told}')

    def connect(self, node: Node) -> None:
        """Wait until this node and the other have found each other's topics, in both directions.

        What is sent before the receiver's side has matched is lost, even if the sender's has.
        """
        self.wait(lambda: self._is_connected(node), f'all topics of {node.get_name()} connected')

    def _is_connected(self, node: Node) -> bool:
        links = [
            (publisher, subscription)
            for sender, receiver in ((self.node, node), (node, self.node))
            for publisher in sender.publishers
            for subscription in receiver.subscriptions
            if publisher.topic_name == subscription.topic_name
            and publisher.msg_type is subscription.msg_type
        ]
        topics = {subscription.topic_name for _, subscription in links}
        missing = {
            end.topic_name
            for end in (*self.node.publishers, *self.node.subscriptions)
            if end.topic_name not in topics and end.topic_name not in IGNORED
        }
        return not missing and all(
            publisher.get_subscription_count() and subscription.get_publisher_count()
            for publisher, subscription in links
        )

    def close(self) -> None:
        self._executor.shutdown(timeout_sec=0)
        self._thread.join()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def probe() -> Iterator[Probe]:
    made = Probe()
    yield made
    made.close()


@pytest.fixture
def start_nodes() -> Iterator[Callable[..., Any]]:
    """Return a function that starts a node of a class and returns it."""
    groups: list[NodeGroup] = []

    def start(node_class: type, ros_arguments: tuple[str, ...] = (), **parameters: Any) -> Any:
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        group = NodeGroup(
            [lambda context: node_class(context=context, parameter_overrides=overrides)],
            ros_arguments=ros_arguments,
            context=Context(),
        )
        groups.append(group)
        group.start()
        return group.nodes[0]

    yield start
    for group in groups:
        group.close()


@pytest.fixture(scope='session')
def hand_models() -> None:
    """Skip where the hand networks are not fetched."""
    try:
        model_path('palm_detection_full')
        model_path('hand_landmark_full')
    except ModelError as error:
        pytest.skip(str(error))


def make_hand(track_id: str = 'h1', **changes: Any) -> Hand:
    values = {
        'track_id': track_id,
        'handedness': Handedness.RIGHT,
        'handedness_score': 0.75,
        'box_px': np.array([10.25, 20.5, 30.0, 60.75], np.float32),
        'score': 0.875,
        'presence': 0.9375,
        'landmarks_px': np.arange(63, dtype=np.float32).reshape(21, 3),
        'landmarks_m': np.arange(63, dtype=np.float32).reshape(21, 3) / 1024,
    }
    return Hand(**{**values, **changes})


@pytest.fixture
def hand() -> Hand:
    return make_hand()


class StandInBodyTracker:
    """Finds one person in bright images and none in dark ones; remembers what it was given."""

    description = 'stand-in'

    def __init__(self) -> None:
        self.given: list[tuple[Frame, CameraModel, DepthImage | None]] = []
        self.options: BodyPoseOptions | None = None
        self.body = make_body()
        self.resets = 0
        self.closed = False

    def warm_up(self) -> None:
        pass

    def process(
        self, frame: Frame, camera: CameraModel, depth: DepthImage | None
    ) -> BodyResult:
        self.given.append((frame, camera, depth))
        bodies = (self.body,) if frame.pixels.max() > 127 else ()
        return BodyResult(bodies, StageTimes(0.001, 0.002, 0.0005))

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def body_tracker(monkeypatch: pytest.MonkeyPatch) -> StandInBodyTracker:
    """Put a stand-in in the place of the body networks."""
    made = StandInBodyTracker()

    def create(options: BodyPoseOptions, *_: Any) -> StandInBodyTracker:
        made.options = options
        return made

    monkeypatch.setattr(
        'ros2_hand_action.nodes.body_pose_estimator.create_body_pose_tracker', create
    )
    return made


class StandInTracker:
    """Finds one hand in bright images and none in dark ones; remembers what it was asked."""

    description = 'stand-in'

    def __init__(self) -> None:
        self.stamps_ns: list[int] = []
        self.resets_at: list[int] = []
        self.bodies: list[tuple[Body, ...]] = []
        self.closed = False
        self.options: list[HandTrackerOptions] = []
        self.hand = make_hand()
        self.delay_s = 0.004  # longer than the times it reports

    def warm_up(self) -> None:
        pass

    def process(self, frame: Frame, bodies: tuple[Body, ...] = ()) -> HandResult:
        self.bodies.append(bodies)
        self.stamps_ns.append(frame.stamp_ns)
        time.sleep(self.delay_s)
        hands = (self.hand,) if frame.pixels.max() > 127 else ()
        return HandResult(hands, StageTimes(0.001, 0.002, 0.0005))

    def change_options(self, options: HandTrackerOptions) -> None:
        self.options.append(options)

    def reset(self) -> None:
        self.resets_at.append(len(self.stamps_ns))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> StandInTracker:
    """Put a stand-in in the place of the hand networks."""
    made = StandInTracker()
    monkeypatch.setattr(
        'ros2_hand_action.nodes.hand_detector.create_hand_tracker', lambda *_: made
    )
    return made


@pytest.fixture
def make_image() -> Callable[..., Image]:
    """Return a function that makes a good image message."""

    def make(stamp_ns: int, *, value: int = 255, size: tuple[int, int] = (48, 64)) -> Image:
        pixels = np.full((*size, 3), value, np.uint8)
        header = Header(stamp=stamp_from_ns(stamp_ns), frame_id='camera')
        return image_message(pixels, PixelOrder.BGR, header)

    return make

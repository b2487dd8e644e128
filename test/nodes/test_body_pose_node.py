import numpy as np
import pytest
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from ros2_hand_action.msg import BodyPoseArray, PointingArray
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.conversions import stamp_from_ns, stamp_to_ns

NAME = '/body_pose_estimator'
K = [50.0, 0.0, 31.5, 0.0, 50.0, 23.5, 0.0, 0.0, 1.0]
SECOND_NS = 1_000_000_000


def depth_message(stamp_ns: int, value: int = 3000, frame_id: str = 'camera') -> Image:
    header = Header(stamp=stamp_from_ns(stamp_ns), frame_id=frame_id)
    message = Image(header=header, width=64, height=48, encoding='16UC1', step=128)
    message.data = np.full((48, 64), value, '<u2').tobytes()
    return message


class Camera:
    """Publishes images one by one and waits for each answer."""

    def __init__(self, probe, make_image) -> None:
        self._probe, self._make_image = probe, make_image
        self.bodies = probe.listen(BodyPoseArray, 'bodies')
        self._images = probe.publisher(Image, 'image')

    def show(self, stamp_ns: int, value: int = 255) -> BodyPoseArray:
        before = len(self.bodies)
        self._images.publish(self._make_image(stamp_ns, value=value))
        self._probe.wait(lambda: len(self.bodies) > before, f'an answer to {stamp_ns}')
        return self.bodies[-1]


@pytest.fixture
def camera(probe, make_image) -> Camera:
    return Camera(probe, make_image)


def test_every_image_is_answered_also_an_empty_one(start_nodes, probe, body_tracker, camera):
    probe.connect(start_nodes(BodyPoseEstimatorNode))
    for stamp_ns, value, count in ((1_000, 255, 1), (2_000, 0, 0), (3_000, 255, 1)):
        message = camera.show(stamp_ns, value)
        assert stamp_to_ns(message.header.stamp) == stamp_ns
        assert message.header.frame_id == 'camera'
        assert (message.image_width, message.image_height) == (64, 48)
        assert len(bodies_from_message(message)) == count


def test_parameters_reach_the_tracker(start_nodes, probe, body_tracker):
    start_nodes(
        BodyPoseEstimatorNode, model='heavy', max_bodies=2, person_height_m=1.5,
        search_interval_s=2.0,
    )
    probe.wait(lambda: body_tracker.options, 'a tracker')
    options = body_tracker.options
    assert (options.model, options.max_bodies) == ('heavy', 2)
    assert (options.person_height_m, options.search_interval_ns) == (1.5, 2 * SECOND_NS)


def test_camera_is_that_of_camera_info(start_nodes, probe, body_tracker, camera):
    infos = probe.publisher(CameraInfo, 'camera_info')
    node = start_nodes(BodyPoseEstimatorNode)
    probe.connect(node)
    infos.publish(CameraInfo(width=64, height=48, k=K))
    probe.wait(lambda: node._camera._message, 'camera_info taken')
    camera.show(1)
    used = body_tracker.given[-1][1]
    assert not used.is_assumed
    assert used.matrix[0, 0] == 50.0
    probe.wait_for_value(NAME, 'camera', 'calibrated')


def test_camera_of_zeros_is_assumed_and_told(start_nodes, probe, body_tracker, camera, capfd):
    infos = probe.publisher(CameraInfo, 'head/camera_info')
    node = start_nodes(
        BodyPoseEstimatorNode, ('--ros-args', '-r', 'camera_info:=head/camera_info'),
        field_of_view_deg=90.0,
    )
    probe.connect(node)
    infos.publish(CameraInfo(width=64, height=48))
    probe.wait(lambda: node._camera._message, 'camera_info taken')
    camera.show(1)
    used = body_tracker.given[-1][1]
    assert used.is_assumed
    assert used.matrix[0, 0] == pytest.approx(32.0)
    logged = capfd.readouterr().err
    assert "no usable calibration (K) on '/head/camera_info'" in logged
    assert '90.0 degrees' in logged
    node.set_parameters([Parameter('field_of_view_deg', value=60.0)])
    camera.show(2)
    assert body_tracker.given[-1][1].matrix[0, 0] > 50
    probe.wait_for_value(NAME, 'camera', 'assumed field of view')


def test_absent_camera_info_is_told(
    start_nodes, probe, body_tracker, camera, capfd, monkeypatch
):
    monkeypatch.setattr('ros2_hand_action.nodes.camera_input._GRACE_S', 0.0)
    probe.connect(start_nodes(BodyPoseEstimatorNode))
    camera.show(1)
    assert body_tracker.given[-1][1].is_assumed
    assert "nothing on '/camera_info'" in capfd.readouterr().err


def test_unusable_camera_info_is_told_and_not_used(
    start_nodes, probe, body_tracker, camera, capfd
):
    infos = probe.publisher(CameraInfo, 'camera_info')
    node = start_nodes(BodyPoseEstimatorNode)
    probe.connect(node)
    infos.publish(CameraInfo(width=64, height=48, k=K, distortion_model='omni'))
    probe.wait(lambda: node._camera._message, 'camera_info taken')
    assert camera.show(1).bodies
    assert body_tracker.given[-1][1].is_assumed
    assert "distortion model 'omni'" in capfd.readouterr().err


def test_nearest_depth_image_within_the_tolerance_is_used(
    start_nodes, probe, body_tracker, camera, capfd
):
    depths = probe.publisher(Image, 'depth_image')
    node = start_nodes(BodyPoseEstimatorNode, depth_tolerance_s=0.1)
    probe.connect(node)
    for index, stamp_ns in enumerate((SECOND_NS, 2 * SECOND_NS), 1):
        depths.publish(depth_message(stamp_ns, value=1000 * index))
    probe.wait(lambda: len(node._depth._messages) == 2, 'both depth images')
    camera.show(SECOND_NS + 50_000_000)
    assert body_tracker.given[-1][2].pixels[0, 0] == 1000
    camera.show(2 * SECOND_NS - 90_000_000)
    assert body_tracker.given[-1][2].pixels[0, 0] == 2000
    camera.show(2 * SECOND_NS + 200_000_000)
    assert body_tracker.given[-1][2] is None
    assert 'within depth_tolerance_s' in capfd.readouterr().err
    probe.wait_for_value(NAME, 'depth images used', '2')


def test_bad_depth_image_costs_itself_only(start_nodes, probe, body_tracker, camera, capfd):
    depths = probe.publisher(Image, 'depth_image')
    node = start_nodes(BodyPoseEstimatorNode)
    probe.connect(node)
    bad = depth_message(1, frame_id='depth_camera')
    bad.encoding = 'rgb8'
    depths.publish(bad)
    probe.wait(lambda: node._depth._messages, 'the depth image')
    assert camera.show(1).bodies
    assert body_tracker.given[-1][2] is None
    logged = capfd.readouterr().err
    assert "depth encoding 'rgb8'" in logged
    assert "in frame 'depth_camera'" in logged


def test_frames_begin_and_stop_with_the_person(start_nodes, probe, body_tracker, camera):
    frames = probe.listen(TFMessage, '/tf')
    probe.connect(start_nodes(BodyPoseEstimatorNode))
    camera.show(1_000)
    probe.wait(lambda: frames, 'frames')
    names = {frame.child_frame_id for frame in frames[0].transforms}
    assert {'body_p1', 'left_wrist_p1', 'neck_p1'} <= names
    assert 'right_wrist_p1' not in names  # not known
    assert {frame.header.frame_id for frame in frames[0].transforms} == {'camera'}
    camera.show(2_000, value=0)
    camera.show(3_000)
    probe.wait(lambda: len(frames) == 2, 'frames of the third image')
    stamps = [stamp_to_ns(message.transforms[0].header.stamp) for message in frames]
    assert stamps == [1_000, 3_000]


def test_frames_can_be_left_out(start_nodes, probe, body_tracker, camera):
    node = start_nodes(BodyPoseEstimatorNode, publish_tf=False)
    probe.connect(node)
    assert camera.show(1).bodies
    assert '/tf' not in {publisher.topic_name for publisher in node.publishers}


def test_markers_are_deleted_when_the_person_is_lost_and_at_the_end(
    start_nodes, probe, body_tracker, camera
):
    markers = probe.listen(MarkerArray, 'body_markers')
    node = start_nodes(BodyPoseEstimatorNode)
    probe.connect(node)
    camera.show(1)
    camera.show(2, value=0)
    probe.wait(lambda: len(markers) == 2, 'markers')
    assert {marker.action for marker in markers[0].markers} == {Marker.ADD}
    assert {marker.action for marker in markers[1].markers} == {Marker.DELETE}
    node.trigger_deactivate()
    probe.wait(lambda: len(markers) == 3, 'the end')
    assert [marker.action for marker in markers[2].markers] == [Marker.DELETEALL]


def test_pointing_at_the_floor_below_the_camera(start_nodes, probe, body_tracker, camera):
    rays = probe.listen(PointingArray, 'pointing')
    node = start_nodes(BodyPoseEstimatorNode, pointing_method='forearm')
    probe.connect(node)
    camera.show(1)
    node.set_parameters([
        Parameter('camera_height_m', value=1.2), Parameter('camera_pitch_deg', value=30.0)
    ])
    camera.show(2)
    camera.show(3, value=0)
    probe.wait(lambda: len(rays) == 3, 'an answer to each image')
    assert [len(message.pointings) for message in rays] == [1, 1, 0]
    assert np.isnan(rays[0].pointings[0].target.x)
    target = rays[1].pointings[0].target
    down = target.y * np.cos(np.pi / 6) + target.z * np.sin(np.pi / 6)
    assert down == pytest.approx(1.2) or np.isnan(down)


def test_pointing_at_any_plane(start_nodes, probe, body_tracker, camera):
    rays = probe.listen(PointingArray, 'pointing')
    node = start_nodes(
        BodyPoseEstimatorNode, pointing_method='forearm', camera_height_m=1.2,
        pointing_plane='0 0 2 1.5',
    )
    probe.connect(node)
    camera.show(1)
    (refused,) = node.set_parameters([Parameter('pointing_plane', value='0 0 0 1.5')])
    assert not refused.successful
    assert "'0 0 0 1.5' is no plane" in refused.reason
    camera.show(2)
    node.set_parameters([Parameter('pointing_plane', value='0 0 1 1.0')])
    camera.show(3)
    probe.wait(lambda: len(rays) == 3, 'an answer to each image')
    depths = [message.pointings[0].target.z for message in rays]
    assert depths == pytest.approx([1.5, 1.5, 1.0])


def test_plane_that_is_none_keeps_the_node_unconfigured(
    start_nodes, probe, body_tracker, capfd
):
    node = start_nodes(BodyPoseEstimatorNode, pointing_plane='floor')
    probe.wait(lambda: node.failure, 'the failure')
    assert "'floor' is no plane" in node.failure


def test_starts_anew_when_stamps_go_back(start_nodes, probe, body_tracker, camera):
    depths = probe.publisher(Image, 'depth_image')
    node = start_nodes(BodyPoseEstimatorNode)
    probe.connect(node)
    depths.publish(depth_message(2 * SECOND_NS))
    probe.wait(lambda: node._depth._messages, 'the depth image')
    camera.show(2 * SECOND_NS)
    camera.show(SECOND_NS)
    assert body_tracker.resets == 1
    assert not node._depth._messages

import numpy as np
import pytest
from people import make_body
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import Header

from ros2_hand_action.errors import ConfigError, HandActionError, ImageError
from ros2_hand_action.msg import BodyPose, BodyPoseArray
from ros2_hand_action.nodes.body_conversions import (
    bodies_from_message,
    bodies_to_message,
    camera_from_message,
    depth_from_message,
    pointings_to_message,
)
from ros2_hand_action.nodes.conversions import stamp_from_ns
from ros2_hand_action.perception.pointing import Plane, PointingMethod, find_pointing
from ros2_hand_action.perception.skeleton import INDEX, KEYPOINTS

HEADER = Header(stamp=stamp_from_ns(3_000_000_500), frame_id='camera')
K = [500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def test_bodies_survive():
    body = make_body()
    message = bodies_to_message((body,), HEADER, width_px=640, height_px=480)
    received = over_the_wire(message)
    assert received.header == HEADER
    assert (received.image_width, received.image_height) == (640, 480)
    (found,) = bodies_from_message(received)
    assert (found.track_id, found.score) == ('p1', 0.875)
    for name in ('box_px', 'keypoints_px', 'confidence', 'keypoints_m'):
        given, got = getattr(body, name), getattr(found, name)
        assert got.dtype == np.float32
        assert np.array_equal(given, got, equal_nan=True), name


def test_no_body_is_a_message_too():
    message = bodies_to_message((), HEADER, width_px=640, height_px=480)
    assert bodies_from_message(over_the_wire(message)) == ()


def test_what_is_unknown_is_nan_with_confidence_zero():
    body = bodies_to_message((make_body(),), HEADER, width_px=64, height_px=48).bodies[0]
    unknown = INDEX['right_wrist']
    assert body.confidence[unknown] == 0
    for point in (body.keypoints[unknown], body.keypoints_px[unknown]):
        assert np.isnan([point.x, point.y, point.z]).all()
    known = body.keypoints_px[INDEX['nose']]
    assert np.isfinite([known.x, known.y]).all() and np.isnan(known.z)


@pytest.mark.parametrize('value', [np.inf, -np.inf, 1e30, -1e300])
def test_what_no_body_can_have_is_unknown(value):
    message = bodies_to_message((make_body(),), HEADER, width_px=64, height_px=48)
    message.bodies[0].keypoints_px[INDEX['nose']].x = value
    message.bodies[0].keypoints[INDEX['left_hip']].z = value
    (body,) = bodies_from_message(message)
    expected = make_body().keypoints_px.copy()
    expected[INDEX['nose']][0] = np.nan
    assert np.array_equal(body.keypoints_px, expected, equal_nan=True)
    assert np.isnan(body.keypoints_m[INDEX['left_hip']][2])


def test_indices_of_the_message_are_those_of_the_skeleton():
    assert len(KEYPOINTS) == BodyPose.KEYPOINTS
    assert {name: getattr(BodyPose, name.upper()) for name in KEYPOINTS} == INDEX


def test_body_without_id_is_refused():
    with pytest.raises(HandActionError, match='no id'):
        bodies_from_message(BodyPoseArray(bodies=[BodyPose()]))


def test_pointing_in_a_message():
    rays = find_pointing(
        make_body(), method=PointingMethod.FOREARM, plane=Plane((0.0, 1.0, 0.0), 1.2)
    )
    message = over_the_wire(pointings_to_message(list(rays), HEADER))
    (ray,) = message.pointings
    assert (ray.body_id, ray.arm) == ('p1', ray.LEFT)
    assert [ray.origin.x, ray.origin.y, ray.origin.z] == pytest.approx([0.4, -0.4, 2.8])
    direction = np.array([ray.direction.x, ray.direction.y, ray.direction.z])
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction == pytest.approx(np.array([0.2, 0.1, -0.2]) / 0.3)
    assert ray.target.y == pytest.approx(1.2)


def test_camera_by_all_fields_of_the_message():
    info = CameraInfo(
        width=1280, height=960, k=K, d=[], distortion_model='plumb_bob', binning_x=2, binning_y=2,
        roi=RegionOfInterest(x_offset=0, y_offset=0, width=1280, height=960),
    )
    camera = camera_from_message(info, (640, 480), fallback_fov_deg=60.0)
    assert not camera.is_assumed
    assert camera.matrix[0, 0] == pytest.approx(250)


def test_camera_without_calibration_is_assumed():
    camera = camera_from_message(CameraInfo(), (640, 480), fallback_fov_deg=90.0)
    assert camera.is_assumed
    assert camera.matrix[0, 0] == pytest.approx(320)


def test_camera_of_an_unknown_lens_is_refused():
    with pytest.raises(ConfigError, match='omni'):
        camera_from_message(
            CameraInfo(k=K, distortion_model='omni'), (640, 480), fallback_fov_deg=60.0
        )


def test_depth_image_of_a_message():
    message = Image(width=3, height=2, encoding='16UC1', step=8)
    message.data = np.arange(8, dtype='<u2').tobytes()
    depth = depth_from_message(message, 7)
    assert depth.stamp_ns == 7
    assert depth.pixels.tolist() == [[0, 1, 2], [4, 5, 6]]
    message.step = 4
    with pytest.raises(ImageError, match='do not fit'):
        depth_from_message(message, 7)

"""The real networks on real pictures of people."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.body_options import BodyPoseOptions
from ros2_hand_action.perception.body_pose import BodyPoseTracker, create_body_pose_tracker
from ros2_hand_action.perception.camera import make_camera
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.skeleton import INDEX

STEP_NS = 33_333_333
BAGS = {
    'tue_person_124225/2019-05-03-12-42-25.db3': 1.89,
    'tue_person_124234/2019-05-03-12-42-34.db3': 1.92,
}


def _tracker(**options) -> BodyPoseTracker:
    try:
        return create_body_pose_tracker(BodyPoseOptions(**options))
    except ModelError as error:
        pytest.skip(str(error))


def test_walking_man_is_one_person_on_both_feet() -> None:
    try:
        path = media_path('walking_man')
    except ModelError as error:
        pytest.skip(str(error))
    capture = cv2.VideoCapture(str(path))
    with _tracker() as tracker:
        for index in range(30):
            _, pixels = capture.read()
            frame = Frame(pixels, PixelOrder.BGR, (index + 1) * STEP_NS)
            bodies = tracker.process(frame).bodies
            assert [body.track_id for body in bodies] == ['p1']
    points = bodies[0].keypoints_m
    assert points[INDEX['nose'], 1] < points[INDEX['pelvis'], 1]
    assert points[INDEX['pelvis'], 1] < points[INDEX['left_heel'], 1]
    shin = points[INDEX['left_knee']] - points[INDEX['left_ankle']]
    assert 0.3 < np.linalg.norm(shin) < 0.5
    assert 1.5 < points[INDEX['pelvis'], 2] < 6


@pytest.mark.parametrize('name', BAGS)
def test_person_on_a_robots_bag_is_where_the_depth_camera_sees_him(
    shared_data: Path, name: str
) -> None:
    reader = pytest.importorskip('rosbags.rosbag2')
    typesys = pytest.importorskip('rosbags.typesys')
    types = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
    found = {}
    with reader.Reader(shared_data / 'bags' / Path(name).parent) as bag:
        for connection, _, raw in bag.messages():
            message = types.deserialize_cdr(raw, connection.msgtype)
            found[connection.topic.rsplit('/', 1)[-1]] = message
    image, info = found['image_raw'], found['camera_info']
    pixels = image.data.reshape(image.height, image.width, 3)
    depth = DepthImage(np.ascontiguousarray(
        found['image'].data.view(np.float32).reshape(image.height, image.width)
    ))
    camera = make_camera(
        image_size=(image.width, image.height), k=info.k, d=info.d,
        distortion_model=info.distortion_model, calibrated_size=(info.width, info.height),
    )
    distances = []
    for given in (None, depth):
        with _tracker() as tracker:
            for index in range(3):
                frame = Frame(pixels, PixelOrder.RGB, (index + 1) * STEP_NS)
                bodies = tracker.process(frame, camera, given).bodies
        assert len(bodies) == 1
        distances.append(float(np.linalg.norm(bodies[0].keypoints_m[INDEX['pelvis']])))
    assert distances[0] == pytest.approx(distances[1], rel=0.15)
    assert distances[1] == pytest.approx(BAGS[name], rel=0.1)

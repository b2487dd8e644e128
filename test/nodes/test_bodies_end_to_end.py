"""Two robots' recordings through the real networks, the node and the middleware."""

import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import model_path
from ros2_hand_action.msg import BodyPoseArray
from ros2_hand_action.nodes.body_conversions import bodies_from_message
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.conversions import stamp_from_ns, stamp_to_ns
from ros2_hand_action.perception.skeleton import INDEX

BAGS = {
    'tue_person_124225/2019-05-03-12-42-25.db3': 1.89,
    'tue_person_124234/2019-05-03-12-42-34.db3': 1.92,
}
"""Recording -> distance of the person's pelvis in metres, as the depth camera has it."""
TYPES = {'camera_info': CameraInfo, 'image_raw': Image, 'image': Image}
STEP_NS = 33_000_000


@pytest.fixture(params=BAGS)
def recording(request, shared_data: Path) -> tuple[dict[str, object], float]:
    """Return the messages of a recording by the last part of their topic, and the distance."""
    for name in ('pose_detection', 'pose_landmark_full'):
        try:
            model_path(name)
        except ModelError as error:
            pytest.skip(str(error))
    path = shared_data / 'bags' / request.param
    with contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro&immutable=1', uri=True)) as bag:
        rows = bag.execute(
            'SELECT name, data FROM messages JOIN topics ON topics.id = topic_id'
        ).fetchall()
    raw = {name.rsplit('/', 1)[-1]: data for name, data in rows}
    messages = {name: deserialize_message(raw[name], kind) for name, kind in TYPES.items()}
    return messages, BAGS[request.param]


@pytest.mark.parametrize('with_depth', [False, True])
def test_person_is_where_he_stands(start_nodes, probe, recording, with_depth):
    messages, distance_m = recording
    node = start_nodes(BodyPoseEstimatorNode, depth_tolerance_s=0.5)  # 0.25 s apart in one
    bodies, frames = probe.listen(BodyPoseArray, 'bodies'), probe.listen(TFMessage, '/tf')
    images, infos = probe.publisher(Image, 'image'), probe.publisher(CameraInfo, 'camera_info')
    depths = probe.publisher(Image, 'depth_image')
    probe.connect(node)
    infos.publish(messages['camera_info'])
    probe.wait(lambda: node._camera._message, 'camera_info taken')
    if with_depth:
        depths.publish(messages['image'])
        probe.wait(lambda: node._depth._messages, 'the depth image')
    image, begin_ns = messages['image_raw'], stamp_to_ns(messages['image_raw'].header.stamp)
    for index in range(3):
        image.header.stamp = stamp_from_ns(begin_ns + index * STEP_NS)
        images.publish(image)
        probe.wait(lambda index=index: len(bodies) > index, f'bodies of image {index}')
    (body,) = bodies_from_message(bodies[-1])
    pelvis = body.keypoints_m[INDEX['pelvis']]
    tolerance = 0.1 if with_depth else 0.15
    assert np.linalg.norm(pelvis) == pytest.approx(distance_m, rel=tolerance)
    probe.wait(lambda: len(frames) == 3, 'frames')
    placed = {frame.child_frame_id: frame for frame in frames[-1].transforms}
    at = placed[f'body_{body.track_id}'].transform.translation
    assert [at.x, at.y, at.z] == pytest.approx(pelvis.tolist())
    assert placed[f'body_{body.track_id}'].header == image.header
    assert node._depth.used == (3 if with_depth else 0)

"""Which topics of a bag are taken, and what the error lists where none can be."""

import pytest

from ros2_hand_action.replay.bag_file import BagTopic
from ros2_hand_action.replay.bag_topics import TopicError, choose_topics
from ros2_hand_action.replay.recording import Selection

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
INFO = 'sensor_msgs/msg/CameraInfo'

REALSENSE = (
    BagTopic('/camera/color/image_raw', IMAGE, 10),
    BagTopic('/camera/color/image_raw/compressed', COMPRESSED, 10),
    BagTopic('/camera/color/camera_info', INFO, 10),
    BagTopic('/camera/depth/image_rect_raw', IMAGE, 10),
    BagTopic('/camera/depth/camera_info', INFO, 10),
    BagTopic('/camera/aligned_depth_to_color/image_raw', IMAGE, 10),
    BagTopic('/camera/infra1/image_rect_raw', IMAGE, 10),
    BagTopic('/tf', 'tf2_msgs/msg/TFMessage', 99),
)


def choose(topics, **selection):
    found = choose_topics(topics, Selection(**selection), bag='a_bag')
    return tuple(each.name if each else None for each in found)


def test_the_colour_camera_with_its_calibration_and_registered_depth():
    assert choose(REALSENSE) == (
        '/camera/color/image_raw', '/camera/color/camera_info',
        '/camera/aligned_depth_to_color/image_raw',
    )


def test_compressed_where_no_raw_images_were_recorded():
    topics = (BagTopic('/cam/image/compressed', COMPRESSED, 5), BagTopic('/cam/image', IMAGE, 0))
    assert choose(topics) == ('/cam/image/compressed', None, None)


@pytest.mark.parametrize('name', ['/camera/infra1/image_rect_raw', 'camera/infra1/image_rect_raw'])
def test_by_name(name):
    assert choose(REALSENSE, image_topic=name)[0] == '/camera/infra1/image_rect_raw'


def test_by_type():
    assert choose(REALSENSE, image_topic=COMPRESSED)[:2] == (
        '/camera/color/image_raw/compressed', '/camera/color/camera_info',
    )


def test_named_calibration_and_depth():
    found = choose(
        REALSENSE, info_topic='/camera/depth/camera_info',
        depth_topic='/camera/depth/image_rect_raw',
    )
    assert found[1:] == ('/camera/depth/camera_info', '/camera/depth/image_rect_raw')


@pytest.mark.parametrize(('selection', 'reason'), [
    ({'image_topic': '/absent'}, "--image-topic '/absent' is not among its topics"),
    ({'image_topic': '/tf'}, "--image-topic '/tf' is of type 'tf2_msgs/msg/TFMessage'"),
    ({'image_topic': IMAGE}, 'fits 4 topics'),
    ({'info_topic': '/tf'}, '--info-topic'),
    ({'depth_topic': '/camera/color/image_raw/compressed'}, '--depth-topic'),
])
def test_an_error_says_why_and_lists_all_topics(selection, reason):
    with pytest.raises(TopicError) as caught:
        choose(REALSENSE, **selection)
    assert 'a_bag' in str(caught.value) and reason in str(caught.value)
    assert all(topic.name in str(caught.value) for topic in REALSENSE)
    assert '/tf  tf2_msgs/msg/TFMessage  99 messages' in str(caught.value)


def test_two_cameras_of_equal_right():
    topics = (BagTopic('/left/image', IMAGE, 5), BagTopic('/right/image', IMAGE, 5))
    with pytest.raises(TopicError, match='several topics with images: choose one'):
        choose(topics)


def test_no_images():
    with pytest.raises(TopicError, match='no images'):
        choose((BagTopic('/tf', 'tf2_msgs/msg/TFMessage', 3),))


def test_a_topic_without_messages():
    with pytest.raises(TopicError, match='has no message'):
        choose((BagTopic('/image', IMAGE, 0),), image_topic='/image')

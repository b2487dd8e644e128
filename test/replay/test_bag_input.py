"""Bags of every kind give their images, with stamp, camera and depth."""

import bags
import numpy as np
import pytest
from bags import BEGIN_NS, COMPRESSED, IMAGE, INFO, PERIOD_NS, image, levels, stream, write_bag

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.recording import Selection


def played(path, **selection):
    with open_input(path, Selection(**selection)) as source:
        return list(source), source


@pytest.mark.parametrize('storage', ['MCAP', 'SQLITE3'])
@pytest.mark.parametrize('compression', ['NONE', 'FILE', 'MESSAGE'])
def test_every_storage_and_compression(tmp_path, storage, compression):
    path = write_bag(tmp_path / 'bag', stream(5), storage=storage, compression=compression)
    with open_input(path) as source:
        assert source.image_count == 5
        assert levels(source) == [0, 1, 2, 3, 4]
        assert not source.damage
        assert source.rate_hz == pytest.approx(20)


def test_compressed_chunks(tmp_path):
    path = write_bag(tmp_path / 'bag', stream(5), compression='STORAGE')
    with open_input(path) as source:
        assert levels(source) == [0, 1, 2, 3, 4]


def test_ros1(tmp_path):
    messages = [
        ('/camera/image_raw', IMAGE, stamp, image(stamp, level, bags.ROS1_STORE))
        for level, stamp in enumerate(range(BEGIN_NS, BEGIN_NS + 3 * PERIOD_NS, PERIOD_NS))
    ]
    info = bags.camera_info(BEGIN_NS, store=bags.ROS1_STORE)
    messages.append(('/camera/camera_info', INFO, BEGIN_NS, info))
    images, _ = played(bags.write_ros1_bag(tmp_path / 'old.bag', messages))
    assert levels(images) == [0, 1, 2]
    assert images[2].stamp_ns == BEGIN_NS + 2 * PERIOD_NS
    assert images[0].camera.matrix[0, 0] == 60


@pytest.mark.parametrize('compression', ['NONE', 'FILE'])
def test_a_split_bag_in_the_order_of_its_metadata(tmp_path, compression):
    messages = stream(6)
    parts = [
        write_bag(tmp_path / f'part{n}', messages[2 * n:2 * n + 2], compression=compression)
        for n in range(3)
    ]
    with open_input(bags.join(tmp_path / 'bag', parts)) as source:
        assert levels(source) == [0, 1, 2, 3, 4, 5]
        assert source.image_count == 6


@pytest.mark.parametrize('storage', ['MCAP', 'SQLITE3'])
def test_a_single_file_of_a_bag(tmp_path, storage):
    path = write_bag(tmp_path / 'bag', stream(3), storage=storage)
    (file,) = (each for each in path.iterdir() if each.suffix != '.yaml')
    assert levels(played(file)[0]) == [0, 1, 2]


def test_compressed_images(tmp_path):
    messages = stream(3, topic='/c/image/compressed', make=bags.compressed, kind=COMPRESSED)
    assert levels(played(write_bag(tmp_path / 'bag', messages))[0]) == [0, 1, 2]


def test_a_part_by_the_time_of_recording(tmp_path):
    path = write_bag(tmp_path / 'bag', stream(20))
    images, source = played(path, start_s=0.2, duration_s=0.25)
    assert levels(images) == [4, 5, 6, 7, 8]
    assert source.image_count in (5, 6)  # an estimate, by the share of the time
    assert levels(played(path, start_s=100.0)[0]) == []


def test_an_image_without_a_stamp_has_the_time_of_recording(tmp_path):
    messages = [('/camera/image_raw', IMAGE, BEGIN_NS + 7, image(0, 1))]
    (only,), source = played(write_bag(tmp_path / 'bag', messages))
    assert only.stamp_ns == BEGIN_NS + 7
    assert 'carry no stamp' in source.problems.texts()[0]


def test_an_image_that_cannot_be_used_is_told_and_counted(tmp_path):
    messages = stream(4)
    topic, kind, log_ns, _ = messages[1]
    messages[1] = (topic, kind, log_ns, image(log_ns, 1, encoding='unheard_of'))
    topic, kind, log_ns, _ = messages[2]
    messages[2] = (topic, kind, log_ns, b'\0\1\0\0 no image')
    images, source = played(write_bag(tmp_path / 'bag', messages))
    assert levels(images) == [0, None, None, 3]
    assert [each.index for each in images] == [0, 1, 2, 3]
    unknown, damaged = source.problems.texts()
    assert "'unheard_of'" in unknown and '(1 images, the first is 1)' in unknown
    assert 'no sensor_msgs/msg/Image' in damaged


def test_the_calibration_of_later_also_counts_for_the_first_images(tmp_path):
    late_ns = BEGIN_NS + 2 * PERIOD_NS + 1
    messages = [*stream(4), ('/camera/camera_info', INFO, late_ns, bags.camera_info(late_ns))]
    images, _ = played(write_bag(tmp_path / 'bag', messages))
    assert [each.camera.matrix[0, 0] for each in images] == [60] * 4


def test_an_uncalibrated_camera_is_told(tmp_path):
    info = bags.camera_info(BEGIN_NS, k=(0,) * 9)
    messages = [('/camera/camera_info', INFO, BEGIN_NS, info), *stream(2)]
    images, source = played(write_bag(tmp_path / 'bag', messages))
    assert [each.camera for each in images] == [None, None]
    assert any('K is zero' in text for text in source.problems.texts())


def test_depth_of_the_nearest_stamp_also_where_it_was_recorded_later(tmp_path):
    # depth is recorded 120 ms after the image of the same stamp
    topic = '/camera/aligned_depth_to_color/image_raw'
    depths = [
        (topic, IMAGE, log_ns + 120_000_000, bags.depth(log_ns, index + 1))
        for index, (_, _, log_ns, _) in enumerate(stream(6))
    ]
    messages = sorted([*stream(6), *depths], key=lambda message: message[2])
    images, source = played(write_bag(tmp_path / 'bag', messages))
    assert source.selection.depth_topic == topic
    assert [each.depth.pixels[0, 0] for each in images] == [1, 2, 3, 4, 5, 6]
    assert all(each.depth.stamp_ns == each.stamp_ns for each in images)


def test_images_do_not_wait_for_depth_that_ceases(tmp_path):
    topic = '/camera/depth_registered/image'
    messages = [(topic, IMAGE, BEGIN_NS, bags.depth(BEGIN_NS, 1)), *stream(40)]
    images, _ = played(write_bag(tmp_path / 'bag', messages))
    assert levels(images) == list(range(40))
    assert {each.depth.stamp_ns for each in images} == {BEGIN_NS}


def test_stamps_that_go_back_and_repeat_are_passed_on(tmp_path):
    stamps = [0, 50, 50, 20, 100]  # milliseconds
    messages = [
        ('/camera/image_raw', IMAGE, BEGIN_NS + index, image(BEGIN_NS + ms * 10**6, index))
        for index, ms in enumerate(stamps)
    ]
    images, _ = played(write_bag(tmp_path / 'bag', messages))
    assert [(each.stamp_ns - BEGIN_NS) // 10**6 for each in images] == stamps


@pytest.mark.parametrize('messages', [[], [('/camera/image_raw', IMAGE, 0, None)]])
def test_a_bag_without_messages(tmp_path, messages):
    path = write_bag(tmp_path / 'bag', messages)
    with pytest.raises(MediaError, match=r"bag' holds no messages"):
        open_input(path)


def test_no_source(tmp_path):
    with pytest.raises(MediaError, match=r"'.*' is no bag, .* and holds no picture"):
        open_input(tmp_path)
    with pytest.raises(MediaError, match=r"no such bag, video.*'.*absent'"):
        open_input(tmp_path / 'absent')


def test_pixels_are_not_copied(tmp_path):
    (only,), _ = played(write_bag(tmp_path / 'bag', stream(1)))
    assert not only.frame.pixels.flags.owndata
    assert np.shape(only.frame.pixels) == (bags.HEIGHT_PX, bags.WIDTH_PX)


def test_the_real_bags(shared_data):
    for path in sorted((shared_data / 'bags').glob('tue_person_*')):
        (only,), source = played(path)
        assert only.frame.pixels.shape == (480, 640, 3)
        assert only.camera is not None and only.depth is not None
        assert source.selection.image_topic == '/hero/head_rgbd_sensor/rgb/image_raw'

from pathlib import Path

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.frame import PixelOrder
from ros2_hand_action.replay.sources import open_source

MS = 1_000_000


def picture(value: int, size=(24, 32)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f'frame{number}.png'), picture(number))
    (tmp_path / 'notes.txt').write_text('not a picture')
    return tmp_path


def write_video(path: Path, count: int = 20, rate_hz: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), rate_hz, (64, 48))
    assert writer.isOpened()
    for index in range(count):
        writer.write(picture(index * 10 % 250, (48, 64)))
    writer.release()
    return path


def test_folder_in_natural_order(folder):
    with open_source(folder) as source:
        frames = list(source)
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [1, 2, 10]
    assert [frame.stamp_ns for frame in frames] == [0, 100 * MS, 200 * MS]
    assert {frame.order for frame in frames} == {PixelOrder.BGR}
    assert not source.is_live


def test_rate_can_be_chosen(folder):
    with open_source(folder, rate_hz=50.0) as source:
        assert source.rate_hz == 50.0
        assert [frame.stamp_ns for frame in source] == [0, 20 * MS, 40 * MS]


def test_one_picture(folder):
    with open_source(folder / 'frame2.png') as source:
        (frame,) = source
    assert (frame.width_px, frame.height_px) == (32, 24)


def test_frames_are_scaled(folder):
    with open_source(folder, width_px=16) as source:
        assert {(frame.width_px, frame.height_px) for frame in source} == {(16, 12)}


def test_video_with_its_own_times(tmp_path):
    with open_source(write_video(tmp_path / 'clip.avi')) as source:
        assert source.rate_hz == 25.0
        frames = list(source)
    stamps_ns = [frame.stamp_ns for frame in frames]
    assert stamps_ns == [index * 40 * MS for index in range(20)]
    assert [round(frame.pixels.mean(), -1) for frame in frames[:4]] == [0, 10, 20, 30]


def test_video_at_another_rate(tmp_path):
    with open_source(write_video(tmp_path / 'clip.avi'), rate_hz=50.0) as source:
        stamps_ns = [frame.stamp_ns for frame in source]
    assert stamps_ns == [index * 20 * MS for index in range(20)]


@pytest.mark.parametrize(
    ('name', 'cause'),
    [
        ('', "source is ''"),
        ('missing.mp4', "no such video, picture or folder: '.*missing.mp4'"),
        ('empty', 'holds no picture'),
        ('text.mp4', 'cannot be opened as a video: it is damaged'),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path, name, cause):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.mp4').write_text('no video')
    with pytest.raises(MediaError, match=cause):
        open_source(str(tmp_path / name) if name else '')


@pytest.mark.parametrize('name', ['99', '/dev/video99'])
def test_missing_camera_says_what_to_check(name):
    with pytest.raises(MediaError, match=f"camera '{name}' cannot be opened"):
        open_source(name)


def test_video_that_is_cut_off_says_so(tmp_path):
    path = write_video(tmp_path / 'clip.avi', count=50)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames = []
    with open_source(path) as source, pytest.raises(MediaError, match='promises 50 frames'):
        frames.extend(source)


def test_damaged_picture_names_the_file(folder):
    (folder / 'frame3.png').write_bytes(b'\x89PNG damaged')
    with open_source(folder) as source, pytest.raises(MediaError, match='frame3.png'):
        list(source)

"""Videos are written whole, and read back."""

import numpy as np
import pytest

from ros2_hand_action.errors import ImageError, MediaError
from ros2_hand_action.replay.video import VideoWriter, read_frames


def grey(level):
    return np.full((48, 64, 3), level, np.uint8)


def test_what_is_written_can_be_read(tmp_path, read_video, capfd):
    path = tmp_path / 'video.mp4'
    with VideoWriter(path, width_px=64, height_px=48, fps=10.0) as writer:
        for level in range(0, 200, 20):
            writer.write(grey(level))
    images = read_video(path)
    assert len(images) == 10
    assert [float(image.mean()) for image in images] == pytest.approx(range(0, 200, 20), abs=6)
    assert [image.shape for image in read_frames(path)] == [(48, 64, 3)] * 10
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert capfd.readouterr().err == ''


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / 'video.mp4'
    path.write_bytes(b'old')
    with pytest.raises(RuntimeError), VideoWriter(  # noqa: PT012
        path, width_px=64, height_px=48, fps=10.0
    ) as writer:
        writer.write(grey(0))
        raise RuntimeError
    assert path.read_bytes() == b'old'
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_an_image_of_another_size_is_refused(tmp_path):
    with VideoWriter(tmp_path / 'a.mp4', width_px=64, height_px=48, fps=10.0) as writer:
        writer.write(grey(0))
        with pytest.raises(ImageError, match='48, 64, 3'):
            writer.write(np.zeros((64, 48, 3), np.uint8))


@pytest.mark.parametrize(('name', 'width_px'), [('a.avi', 64), ('a.mp4', 63), ('no/a.mp4', 64)])
def test_impossible_videos_are_refused(tmp_path, name, width_px):
    with pytest.raises(MediaError, match=r'a\.'):
        VideoWriter(tmp_path / name, width_px=width_px, height_px=48, fps=10.0)


def test_a_file_that_is_no_video_is_refused(tmp_path):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'no video')
    with pytest.raises(MediaError, match='broken'):
        list(read_frames(path))

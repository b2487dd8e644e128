"""The demo's clips are cut, scaled, and panned over a photo."""

import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.clips import (
    CLIPS,
    HEIGHT_PX,
    WIDTH_PX,
    DemoClip,
    fit_into,
    pan_over,
    prepare_clip,
)


@pytest.fixture
def photo(tmp_path):
    """White paper with a red square from x = 200 to 220."""
    image = np.full((132, 475, 3), 255, np.uint8)
    image[50:70, 200:220] = (0, 0, 255)
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), image)
    return path


def reddest_x(image):
    return float(np.argwhere(image[..., 0] < 100)[:, 1].mean())


def test_a_part_of_a_video_is_cut_and_scaled(clip, tmp_path, read_video):
    target, calls = tmp_path / 'cut.mp4', []
    wanted = DemoClip('a', begin_s=0.5, seconds=1.0)
    count, fps = prepare_clip(wanted, clip.video, target, on_frame=lambda: calls.append(1))
    images = read_video(target)
    assert (count, fps, len(images), len(calls)) == (10, 10.0, 10, 10)
    assert images[0].shape == (HEIGHT_PX, WIDTH_PX, 3)
    centre = images[0][HEIGHT_PX // 2, WIDTH_PX // 2].mean()
    levels = [abs(image.mean() - centre) for image in read_video(clip.video)]
    assert int(np.argmin(levels)) == 5


def test_a_shorter_duration_wins(clip, tmp_path):
    wanted = DemoClip('a', begin_s=0.0, seconds=1.0)
    assert prepare_clip(wanted, clip.video, tmp_path / 'a.mp4', seconds=0.3)[0] == 3


def test_a_clip_that_begins_after_the_end_is_refused(clip, tmp_path):
    with pytest.raises(MediaError, match='ends before'):
        prepare_clip(DemoClip('a', 60.0, 1.0), clip.video, tmp_path / 'a.mp4')
    assert not (tmp_path / 'a.mp4').exists()


def test_a_pan_lets_things_enter_cross_and_leave(photo):
    images = list(pan_over(photo, ((0.0, -100.0, 240.0), (2.0, 500.0, 240.0)), 10.0))
    assert len(images) == 20
    assert np.all(images[0] > 250)
    assert np.all(images[-1] > 250)
    seen = [reddest_x(image) for image in images if np.any(image[..., 0] < 100)]
    assert len(seen) > 3
    assert seen == sorted(seen, reverse=True)


def test_a_pan_holds_where_two_keyframes_agree(photo):
    images = list(pan_over(photo, ((0.0, 210.0, 240.0), (1.0, 210.0, 240.0)), 5.0))
    assert all(np.array_equal(image, images[0]) for image in images)
    assert reddest_x(images[0]) == pytest.approx(WIDTH_PX / 2, abs=3)


def test_media_that_cannot_be_read_are_refused(tmp_path):
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'')
    for clip in (CLIPS[0], DemoClip('a', 0.0, 1.0)):
        with pytest.raises(MediaError, match='broken'):
            prepare_clip(clip, broken, tmp_path / 'a.mp4')


@pytest.mark.parametrize('size', [(1920, 1080), (475, 132), (100, 900), (960, 540)])
def test_fitting_keeps_the_shape_of_things(size):
    image = np.full((size[1], size[0], 3), 255, np.uint8)
    fitted = fit_into(image, 960, 540)
    assert fitted.shape == (540, 960, 3)
    lit = np.argwhere(fitted[..., 0] > 0)
    height, width = lit.max(axis=0) - lit.min(axis=0) + 1
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)
    assert width == 960 or height == 540

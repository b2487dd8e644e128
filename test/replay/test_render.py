"""The annotated video holds every image, and the report gets its pictures."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ros2_hand_action.perception.drawing import EVENT_COLOUR
from ros2_hand_action.replay.annotate import annotate
from ros2_hand_action.replay.render import VIDEO_FPS, crop_around, render


def has_event_colour(image):
    return bool(np.any(np.all(image == EVENT_COLOUR, axis=2)))


def test_events_stand_out_while_they_last(clip):
    shown = [has_event_colour(image) for _, image in annotate(clip)]
    # answers of images left out are those of the image before, for a quarter of a second
    assert shown == [5 <= index < 16 for index in range(20)]


def test_images_that_were_never_published_are_left_out(clip):
    few = replace(clip, frames=clip.frames[3:6])
    assert [frame.index for frame, _ in annotate(few)] == [3, 4, 5]


def test_the_video_has_the_clips_duration(recording, silent_clip, tmp_path, read_video):
    calls = []
    both = replace(recording, clips=(recording.clips[0], silent_clip))
    pictures, preview = render(both, tmp_path, on_frame=lambda: calls.append(1))
    images = read_video(tmp_path / 'annotated.mp4')
    assert abs(len(images) / VIDEO_FPS - 4.0) < 0.3
    assert len(calls) == 40
    assert preview[:4] == b'\x1aE\xdf\xa3'  # the first bytes of Matroska and WebM
    assert [picture.title for picture in pictures] == ['stop begins', 'no hand found']
    assert pictures[0].detail == 'left hand h1, a clip at 0.5 s'
    decoded = cv2.imdecode(np.frombuffer(pictures[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (120, 160, 3)
    assert {entry.suffix for entry in tmp_path.iterdir()} == {'.mp4'}


def test_without_events_the_image_with_most_hands_is_shown(recording, tmp_path):
    clip = replace(recording.clips[0], events=())
    pictures, _ = render(replace(recording, clips=(clip,)), tmp_path)
    assert [picture.title for picture in pictures] == ['1 hand in view']


@pytest.mark.parametrize(('box', 'share'), [
    ([480, 270, 500, 290], 0.5),  # the smallest crop
    ([0, 0, 20, 20], 0.5),
    ([940, 520, 960, 540], 0.5),
    ([480, 270, 540, 330], 6 * 60 / 540),
    ([100, 100, 400, 400], 1.0),
])
def test_a_crop_shows_the_hand_and_keeps_the_shape(box, share):
    y, x = np.mgrid[:540, :960]
    cropped = crop_around(np.stack([x, y], axis=2), np.array(box, np.float32))
    assert cropped.shape[1::-1] == pytest.approx((960 * share, 540 * share), abs=1)
    assert np.all(cropped[0, 0] <= box[:2])
    assert cropped[-1, -1, 0] >= box[2] - 1
    assert cropped[-1, -1, 1] >= box[3] - 1

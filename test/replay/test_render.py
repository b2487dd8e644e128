"""The annotated video lasts as long as the clips, and the report gets its pictures."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ros2_hand_action.perception.drawing_text import EVENT_COLOUR, TextLayer
from ros2_hand_action.replay.annotate import annotate
from ros2_hand_action.replay.moments import choose_moments, crop_around, still_step_s
from ros2_hand_action.replay.render import VIDEO_FPS, render


def has_event_colour(image):
    return bool(np.any(np.all(image == EVENT_COLOUR, axis=2)))


def has_orange(image):
    """Whether the left side of a body is drawn; the clips are grey."""
    return bool((image[..., 2].astype(int) - image[..., 0] > 60).any())


def test_events_stand_out_while_they_last(clip):
    shown = [has_event_colour(image) for _, image in annotate(clip)]
    # answers of images left out are those of the image before, for a quarter of a second
    assert shown == [5 <= index < 16 for index in range(20)]


def test_answers_that_are_older_than_their_image_say_so(clip, people_clip, monkeypatch):
    captions: list[str] = []
    monkeypatch.setattr(
        TextLayer, 'add_caption', lambda _, text, right=False: right or captions.append(text)
    )
    for each, what in ((clip, 'hands'), (people_clip, 'bodies')):
        frames = [frame for frame, _ in annotate(each)]
        is_own = [(f.bodies if what == 'bodies' else f.hands) is not None for f in frames]
        assert len(captions) == len(frames)
        told = [f'{what} 0.' in caption and 's old' in caption for caption in captions]
        assert any(told) and not any(own and said for own, said in zip(is_own, told))
        captions.clear()


def test_images_that_were_never_published_are_left_out(clip):
    few = replace(clip, frames=clip.frames[3:6])
    assert [frame.index for frame, _ in annotate(few)] == [3, 4, 5]


def test_only_what_is_wanted_is_drawn(clip):
    assert [image is not None for _, image in annotate(clip, {4, 7})] == [
        index in (4, 7) for index in range(20)
    ]


def test_bodies_and_actions_are_drawn(people_clip):
    drawn = {frame.index: image for frame, image in annotate(people_clip)}
    # over the images left out, too
    assert [has_orange(drawn[index]) for index in range(20)] == [i >= 3 for i in range(20)]
    assert not has_event_colour(drawn[8])
    assert has_event_colour(drawn[9])


def test_the_video_has_the_clips_duration(recording, silent_clip, tmp_path, read_video):
    calls = []
    both = replace(recording, clips=(recording.clips[0], silent_clip))
    pictures = render(both, tmp_path, on_frame=lambda: calls.append(1))
    images = read_video(tmp_path / 'annotated.mp4')
    assert abs(len(images) / VIDEO_FPS - 4.0) < 0.3
    assert len(calls) == 40
    assert [moment.title for moment in pictures.moments] == ['stop begins', 'nobody found']
    first = pictures.moments[0]
    assert first.detail == 'left hand h1, a clip at 0.5 s'
    assert (first.clip, first.time_s) == (0, 0.5)
    decoded = cv2.imdecode(np.frombuffer(first.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (120, 160, 3)
    assert {entry.suffix for entry in tmp_path.iterdir()} == {'.mp4'}


def test_there_is_a_still_at_every_event_and_between(recording, tmp_path):
    pictures = render(recording)
    times_s = [still.time_s for still in pictures.stills[0]]
    assert times_s == sorted(times_s)
    assert {0.0, 0.5, 1.0, 1.6} <= set(times_s)
    assert max(np.diff(times_s)) < 0.35
    assert len(times_s) < 12


def test_stills_of_a_long_recording_lie_farther_apart(recording):
    long = replace(recording.clips[0], fps=1 / 1800, frames=recording.clips[0].frames[:1])
    assert long.duration_s == 1800
    assert still_step_s(replace(recording, clips=(long, long))) == 30.0


def test_without_events_the_image_with_most_hands_is_shown(recording, people_clip):
    clips = (recording.clips[0], people_clip)
    clips = tuple(replace(clip, events=(), action_events=()) for clip in clips)
    pictures = render(replace(recording, clips=clips))
    titles = [moment.title for moment in pictures.moments]
    assert titles == ['1 hand in view', '1 person in view']


def test_a_moment_is_not_one_with_a_ghost(people_clip, body_at):
    frames = list(replace(people_clip, action_events=()).frames)
    frames[5] = replace(frames[5], bodies=(*frames[5].bodies, body_at('p2', 1.0)))
    clip = replace(people_clip, frames=tuple(frames), action_events=())
    (moment,) = choose_moments(clip).values()
    assert moment.title == '1 person in view'


@pytest.mark.parametrize(('box', 'share'), [
    ([480, 270, 500, 290], 0.5),  # the smallest crop
    ([0, 0, 20, 20], 0.5),
    ([940, 520, 960, 540], 0.5),
    ([480, 270, 540, 330], 6 * 60 / 540),
    ([100, 100, 400, 400], 1.0),
])
def test_a_crop_shows_the_hand_and_keeps_the_shape(box, share):
    y, x = np.mgrid[:540, :960]
    cropped = crop_around(np.stack([x, y], axis=2), np.array(box, np.float32), 6.0)
    assert cropped.shape[1::-1] == pytest.approx((960 * share, 540 * share), abs=1)
    assert np.all(cropped[0, 0] <= box[:2])
    assert cropped[-1, -1, 0] >= box[2] - 1
    assert cropped[-1, -1, 1] >= box[3] - 1

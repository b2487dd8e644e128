"""Clips of images: which part of which images a network is shown, and when."""

import dataclasses

import numpy as np
import pytest
from bodies import standing_body

from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.perception import image_clips
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.image_clips import ImageClipOptions
from ros2_hand_action.perception.records import Body

SECOND_NS = 1_000_000_000
STEP_NS = 100_000_000
IMAGES = 5


def ImageClipRecognizer(network, options=None):  # noqa: N802
    """Return one that waits for a full clip."""
    options = options or ImageClipOptions()
    return image_clips.ImageClipRecognizer(network, dataclasses.replace(options, warm_up=0.9))


class StandInNetwork:
    """Says how bright the first pixel of the newest image is, and remembers what it saw."""

    labels = ('dark', 'bright')
    images = IMAGES
    step_ns = STEP_NS
    description = 'stand-in'

    def __init__(self) -> None:
        self.clips: list[list[np.ndarray]] = []
        self.closed = False

    def classify(self, clips):
        self.clips = [list(clip) for clip in clips]
        bright = np.array([clip[-1][0, 0].mean() / 255 for clip in clips], np.float32)
        return np.stack([1 - bright, bright], axis=1)

    def close(self):
        self.closed = True


@pytest.fixture
def network():
    return StandInNetwork()


def image(stamp_ns: int, level: int = 0, size=(240, 320), order=PixelOrder.BGR) -> Frame:
    shape = size if order is PixelOrder.MONO else (*size, 3)
    pixels = np.full(shape, level, np.uint8)
    return Frame(pixels, order, stamp_ns)


def person(track_id: str, box) -> Body:
    points = standing_body()
    return Body(
        track_id=track_id, score=0.9, box_px=np.array(box, np.float32),
        keypoints_px=np.zeros((34, 2), np.float32), confidence=np.ones(34, np.float32),
        keypoints_m=points.astype(np.float32),
    )


def show(recognizer, count, *, bodies=lambda index: [], make=image, step_ns=STEP_NS, start=0):
    """Show images one step apart; return what was answered to each."""
    answers = []
    for index in range(start, start + count):
        stamp_ns = SECOND_NS + index * step_ns
        answers.append(
            recognizer.process(bodies(index), stamp_ns=stamp_ns, frame=make(stamp_ns))
        )
    return answers


def test_whole_image_once_the_clip_is_full(network):
    with ImageClipRecognizer(network, ImageClipOptions(whole_image=True)) as recognizer:
        answers = show(recognizer, 6, make=lambda stamp_ns: image(stamp_ns, 255))
    assert [len(answer) for answer in answers] == [0, 0, 0, 0, 1, 1]
    (action,) = answers[-1]
    assert (action.body_id, action.label, action.score) == ('', 'bright', 1.0)
    assert action.clip_start_ns == SECOND_NS + STEP_NS
    assert action.clip_end_ns == SECOND_NS + 5 * STEP_NS
    assert network.closed


@pytest.mark.parametrize('rate_hz', [10, 15, 30, 60])
def test_rate_of_the_camera_does_not_matter(network, rate_hz):
    recognizer = ImageClipRecognizer(network, ImageClipOptions(whole_image=True))
    step_ns = SECOND_NS // rate_hz

    def by_time(stamp_ns):
        return image(stamp_ns, level=round((stamp_ns - SECOND_NS) / 1e7))  # 100 a second

    show(recognizer, rate_hz * 2, make=by_time, step_ns=step_ns)
    levels = [int(shown[0, 0, 0]) for shown in network.clips[0]]
    newest = levels[-1]
    wanted = [newest - 10 * back for back in (4, 3, 2, 1, 0)]
    np.testing.assert_allclose(levels, wanted, atol=7.5)  # at most 3/4 of a step off


def test_person_is_cut_out_of_all_images_by_the_same_square(network):
    recognizer = ImageClipRecognizer(network, ImageClipOptions(margin=1.0))

    def walk(index):
        return [person('p1', (100 + 10 * index, 60, 130 + 10 * index, 160))]

    def draw(stamp_ns):
        frame = image(stamp_ns)
        place = 100 + 10 * round((stamp_ns - SECOND_NS) / STEP_NS)
        frame.pixels[60:160, place:place + 30] = 255
        return frame

    (action,) = show(recognizer, IMAGES, bodies=walk, make=draw)[-1]
    assert action.body_id == 'p1'
    (clip,) = network.clips
    assert {shown.shape for shown in clip} == {(100, 100, 3)}
    places = [int(np.flatnonzero(shown[50, :, 0])[0]) for shown in clip]
    assert places == [15, 25, 35, 45, 55]  # he moves; the square does not


def test_square_stays_inside_the_image(network):
    recognizer = ImageClipRecognizer(network, ImageClipOptions(margin=1.5))
    show(recognizer, IMAGES, bodies=lambda _: [person('p1', (290, 0, 320, 200))])
    assert {shown.shape for shown in network.clips[0]} == {(240, 300, 3)}  # 300 high would not fit


def test_everybody_has_a_clip_of_their_own(network):
    recognizer = ImageClipRecognizer(network)

    def two(index):
        late = [person('p2', (200, 10, 260, 200))] if index >= 2 else []
        return [person('p1', (10, 10, 60, 200)), *late]

    answers = show(recognizer, 8, bodies=two)
    assert [[action.body_id for action in answer] for answer in answers[3:]] == [
        [], ['p1'], ['p1'], ['p1', 'p2'], ['p1', 'p2'],
    ]


def test_people_who_were_lost_begin_anew(network):
    recognizer = ImageClipRecognizer(network)

    def gap(index):
        return [] if 5 <= index < 12 else [person('p1', (10, 10, 60, 200))]

    answers = show(recognizer, 18, bodies=gap)
    assert [bool(answer) for answer in answers] == [False] * 4 + [True] + [False] * 11 + [True] * 2


def test_time_that_goes_back_begins_anew(network):
    recognizer = ImageClipRecognizer(network, ImageClipOptions(whole_image=True))
    show(recognizer, 5, start=50)
    assert [bool(answer) for answer in show(recognizer, 5)] == [False] * 4 + [True]


def test_another_size_of_image_begins_anew(network):
    recognizer = ImageClipRecognizer(network, ImageClipOptions(whole_image=True))
    show(recognizer, 5)
    answers = show(recognizer, 5, start=5, make=lambda ns: image(ns, size=(480, 640)))
    assert [bool(answer) for answer in answers] == [False] * 4 + [True]


def test_no_more_people_than_asked_for(network):
    recognizer = ImageClipRecognizer(network, ImageClipOptions(max_people=1))
    crowd = [person(f'p{i}', (40 * i, 10, 40 * i + 30, 100)) for i in range(3)]
    (action,) = show(recognizer, IMAGES, bodies=lambda _: crowd)[-1]
    assert action.body_id == 'p0'


def test_whole_image_and_people_by_turns(network):
    recognizer = ImageClipRecognizer(network)
    recognizer.look_at(whole_image=True)
    (action,) = show(recognizer, IMAGES)[-1]
    assert action.body_id == ''
    recognizer.look_at(whole_image=True)
    assert show(recognizer, 1, start=5) != [()]
    recognizer.look_at(whole_image=False)
    assert show(recognizer, 1, start=6) == [()]


def test_window_can_be_longer(network):
    options = ImageClipOptions(whole_image=True, window_ns=800_000_000)
    recognizer = ImageClipRecognizer(network, options)
    answers = show(recognizer, 10)
    assert [bool(answer) for answer in answers] == [False] * 8 + [True] * 2  # 90 % of 0.8 s


def test_networks_see_rgb_of_a_bounded_size(network):
    for order, shown in (
        (PixelOrder.BGR, (3, 2, 1)), (PixelOrder.RGB, (1, 2, 3)), (PixelOrder.MONO, (7, 7, 7)),
    ):
        recognizer = ImageClipRecognizer(network, ImageClipOptions(whole_image=True))

        def paint(stamp_ns, order=order):
            frame = image(stamp_ns, 7, size=(720, 1280), order=order)
            if order is not PixelOrder.MONO:
                frame.pixels[:] = (1, 2, 3)
            return frame

        show(recognizer, IMAGES, make=paint)
        assert network.clips[0][0].shape == (270, 480, 3)
        assert tuple(network.clips[0][0][0, 0]) == shown


def test_images_are_copied_not_kept(network):
    recognizer = ImageClipRecognizer(network, ImageClipOptions(whole_image=True))
    pixels = np.zeros((100, 100, 3), np.uint8)
    for index in range(IMAGES):  # a driver that fills the same buffer again and again
        pixels[:] = index
        stamp_ns = SECOND_NS + index * STEP_NS
        recognizer.process([], stamp_ns=stamp_ns, frame=Frame(pixels, PixelOrder.RGB, stamp_ns))
    assert [int(shown[0, 0, 0]) for shown in network.clips[0]] == [0, 1, 2, 3, 4]


def test_missing_image_is_refused(network):
    with pytest.raises(HandActionError, match='was given none'):
        ImageClipRecognizer(network).process([], stamp_ns=1)


@pytest.mark.parametrize('ids', [[''], ['p1', 'p1']])
def test_bodies_without_or_with_one_id_are_refused(network, ids):
    bodies = [person(track_id, (0, 0, 10, 10)) for track_id in ids]
    with pytest.raises(HandActionError, match='empty or occurs twice'):
        ImageClipRecognizer(network).process(bodies, stamp_ns=1, frame=image(1))


@pytest.mark.parametrize('box', [(np.nan,) * 4, (50, 50, 50, 80), (-20, -20, -5, -5)])
def test_body_without_a_box_in_the_image_has_no_clip(network, box):
    recognizer = ImageClipRecognizer(network)
    answers = show(recognizer, IMAGES, bodies=lambda _: [person('p1', box)])
    assert answers == [()] * IMAGES


@pytest.mark.parametrize(('option', 'value'), [
    ('window_ns', -1), ('warm_up', 0), ('max_people', 17), ('margin', 0.5),
    ('margin', float('nan')), ('stored_side_px', 8),
])
def test_bad_options_are_refused(option, value):
    with pytest.raises(ConfigError, match=option):
        ImageClipOptions(**{option: value})

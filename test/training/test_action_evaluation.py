"""`hand-action actions evaluate`: which clips of which videos are judged, and what is reported."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ros2_hand_action.cli import main
from ros2_hand_action.errors import DatasetError, MediaError
from ros2_hand_action.perception.action_recognition_net import (
    ActionRecognitionNet,
    ActionRecognitionNetOptions,
)
from ros2_hand_action.perception.labels import FALL
from ros2_hand_action.perception.records import Action, Body
from ros2_hand_action.training.action_dataset import ActionVideo, read_action_videos
from ros2_hand_action.training.action_evaluation import evaluate_actions
from ros2_hand_action.training.action_judges import (
    ClipJudge,
    Judgement,
    PersonJudge,
    center_clip,
    spread_clips,
)
from ros2_hand_action.training.action_playback import make_bodies
from ros2_hand_action.training.action_synthesis import make_crouch, make_fall, make_gait


class StandInNetwork:
    """Says 'bright' by the mean of a clip, and remembers the first pixel of each image."""

    labels = ('dark', 'bright', 'other')
    images = 4
    step_ns = 1_000_000_000 // 30
    description = 'stand-in'

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def classify(self, clips):
        self.seen += [[int(image[0, 0, 0]) for image in clip] for clip in clips]
        bright = np.array([np.mean(clip) / 255 for clip in clips])
        return np.stack([1 - bright, bright, 0 * bright], axis=1).astype(np.float32)

    def close(self):
        pass


def write_folder(path, levels, *, flow=()):
    for name, values in (('rgb', levels), ('u', flow), ('v', flow)):
        if len(values):
            (path / name).mkdir(parents=True)
        for index, level in enumerate(values):
            pixels = np.full((24, 32, 3), level, np.uint8)
            cv2.imwrite(str(path / name / f'{index:04d}.png'), pixels)
    return path


def write_video(path, levels, fps=30):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, (64, 48))
    for level in levels:
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / 'bright' / 'v2', range(200, 230))
    write_folder(tmp_path / 'bright' / 'v10', [30] * 5)  # named wrongly
    write_folder(tmp_path / 'dark' / 'v1', range(20))
    write_video(tmp_path / 'dark' / 'v2.mp4', [10] * 12)
    return tmp_path


def test_videos_are_listed_in_the_order_of_their_numbers(folder):
    (folder / 'dark' / 'notes.txt').write_text('no video')
    videos = read_action_videos(folder)
    assert [(video.label, video.path.name) for video in videos] == [
        ('bright', 'v2'), ('bright', 'v10'), ('dark', 'v1'), ('dark', 'v2.mp4'),
    ]


# By NVIDIA's own code: (images, length, step) -> the first place of each clip.
@pytest.mark.parametrize(('count', 'length', 'step', 'center', 'conv'), [
    (100, 32, 1, 34, [3, 10, 17, 24, 31, 37, 44, 51, 58, 65]),
    (33, 32, 1, 1, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
    (32, 32, 1, 0, [0] * 10),
    (100, 16, 2, 34, [3, 10, 17, 24, 31, 37, 44, 51, 58, 65]),
])
def test_clips_are_those_of_tao(count, length, step, center, conv):
    assert center_clip(count, length, step).tolist() == [
        center + step * index for index in range(length)
    ]
    assert [int(clip[0]) for clip in spread_clips(count, length, step)] == conv


def test_short_video_is_looped():
    assert center_clip(3, 5).tolist() == [0, 1, 2, 0, 1]
    assert [clip.tolist() for clip in spread_clips(3, 5)] == [[0, 1, 2, 0, 1]]


def test_middle_and_spread_clips_are_judged(folder):
    network = StandInNetwork()
    judgement = ClipJudge(network).judge(ActionVideo(folder / 'dark' / 'v1', 'dark'))
    assert network.seen[0] == [8, 9, 10, 11]
    assert len(network.seen) == 11
    assert judgement.center[1] == pytest.approx(9.5 / 255)
    means = [np.mean(seen) for seen in network.seen[1:]]
    assert judgement.conv[1] == pytest.approx(np.mean(means) / 255)


@pytest.mark.parametrize(('fps', 'step'), [(15, 1), (30, 1), (60, 2)])
def test_images_are_as_far_apart_as_the_network_wants(folder, fps, step):
    network = StandInNetwork()
    ClipJudge(network).judge(ActionVideo(folder / 'dark' / 'v1', 'dark', fps))
    assert np.diff(network.seen[0]).tolist() == [step] * 3


def test_figures(folder):
    evaluation = evaluate_actions(read_action_videos(folder), ClipJudge(StandInNetwork()))
    figures = evaluation.to_json()
    assert (figures['center'], figures['conv']) == (0.75, 0.75)
    assert figures['labels'] == ['dark', 'bright']
    assert figures['recall'] == {'dark': 1.0, 'bright': 0.5}
    assert (figures['recall.dark'], figures['recall.bright']) == (1.0, 0.5)
    assert figures['confusion'] == figures['conv_confusion'] == [[2, 0], [1, 1]]
    assert 'center 75.00%, conv 75.00%' in evaluation.format()
    assert json.loads(json.dumps(figures)) == figures


def test_label_that_is_not_known_counts_as_other(folder):
    (folder / 'dark').rename(folder / 'dancing')
    evaluation = evaluate_actions(read_action_videos(folder), ClipJudge(StandInNetwork()))
    assert evaluation.to_json()['recall'] == {'bright': 0.5, 'other': 0.0}
    network = StandInNetwork()
    network.labels = ('a', 'b', 'c')
    with pytest.raises(DatasetError, match="'bright', which is none of"):
        evaluate_actions(read_action_videos(folder), ClipJudge(network))


def test_closed_chooses_among_the_videos_labels(folder):
    judge = SimpleNamespace(
        labels=('dark', 'bright', 'other'),
        judge=lambda _: Judgement(*[np.array([0.2, 0.3, 0.5])] * 2),
    )
    videos = read_action_videos(folder)
    assert {result.center for result in evaluate_actions(videos, judge).results} == {'other'}
    closed = evaluate_actions(videos, judge, closed=True)
    assert {result.center for result in closed.results} == {'bright'}


def test_videos_that_cannot_be_read_are_named(folder):
    (folder / 'dark' / 'v3.mp4').write_bytes(b'nothing')
    write_folder(folder / 'dark' / 'v4', [], flow=[1, 2])
    evaluation = evaluate_actions(read_action_videos(folder), ClipJudge(StandInNetwork()))
    assert [path.name for path, _ in evaluation.unreadable] == ['v3.mp4', 'v4']
    assert len(evaluation.results) == 4


@pytest.mark.parametrize('make', [
    lambda path: None, lambda path: path.mkdir(), lambda path: (path / 'walk').mkdir(parents=True),
])
def test_folder_without_videos(tmp_path, make):
    make(tmp_path / 'data')
    with pytest.raises(DatasetError, match='data'):
        read_action_videos(tmp_path / 'data')


class StandInSession:
    """ActionRecognitionNet on 4 images of optical flow; sees the first pixels of u and v."""

    description = 'stand-in'
    inputs = (SimpleNamespace(name='input_of', shape=(None, 2, 4, 224, 224)),)
    outputs = (SimpleNamespace(name='fc_pred', shape=(None, 5)),)

    def __init__(self):
        self.seen = []

    def run(self, feeds):
        planes = feeds['input_of'][0, :, :, 0, 0]
        self.seen.append(np.round(planes * 127.5 + 127.5).astype(int).tolist())
        return {'fc_pred': np.zeros((1, 5), np.float32)}

    def close(self):
        pass


def test_optical_flow_is_read_where_it_is_there(tmp_path):
    session = StandInSession()
    write_folder(tmp_path / 'walk' / 'v', [], flow=range(100, 110))
    with ActionRecognitionNet(session) as network:
        ClipJudge(network).judge(ActionVideo(tmp_path / 'walk' / 'v', 'walk'))
    assert session.seen[0] == [[103, 104, 105, 106]] * 2


def test_optical_flow_is_computed_where_it_is_not(tmp_path):
    session = StandInSession()
    write_folder(tmp_path / 'walk' / 'v', [50] * 10)
    with ActionRecognitionNet(session) as network:
        ClipJudge(network).judge(ActionVideo(tmp_path / 'walk' / 'v', 'walk'))
    assert session.seen[0] == [[128] * 4] * 2  # nothing moves


def test_unequal_flow_is_refused(tmp_path):
    path = write_folder(tmp_path / 'walk' / 'v', [], flow=range(5))
    (path / 'v' / '0000.png').unlink()
    with pytest.raises(MediaError, match='5 images of u and 4 of v'):
        ActionVideo(path, 'walk').read_flow([0])


def person(track_id, width):
    return Body(
        track_id, 1.0, np.array([0, 0, width, 10], np.float32), np.zeros((34, 2)),
        np.zeros(34), np.zeros((34, 3)),
    )


class StandInPeople:
    """Two people who do what the brightness says; only the larger one counts."""

    labels = ('walk', 'other')

    def process(self, given, *, stamp_ns=0, frame=None):
        if isinstance(given, (list, tuple)):
            level = float(frame.pixels[0, 0, 0]) / 255
            rows = {'p1': (1 - level, level), 'p2': (level, 1 - level)}
            return tuple(
                Action(each.track_id, 'walk', 1.0, np.array(rows[each.track_id]), 0, stamp_ns)
                for each in given
            )
        is_empty = given.pixels[0, 0, 0] == 255
        return SimpleNamespace(bodies=() if is_empty else (person('p1', 5), person('p2', 9)))

    def reset(self):
        pass


def test_largest_person_counts(tmp_path):
    people = StandInPeople()
    judge = PersonJudge(people, people)
    video = ActionVideo(write_folder(tmp_path / 'walk' / 'v', range(0, 250, 25)), 'walk')
    judgement = judge.judge(video)
    assert judgement.center[0] == pytest.approx(125 / 255)
    assert judgement.conv[0] == pytest.approx(np.mean(range(0, 250, 25)) / 255)


class StandInFaller:
    """Says of every image of a sequence that the person has fallen."""

    labels = (FALL, 'other')

    def __init__(self, sequence):
        self.bodies = [body for _, body in make_bodies(sequence)]

    def process(self, given, *, stamp_ns=0, frame=None):
        if isinstance(given, (list, tuple)):
            return tuple(
                Action(each.track_id, FALL, 0.55, np.array([0.55, 0.45]), 0, stamp_ns)
                for each in given
            )
        return SimpleNamespace(bodies=(self.bodies[int(given.pixels[0, 0, 0])],))

    def reset(self):
        pass


def judge_person(path, make):
    random = np.random.default_rng(0)
    walk = make_gait(0, 'walk', random)
    standing = replace(walk, joints=np.repeat(walk.joints[:1], len(walk.joints), axis=0))
    people = StandInFaller(make(standing, 0, random))
    images = write_folder(path / FALL / 'v', range(len(people.bodies)))
    return PersonJudge(people, people).judge(ActionVideo(images, FALL))


def test_falls_are_judged_as_the_node_tells_them(tmp_path):
    assert judge_person(tmp_path / 'crouch', make_crouch).conv.tolist() == pytest.approx([0, 1])
    assert judge_person(tmp_path / 'fall', make_fall).conv[0] > 0.2


def test_nobody_is_other(tmp_path):
    people = StandInPeople()
    video = ActionVideo(write_folder(tmp_path / 'walk' / 'v', [255] * 4), 'walk')
    assert PersonJudge(people, people).judge(video).center.tolist() == [0, 1]


def test_command_prints_and_writes_the_figures(folder, tmp_path, monkeypatch, capsys):
    network = StandInNetwork()
    monkeypatch.setattr(
        'ros2_hand_action.commands.action_evaluate.create_clip_network', lambda *_: network
    )
    out = tmp_path / 'figures.json'
    arguments = ['actions', 'evaluate', str(folder), '--recognizer', 'i3d', '--json', str(out)]
    assert main(arguments) == 0
    figures = json.loads(out.read_text())
    assert (figures['recognizer'], figures['center']) == ('i3d', 0.75)
    assert 'center 75.00%' in capsys.readouterr().out


def test_command_says_what_is_missing(folder, capsys):
    arguments = ['actions', 'evaluate', str(folder), '--recognizer', 'action_recognition_net']
    assert main(arguments) == 1
    assert 'NGC' in capsys.readouterr().err


@pytest.mark.parametrize('rate', ['nan', 'inf', '0', '-5'])
def test_command_refuses_a_rate_that_is_none(folder, capsys, rate):
    assert main(['actions', 'evaluate', str(folder), f'--rate={rate}']) == 1
    assert f'the rate is {float(rate)!r}' in capsys.readouterr().err


@pytest.mark.parametrize(('recognizer', 'option', 'value'), [
    ('i3d', '--model', 'nosuch.onnx'), ('i3d', '--labels', 'deepstream'),
    ('i3d', '--subsample', '0'), ('pose', '--labels', 'a,b'), ('pose', '--images', '16'),
    ('pose', '--subsample', '1'), ('action_recognition_net', '--images', '32'),
])
def test_command_refuses_options_of_other_recognizers(folder, capsys, recognizer, option, value):
    arguments = ['actions', 'evaluate', str(folder), '--recognizer', recognizer, option, value]
    assert main(arguments) == 1
    assert re.search(f'{option} is .*{value}.*{recognizer} takes', capsys.readouterr().err)


def test_command_hands_options_to_the_recognizer_that_takes_them(folder, monkeypatch):
    given = []
    monkeypatch.setattr(
        'ros2_hand_action.commands.action_evaluate.create_clip_network',
        lambda options, _: given.append(options) or StandInNetwork(),
    )
    for recognizer, *options in (
        ('action_recognition_net', '--model', 'own.onnx', '--labels', 'a,b', '--subsample', '2'),
        ('i3d', '--images', '32'), ('i3d',),
    ):
        main(['actions', 'evaluate', str(folder), '--recognizer', recognizer, *options])
    assert given[0].net == ActionRecognitionNetOptions('own.onnx', 'a,b', 2)
    assert [each.i3d.images for each in given[1:]] == [32, 16]

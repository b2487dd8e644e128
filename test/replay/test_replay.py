"""A source through the perception: what is told about its time; jobs that fail."""

import subprocess
import sys

import bags
import pytest

from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.store import State, model_state
from ros2_hand_action.replay import jobs as jobs_module
from ros2_hand_action.replay.frame_store import FrameStore
from ros2_hand_action.replay.jobs import make_jobs, run_jobs
from ros2_hand_action.replay.replay import ReplayOptions, replay_source

MS = 1_000_000


@pytest.fixture(autouse=True)
def needed():
    for model in load_models().values():
        if model.default and model_state(model) is not State.READY:
            pytest.skip(f'no model {model.name}: run `hand-action models fetch`')


def messages(stamps_ms):
    return [
        ('/camera/image_raw', bags.IMAGE, bags.BEGIN_NS + index,
         bags.image(bags.BEGIN_NS + stamp_ms * MS, index))
        for index, stamp_ms in enumerate(stamps_ms)
    ]  # fmt: skip


def test_a_bag_that_loops_repeats_stamps_and_has_a_gap(tmp_path):
    stamps_ms = [0, 50, 50, 100, 1200, 1250, 0, 50]
    path = bags.write_bag(tmp_path / 'bag', messages(stamps_ms))
    seen = []
    clip = replay_source(
        path, store=tmp_path / 'frames', on_frame=lambda *given: seen.append(given)
    )
    assert [(f.stamp_ns - bags.BEGIN_NS) // MS for f in clip.frames] == stamps_ms
    assert [frame.index for frame in clip.frames] == list(range(8))
    assert all(frame.is_processed for frame in clip.frames)
    assert clip.problems == (
        'stamps that occur twice: both images are answered (1 images, the first is 2)',
        'more than 1 s without an image: all gestures end (1 images, the first is 4)',
        'stamps went back: all tracks start anew (1 images, the first is 6)',
    )
    assert [recorded.index for recorded, _ in seen] == list(range(8))
    assert int(seen[3][1].pixels[0, 0]) == 3


def test_frames_are_used_like_a_tuple(tmp_path):
    path = bags.write_bag(tmp_path / 'bag', messages(range(0, 250, 50)))
    frames = replay_source(path, store=tmp_path / 'frames').frames
    assert isinstance(frames, FrameStore)
    assert len(frames) == 5
    assert (frames[0].index, frames[-1].index) == (0, 4)
    assert [frame.index for frame in frames[1:3]] == [1, 2]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    with pytest.raises(IndexError):
        frames[5]


def test_a_process_that_dies_is_told_and_stops_no_other(tmp_path, monkeypatch):
    path = bags.write_bag(tmp_path / 'bag', messages([0]))
    monkeypatch.setattr(jobs_module.sys, 'executable', '/bin/false')
    jobs = make_jobs([path, path], ReplayOptions(), tmp_path / 'scratch')
    outcomes = run_jobs(jobs, workers=2)
    assert [outcome.job.name for outcome in outcomes] == ['bag', 'bag_2']
    assert all('ended with status 1' in outcome.error for outcome in outcomes)


def test_nothing_of_ros_is_needed():
    program = (
        'import sys\n'
        'import ros2_hand_action.commands.replay, ros2_hand_action.replay.bag_input\n'
        'import ros2_hand_action.replay.replay, ros2_hand_action.replay.cluster\n'
        'sys.exit(any(name.split(".")[0] in ("rclpy", "std_msgs") for name in sys.modules))\n'
    )
    subprocess.run([sys.executable, '-c', program], check=True)

"""The walking videos through the real nodes: how often somebody who walks is named so.

Usage: actions_graph.py [--rate R] [--params FILE]. The nodes run in a process of their own and
get the images over DDS at the video's pace, or R times that; images for which a machine has no
time are left out, as on a robot.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from actions_bench import WALKS_S, find_walker, score_walk
from tqdm import tqdm

from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.labels import FALL
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.live import LiveOptions, replay_live
from ros2_hand_action.replay.pipeline import PipelineOptions
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.replay import ReplayOptions

_SECOND_NS = 1_000_000_000


def main() -> None:
    """Print what the nodes named in each video."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rate', type=float, default=1.0, help='pace, 1 = as recorded')
    parser.add_argument('--params', type=Path, help='parameter file of the nodes')
    parsed = parser.parse_args()
    replay = ReplayOptions(pipeline=PipelineOptions(actions=True, params=parsed.params))
    for name in WALKS_S:
        with (
            tempfile.TemporaryDirectory() as folder,
            tqdm(desc=name, unit=' images', file=sys.stderr) as bar,
        ):
            clip = replay_live(
                media_path(name), LiveOptions(replay, parsed.rate), folder=Path(folder),
                on_frame=bar.update,
            )  # fmt: skip
        print(_describe(name, clip), flush=True)


def _describe(name: str, clip: ClipRecording) -> str:
    labels: list[tuple[int, bool, str]] = []
    for frame in clip.frames:
        stamp_ns = round(frame.index / clip.fps * _SECOND_NS)
        walker = find_walker(frame.bodies or (), clip.height_px)
        labels += [
            (stamp_ns, action.body_id == walker, action.label) for action in frame.actions or ()
        ]
    answered = sum(frame.actions is not None for frame in clip.frames)
    started = [
        f'{item.event.body_id} {item.event.label}' for item in clip.action_events
        if item.event.phase is Phase.STARTED
    ]  # fmt: skip
    counts = Counter(label for *_, label in labels)
    return (
        f'{name}: {answered} of {len(clip.frames)} images answered; labels {dict(counts)}, '
        f'{counts[FALL]} falls; started {started}\n{score_walk(WALKS_S[name], labels)}'
    )


if __name__ == '__main__':
    main()

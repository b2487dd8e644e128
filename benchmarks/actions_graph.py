"""The walking videos through the real nodes: how often somebody who walks is named so.

Usage: actions_graph.py [--rate R | --deterministic] [--params FILE]. The nodes run in a process of
their own and get the images over DDS at the video's pace, or R times that; images for which a
machine has no time are left out, as on a robot. Deterministic: every image, without middleware.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tqdm import tqdm
from walk_score import WALKS_S, Moment, find_walker, score_walk

from ros2_hand_action.models.store import media_path
from ros2_hand_action.perception.labels import FALL
from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.live import LiveOptions, replay_live
from ros2_hand_action.replay.pipeline import PipelineOptions
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.replay import ReplayOptions, replay_source


def main() -> None:
    """Print what the nodes named in each video."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rate', type=float, default=1.0, help='pace, 1 = as recorded')
    parser.add_argument('--deterministic', action='store_true', help='leave no image out')
    parser.add_argument('--params', type=Path, help='parameter file of the nodes')
    parsed = parser.parse_args()
    replay = ReplayOptions(pipeline=PipelineOptions(actions=True, params=parsed.params))
    for name in WALKS_S:
        with (
            tempfile.TemporaryDirectory() as folder,
            tqdm(desc=name, unit=' images', file=sys.stderr) as bar,
        ):
            if parsed.deterministic:
                clip = replay_source(
                    media_path(name), replay, store=Path(folder) / 'frames',
                    on_frame=lambda *_, bar=bar: bar.update(),
                )  # fmt: skip
            else:
                clip = replay_live(
                    media_path(name), LiveOptions(replay, parsed.rate), folder=Path(folder),
                    on_frame=bar.update,
                )  # fmt: skip
            print(_describe(name, clip), flush=True)


def _describe(name: str, clip: ClipRecording) -> str:
    counts: Counter[str] = Counter()
    moments = []
    for frame in clip.frames:
        walker = find_walker(frame.bodies or (), clip.height_px)
        named = {action.body_id: action.label for action in frame.actions or ()}
        counts.update(named.values())
        moments.append(Moment(
            frame.index / clip.fps, frame.stamp_ns, walker, named.get(walker, ''),
            frame.actions is not None,
        ))  # fmt: skip
    events = [item.event for item in clip.action_events]
    answered = sum(frame.actions is not None for frame in clip.frames)
    started = [
        f'{event.body_id} {event.label}' for event in events if event.phase is Phase.STARTED
    ]
    return (
        f'{name}: {answered} of {len(clip.frames)} images answered; labels {dict(counts)}, '
        f'{counts[FALL]} falls; started {started}\n{score_walk(name, moments, events)}'
    )


if __name__ == '__main__':
    main()

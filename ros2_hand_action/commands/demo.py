"""`hand-action demo`: real media through real nodes, and a report of what they saw."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ros2_hand_action.commands.folders import make_folder
from ros2_hand_action.commands.scratch import scratch_folder
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.models.catalogue import find_asset, load_media, load_models
from ros2_hand_action.models.fetch import fetch_media, fetch_models, write_atomically
from ros2_hand_action.models.store import media_path
from ros2_hand_action.replay.clips import CLIPS, DemoClip, prepare_clip
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.render import render
from ros2_hand_action.replay.report import make_report
from ros2_hand_action.replay.results import write_results
from ros2_hand_action.replay.summary import format_summary
from ros2_hand_action.replay.timeline_picture import write_timeline

if TYPE_CHECKING:
    from ros2_hand_action.replay.playback import PreparedClip

OUTPUTS = ('report.html', 'annotated.mp4', 'timeline.png', 'results.json')


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        '--out', type=Path, default=Path('demo_out'), metavar='DIR',
        help='folder for the results (default: %(default)s)',
    )
    parser.add_argument(
        '--seconds', type=float, metavar='N', help='play at most so many seconds of each clip'
    )
    parser.add_argument(
        '--clips', default=','.join(clip.media for clip in CLIPS), metavar='A,B',
        help='clips to play (default: %(default)s)',
    )
    parser.add_argument(
        '--gestures', metavar='MODEL',
        help='another gesture classifier, such as one by `hand-action gestures train`',
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Play the clips to the nodes and write the report."""
    clips = choose_clips(parsed.clips)
    if parsed.seconds is not None and not parsed.seconds > 0:
        raise ConfigError(f'--seconds is {parsed.seconds!r}, must be above 0')
    make_folder(parsed.out)
    fetch_models([model for model in load_models().values() if model.default])
    fetch_media([find_asset(load_media(), clip.media) for clip in clips])
    with scratch_folder('hand_action_demo_') as scratch:
        prepared = prepare(clips, scratch, seconds=parsed.seconds)
        recording = play(prepared, scratch, gesture_model=parsed.gestures)
        write_outputs(recording, parsed.out)
    print(format_summary(recording))
    for name in OUTPUTS:
        print(parsed.out / name)
    return 0


def choose_clips(names: str) -> list[DemoClip]:
    """Return the clips of a comma-separated list; raises ConfigError for an unknown one."""
    known = {clip.media: clip for clip in CLIPS}
    wanted = [name.strip() for name in names.split(',') if name.strip()]
    if not wanted or not set(wanted) <= known.keys():
        raise ConfigError(f'--clips is {names!r}: choose of {", ".join(known)}')
    return [known[name] for name in wanted]


def prepare(
    clips: list[DemoClip], folder: Path, *, seconds: float | None
) -> 'list[PreparedClip]':
    """Write the clips as videos of one size."""
    from ros2_hand_action.replay.playback import PreparedClip

    prepared = []
    with tqdm(desc='preparing clips', unit=' images') as bar:
        for clip in clips:
            video = folder / f'{clip.media}.mp4'
            count, fps = prepare_clip(
                clip, media_path(clip.media), video, seconds=seconds, on_frame=bar.update
            )
            prepared.append(PreparedClip(clip, video, count, fps))
    return prepared


def play(
    prepared: 'list[PreparedClip]', folder: Path, *, gesture_model: str | None
) -> Recording:
    """Play the clips to nodes in other processes and write down what they answer."""
    from ros2_hand_action.replay.playback import record_clips

    total = sum(clip.frame_count for clip in prepared)
    with tqdm(desc='starting nodes', total=total, unit=' images') as bar:
        return record_clips(
            prepared,
            folder,
            gesture_model=gesture_model,
            on_clip=lambda clip: bar.set_description(f'playing {clip.clip.media}'),
            on_frame=bar.update,
        )


def write_outputs(recording: Recording, out: Path) -> None:
    """Write all results; each file is replaced as a whole."""
    total = sum(len(clip.frames) for clip in recording.clips)
    with tqdm(desc='drawing', total=total, unit=' images') as bar:
        pictures = render(recording, out, on_frame=bar.update)
    write_timeline(recording, out / 'timeline.png')
    write_results(recording, out / 'results.json')
    write_atomically(out / 'report.html', make_report(recording, pictures).encode())

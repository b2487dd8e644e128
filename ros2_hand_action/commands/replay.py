"""`hand-action replay`: bags, videos and pictures through the perception, and what was seen."""

import argparse
import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.commands.folders import make_folder
from ros2_hand_action.commands.judging import Judging, add_judging_options
from ros2_hand_action.commands.scratch import scratch_folder
from ros2_hand_action.errors import ConfigError, HandActionError
from ros2_hand_action.models.fetch import write_atomically
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.jobs import JobOutcome, ReplayJob, make_jobs, run_jobs
from ros2_hand_action.replay.judgement import Judgement, format_judgements
from ros2_hand_action.replay.parameter_file import check_parameter_file
from ros2_hand_action.replay.pipeline import PipelineOptions
from ros2_hand_action.replay.recording import Recording, Selection
from ros2_hand_action.replay.render import render
from ros2_hand_action.replay.replay import ReplayOptions
from ros2_hand_action.replay.report import make_report
from ros2_hand_action.replay.results import write_results
from ros2_hand_action.replay.results_bag import part_path
from ros2_hand_action.replay.summary import format_summary
from ros2_hand_action.replay.system import describe_system

DONE, FAILED, PARTIAL, UNEXPECTED = 0, 1, 3, 4
"""Exit status: all was played, a source could not be, a damaged one was up to the damage, what
came is not what was expected; the first of 1, 4 and 3 that is so."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        'sources', nargs='+', type=Path, metavar='SOURCE',
        help='a bag (rosbag2 folder or file, ROS 1), a video, a picture or a folder of pictures',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('replay_out'), metavar='DIR',
        help='folder for the results (default: %(default)s)',
    )
    parser.add_argument(
        '--jobs', type=int, default=1, metavar='N',
        help='sources that are replayed at a time, each in a process (default: %(default)s)',
    )
    parser.add_argument(
        '--scheduler', metavar='ADDRESS',
        help='replay on the cluster of this Dask scheduler, such as tcp://host:8786',
    )
    parser.add_argument('--bodies', action='store_true', help='find bodies, too')
    parser.add_argument(
        '--actions', action='store_true', help='find bodies and recognise actions, too'
    )
    parser.add_argument(
        '--params', type=Path, metavar='FILE',
        help='parameter file of the nodes (default: config/default.yaml of this package)',
    )
    parser.add_argument(
        '--no-bags', action='store_true', help='write no bag with the results of each source'
    )
    parser.add_argument(
        '--no-report', action='store_true',
        help='write no report.html, for which the sources are read once more',
    )
    parser.add_argument(
        '--live', action='store_true',
        help='play to real nodes over DDS at the pace of the source, for latencies and drops',
    )
    parser.add_argument(
        '--rate', type=float, default=1.0, metavar='R',
        help='pace of --live, seconds of the source for a second (default: %(default)s)',
    )
    _add_selection(parser)
    add_judging_options(parser)
    parser.set_defaults(execute=execute)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--image-topic', default='', metavar='TOPIC',
        help="images of a bag: a topic's name, or a type that only one has (default: the camera)",
    )
    parser.add_argument(
        '--info-topic', default='', metavar='TOPIC',
        help='camera_info of a bag (default: that beside the images)',
    )
    parser.add_argument(
        '--depth-topic', default='', metavar='TOPIC',
        help='depth of a bag, registered to the images (default: one that its name says to be)',
    )
    parser.add_argument(
        '--start', type=float, default=0.0, metavar='S', help='seconds that are left out'
    )
    parser.add_argument(
        '--duration', type=float, default=math.inf, metavar='S',
        help='seconds that are played (default: all)',
    )


def execute(parsed: argparse.Namespace) -> int:
    """Replay the sources and write what was seen."""
    options, judging = read_options(parsed), Judging(parsed)
    make_folder(parsed.out)
    with scratch_folder('.frames_', parsed.out, on_left=_remove_parts) as scratch:
        bags = None if parsed.no_bags else parsed.out
        jobs = make_jobs(parsed.sources, options, scratch, bags=bags)
        jobs = [judging.choose_options(job) for job in jobs]
        for params in {job.options.pipeline.params for job in jobs}:
            check_parameter_file(params)
        if parsed.live:
            outcomes = play_live(jobs, parsed.rate)
        else:
            outcomes = replay(jobs, parsed.jobs, parsed.scheduler)
        recording = make_recording(outcomes)
        judgements = judging.judge(outcomes, recording)
        if recording.clips:
            write_outputs(recording, parsed.out)
            if not parsed.no_report:
                write_report(recording, judgements, parsed.out / 'report.html')
    if judgements:
        print(format_judgements(judgements))
    status = report_outcomes(outcomes)
    unexpected = not all(judgement.passed for judgement in judgements)
    return UNEXPECTED if unexpected and status != FAILED else status


def _remove_parts(scratch: Path) -> None:
    """Remove the bags that a killed replay had begun."""
    for job in scratch.iterdir():
        shutil.rmtree(part_path(scratch.parent / job.name), ignore_errors=True)


def read_options(parsed: argparse.Namespace) -> ReplayOptions:
    """Return what the command line asks for.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """
    for name, least in (('jobs', 1), ('start', 0), ('duration', 1e-9), ('rate', 0.01)):
        if not getattr(parsed, name) >= least:  # so that NaN is refused too
            raise ConfigError(f'--{name} is {getattr(parsed, name)!r}, must be at least {least}')
    if parsed.rate != 1.0 and not parsed.live:
        raise ConfigError(f'--rate is {parsed.rate!r}, but only --live has a pace: add it')
    if parsed.live and (parsed.jobs > 1 or parsed.scheduler):
        raise ConfigError('--live plays one source at a time here: leave --jobs and --scheduler')
    selection = Selection(
        image_topic=parsed.image_topic,
        info_topic=parsed.info_topic,
        depth_topic=parsed.depth_topic,
        start_s=parsed.start,
        duration_s=parsed.duration,
    )
    return ReplayOptions(selection, PipelineOptions(parsed.bodies, parsed.actions, parsed.params))


def replay(
    jobs: Sequence[ReplayJob], workers: int, scheduler: str | None = None
) -> list[JobOutcome]:
    """Replay sources with a progress bar, here or on a cluster."""
    with tqdm(desc='replaying', total=_count_images(jobs), unit=' images') as bar:
        if scheduler is None:
            return run_jobs(jobs, workers=min(workers, len(jobs)), on_frame=bar.update)
        from ros2_hand_action.replay.cluster import run_on_cluster

        return run_on_cluster(jobs, scheduler, on_frame=bar.update)


def play_live(jobs: Sequence[ReplayJob], rate: float) -> list[JobOutcome]:
    """Play sources to nodes, one after the other, with a progress bar."""
    try:
        from ros2_hand_action.replay.live import LiveOptions, replay_live
    except ImportError as error:
        raise ConfigError(f'--live needs ROS: {error}. Source it, or leave --live') from error

    outcomes = []
    with tqdm(desc='playing', total=_count_images(jobs), unit=' images') as bar:
        for job in jobs:
            try:
                clip = replay_live(
                    job.path, LiveOptions(job.options, rate), folder=job.folder,
                    on_frame=bar.update,
                )  # fmt: skip
            except HandActionError as error:
                outcomes.append(JobOutcome(job, None, f'{str(job.path)!r}: {error}'))
            else:
                outcomes.append(JobOutcome(job, replace(clip, name=job.name)))
    return outcomes


def make_recording(outcomes: Sequence[JobOutcome]) -> Recording:
    """Return the recordings that came of jobs as one."""
    clips = tuple(outcome.clip for outcome in outcomes if outcome.clip is not None)
    if not clips:
        return Recording((), ())
    first = clips[0]
    system = describe_system(first.models, dated=False)
    return Recording(clips, first.labels, system, first.action_labels)


def write_outputs(recording: Recording, out: Path) -> None:
    """Write all results; each file is replaced as a whole."""
    write_results(recording, out / 'results.json')
    print(format_summary(recording))
    print(out / 'results.json')


def write_report(recording: Recording, judgements: Sequence[Judgement], path: Path) -> None:
    """Draw the images that the report shows, and write it; replaced as a whole."""
    total = sum(len(clip.frames) for clip in recording.clips)
    with tqdm(desc='drawing', total=total, unit=' images') as bar:
        pictures = render(recording, on_frame=bar.update)
    title = 'Replay: hands, gestures, bodies and actions'
    write_atomically(path, make_report(recording, pictures, judgements, title=title).encode())
    print(path)


def report_outcomes(outcomes: Sequence[JobOutcome]) -> int:
    """Tell what could not be played and return the exit status."""
    status = DONE
    _tell_cost(outcomes)
    for outcome in outcomes:
        name = str(outcome.job.path)
        if outcome.clip is None:
            status = FAILED
            print(f'hand-action replay: error: {outcome.error}', file=sys.stderr)
            continue
        for problem in outcome.clip.problems:
            print(f'hand-action replay: warning: {name}: {problem}', file=sys.stderr)
        if outcome.clip.damage:
            status = status or PARTIAL
            print(
                f'hand-action replay: partial: {name}: {outcome.clip.damage}; '
                f'{len(outcome.clip.frames)} images were played', file=sys.stderr,
            )
    return status


def _tell_cost(outcomes: Sequence[JobOutcome]) -> None:
    """Say what a minute of recording costs, on one worker."""
    played_s = sum(outcome.clip.duration_s for outcome in outcomes if outcome.clip)
    took_s = sum(outcome.took_s for outcome in outcomes)
    if played_s > 0 and took_s > 0:
        print(
            f'{played_s:.1f} s of recordings took {took_s:.1f} s of workers: '
            f'{60 * took_s / played_s:.1f} s a minute'
        )


def _count_images(jobs: Sequence[ReplayJob]) -> int | None:
    """Return how many images will be played; None where one source does not know."""
    total = 0
    for job in jobs:
        try:
            with open_input(job.path, job.options.selection) as opened:
                count = opened.image_count
        except HandActionError:  # told when its turn comes
            continue
        if not count:
            return None
        total += count
    return total

"""`hand-action actions evaluate`: how well actions in labelled videos are named."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.action_pose import PoseActionOptions
from ros2_hand_action.perception.action_recognition_net import (
    LABEL_PRESETS,
    ActionRecognitionNetOptions,
)
from ros2_hand_action.perception.body_pose import create_body_pose_tracker
from ros2_hand_action.perception.i3d import IMAGES, I3dOptions
from ros2_hand_action.perception.recognizers import (
    Recognizer,
    RecognizerOptions,
    create_action_recognizer,
    create_clip_network,
)
from ros2_hand_action.training import action_dataset
from ros2_hand_action.training.action_evaluation import evaluate_actions
from ros2_hand_action.training.action_judges import ClipJudge, PersonJudge, VideoJudge

_NAMED = 5
"""Videos that could not be judged are named up to this many."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = action_dataset.__doc__
    parser.add_argument('folder', type=Path, metavar='DIR', help='labelled videos (below)')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures here')
    parser.add_argument(
        '--recognizer', choices=[each.value for each in Recognizer],
        default=RecognizerOptions.recognizer.value,
        help='how actions are recognised (default: %(default)s)',
    )
    parser.add_argument(
        '--model', metavar='NAME|FILE',
        help='network of pose or action_recognition_net: a name in the catalogue or an .onnx file',
    )
    parser.add_argument(
        '--labels', default=ActionRecognitionNetOptions.labels, metavar='PRESET|A,B,...',
        help="order of action_recognition_net's labels: "
        f'{", ".join(LABEL_PRESETS)} or names (default: %(default)s)',
    )
    parser.add_argument(
        '--subsample', type=int, default=ActionRecognitionNetOptions.subsample, metavar='N',
        help='images left out between two of a clip of action_recognition_net',
    )
    parser.add_argument(
        '--images', type=int, choices=IMAGES, default=I3dOptions.images,
        help='images in a clip of i3d (default: %(default)s)',
    )
    parser.add_argument(
        '--rate', type=float, default=30.0, metavar='HZ',
        help='images per second of folders (default: %(default)s)',
    )
    parser.add_argument(
        '--closed', action='store_true', help="choose among the folder's labels only"
    )
    parser.add_argument('--threads', type=int, default=os.cpu_count() or 1, metavar='N')
    parser.set_defaults(execute=evaluate_folder)


def evaluate_folder(arguments: argparse.Namespace) -> int:
    """Print the figures of a folder of videos; write them as JSON where asked."""
    check_file(arguments.json, '--json')
    videos = action_dataset.read_action_videos(arguments.folder, rate_hz=arguments.rate)
    with _open_judge(arguments) as judge:
        evaluation = evaluate_actions(
            videos, judge, closed=arguments.closed,
            progress=tqdm(videos, unit='video', file=sys.stderr),
        )
    print(evaluation.format())
    for path, reason in evaluation.unreadable[:_NAMED]:
        print(f'not judged: {path}: {reason}', file=sys.stderr)
    if len(evaluation.unreadable) > _NAMED:
        print(f'... and {len(evaluation.unreadable) - _NAMED} more', file=sys.stderr)
    if arguments.json:
        figures = {'recognizer': arguments.recognizer, **evaluation.to_json()}
        write_json(arguments.json, figures)
    return 0


@contextmanager
def _open_judge(arguments: argparse.Namespace) -> Iterator[VideoJudge]:
    """Give what judges videos; its networks are freed at the end."""
    session_options = SessionOptions(threads=arguments.threads)
    options = _read_options(arguments)
    if options.recognizer is Recognizer.POSE:
        with (
            create_action_recognizer(options, session_options) as recognizer,
            create_body_pose_tracker(session_options=session_options) as tracker,
        ):
            yield PersonJudge(recognizer, tracker)
        return
    network = create_clip_network(options, session_options)
    try:
        yield ClipJudge(network)
    finally:
        network.close()


def _read_options(arguments: argparse.Namespace) -> RecognizerOptions:
    given = {'model': arguments.model} if arguments.model else {}
    return RecognizerOptions(
        recognizer=Recognizer(arguments.recognizer),
        pose=PoseActionOptions(**given),
        net=ActionRecognitionNetOptions(
            labels=arguments.labels, subsample=arguments.subsample, **given
        ),
        i3d=I3dOptions(images=arguments.images),
    )

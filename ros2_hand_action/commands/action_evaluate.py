"""`hand-action actions evaluate`: how well actions in labelled videos are named."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.errors import ConfigError
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

_OPTIONS = ('model', 'labels', 'subsample', 'images')
"""Options that only some recognisers take: those with a field of that name."""

_KINDS: dict[Recognizer, tuple[str, Any]] = {
    Recognizer.POSE: ('pose', PoseActionOptions),
    Recognizer.ACTION_RECOGNITION_NET: ('net', ActionRecognitionNetOptions),
    Recognizer.I3D: ('i3d', I3dOptions),
}
"""Field of RecognizerOptions and type of each recogniser's options."""


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
        '--labels', metavar='PRESET|A,B,...',
        help="order of action_recognition_net's labels: "
        f'{", ".join(LABEL_PRESETS)} or names (default: {ActionRecognitionNetOptions.labels})',
    )
    parser.add_argument(
        '--subsample', type=int, metavar='N',
        help='images left out between two of a clip of action_recognition_net '
        f'(default: {ActionRecognitionNetOptions.subsample})',
    )
    parser.add_argument(
        '--images', type=int, choices=IMAGES,
        help=f'images in a clip of i3d (default: {I3dOptions.images})',
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
    options = _read_options(arguments)
    videos = action_dataset.read_action_videos(arguments.folder, rate_hz=arguments.rate)
    with _open_judge(options, SessionOptions(threads=arguments.threads)) as judge:
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
def _open_judge(
    options: RecognizerOptions, session_options: SessionOptions
) -> Iterator[VideoJudge]:
    """Give what judges videos; its networks are freed at the end."""
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
    recognizer = Recognizer(arguments.recognizer)
    name, kind = _KINDS[recognizer]
    values = {option: getattr(arguments, option) for option in _OPTIONS}
    given = {option: value for option, value in values.items() if value is not None}
    taken = {field.name for field in fields(kind)}
    for option in given.keys() - taken:
        raise ConfigError(
            f'--{option} is {given[option]!r}, but {recognizer.value} takes no such option: '
            'leave it out, or choose another --recognizer'
        )
    return RecognizerOptions(recognizer=recognizer, **{name: kind(**given)})

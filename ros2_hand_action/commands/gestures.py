"""`hand-action gestures`: train and evaluate gesture classifiers."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.commands import gesture_net
from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.commands.training import check_training_arguments, share_bar
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.gesture_net_crop import PRESETS
from ros2_hand_action.perception.gestures import (
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.hands import create_hand_detector
from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.training.dataset import (
    LABELS_FILE,
    LabelledPicture,
    read_labelled_pictures,
)
from ros2_hand_action.training.gesture_evaluation import evaluate_gestures
from ros2_hand_action.training.gesture_head import HeadOptions, learn_head
from ros2_hand_action.training.gesture_training import (
    FOLDS,
    TrainingSet,
    check_training_set,
    collect_hands,
    cross_validate,
    order_labels,
    rename_none,
)
from ros2_hand_action.training.hand_views import HandViewOptions, create_hand_viewer
from ros2_hand_action.training.head_file import save_head
from ros2_hand_action.training.network import NetworkOptions

_FOLDER_HELP = f'pictures and {LABELS_FILE} (file,label), or one folder of pictures per label'
_NAMED_PICTURES = 10
"""Pictures that could not be used are named up to this many."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    _configure_train(actions.add_parser(
        'train',
        help='learn your own gestures from pictures',
        description='Learn to name gestures from labelled pictures, print how well that works on '
        'pictures held back, and write a classifier that nodes and evaluate take as their '
        f'model. The label {NONE!r} is for hands that show none of the gestures: the more '
        'kinds of them, the fewer false alarms.',
    ))
    gesture_net.configure(actions.add_parser(
        'train-net',
        help='learn the open GestureNet, a network on crops of hands',
        description='Learn a network on crops of hands that has the inputs, outputs and labels '
        "of NVIDIA's GestureNet, write it as an ONNX file, and print how well the file names "
        'pictures held back.',
    ))
    _configure_evaluate(actions.add_parser(
        'evaluate',
        help='precision, recall, F1 and confusion on a folder of pictures',
        description='Name the gesture of each picture and compare it with the label: that of the '
        f'most confident hand that shows one, {NONE!r} where no hand does. A label that the '
        f'classifier does not know counts as {NONE!r}.',
    ))


def _configure_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('folder', type=Path, metavar='DIR', help=_FOLDER_HELP)
    parser.add_argument(
        '--out', type=Path, required=True, metavar='FILE', help='the classifier, an .onnx file'
    )
    parser.add_argument(
        '--none', action='append', default=[], metavar='LABEL', dest='none_labels',
        help=f'a label that counts as {NONE!r}; may be repeated',
    )
    parser.add_argument(
        '--views', type=int, default=HandViewOptions.count, metavar='N',
        help='looks at each picture: as it is, then as if farther, blurred, lit otherwise '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--epochs', type=int, default=NetworkOptions.epochs, metavar='N',
        help='passes over all views (default: %(default)s, more where there are few)',
    )
    parser.add_argument(
        '--none-weight', type=float, default=HeadOptions.none_weight, metavar='X',
        help=f'what a hand of {NONE!r} counts: more names fewer gestures (default: %(default)s)',
    )
    parser.add_argument('--seed', type=int, default=NetworkOptions.seed, metavar='N')
    parser.add_argument('--threads', type=int, default=os.cpu_count() or 1, metavar='N')
    parser.set_defaults(execute=train_folder)


def _configure_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('folder', type=Path, metavar='DIR', help=_FOLDER_HELP)
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures here')
    parser.add_argument(
        '--model', default=GestureClassifierOptions.model, metavar='NAME|FILE',
        help='a classifier of the model catalogue, or an .onnx file made by train or train-net '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--crop-preset', choices=tuple(PRESETS), default=GestureClassifierOptions.crop_preset,
        help='how a GestureNet wants its crops (default: %(default)s)',
    )
    parser.add_argument('--threads', type=int, default=os.cpu_count() or 1, metavar='N')
    parser.set_defaults(execute=evaluate_folder)


def train_folder(arguments: argparse.Namespace) -> int:
    """Learn a classifier, print its cross-validation, write it."""
    check_training_arguments(arguments, {'epochs': 1, 'none_weight': 0.01, 'seed': 0})
    pictures = rename_none(read_labelled_pictures(arguments.folder), arguments.none_labels)
    data = _look_at(pictures, arguments)
    _report_unused(data)
    for warning in check_training_set(data):
        print(f'warning: {warning}', file=sys.stderr)
    network = NetworkOptions(epochs=arguments.epochs, seed=arguments.seed)
    options = replace(HeadOptions(), none_weight=arguments.none_weight, network=network)
    with share_bar('learning', FOLDS + 1) as bar:
        report = cross_validate(data, options, bar.update)
        head = learn_head(data.samples, data.labels, options, bar.update)
    print(f'Pictures held back in turn, {FOLDS} parts (people may be in several of them):')
    print(report.format())
    save_head(head, arguments.out)
    print(f'wrote {arguments.out}')
    return 0


def evaluate_folder(arguments: argparse.Namespace) -> int:
    """Print the figures of a folder of pictures; write them as JSON where asked."""
    check_file(arguments.json, '--json')
    pictures = read_labelled_pictures(arguments.folder)
    session_options = SessionOptions(threads=arguments.threads)
    options = GestureClassifierOptions(arguments.model, arguments.crop_preset)
    with (
        create_gesture_classifier(options, session_options) as classifier,
        create_hand_detector(session_options=session_options) as detector,
    ):
        evaluation = evaluate_gestures(
            tqdm(pictures, unit='picture', file=sys.stderr),
            detector=detector, classifier=classifier,
        )
        networks = f'hands on {detector.description}; gestures on {classifier.description}'
    print(evaluation.format())
    print(networks)
    _name('not readable', evaluation.unreadable)
    _name('no hand found in', evaluation.without_hand)
    if arguments.json:
        write_json(arguments.json, {
            'model': arguments.model, 'networks': networks, **evaluation.to_json(),
        })
    return 0


def _look_at(pictures: list[LabelledPicture], arguments: argparse.Namespace) -> TrainingSet:
    with create_hand_viewer(
        HandViewOptions(count=arguments.views),
        SessionOptions(threads=arguments.threads, precision='fp32'),
    ) as viewer:
        return collect_hands(
            tqdm(pictures, desc='looking at hands', unit='picture', file=sys.stderr),
            labels=order_labels(picture.label for picture in pictures),
            viewer=viewer,
            seed=arguments.seed,
        )


def _report_unused(data: TrainingSet) -> None:
    counts = ', '.join(f'{label} {count}' for label, count in data.counts.items())
    print(f'{len(data.used)} pictures with a hand ({counts}), {len(data.samples.targets)} views')
    _name('not readable', data.unreadable)
    _name('no hand found in', [picture.path for picture in data.without_hand])


def _name(problem: str, paths: 'list[Path] | tuple[Path, ...]') -> None:
    if paths:
        named = ', '.join(str(path) for path in paths[:_NAMED_PICTURES])
        more = len(paths) - _NAMED_PICTURES
        rest = f' and {more} more' if more > 0 else ''
        print(f'{problem} {len(paths)} pictures: {named}{rest}', file=sys.stderr)

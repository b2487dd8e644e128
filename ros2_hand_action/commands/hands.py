"""`hand-action hands`: evaluate hand detection on labelled pictures."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.hand_options import MODELS, HandDetectorOptions
from ros2_hand_action.perception.hands import create_hand_detector
from ros2_hand_action.training.box_dataset import BOXES_FILE, read_boxed_pictures
from ros2_hand_action.training.hand_evaluation import TAIL_SCORE, evaluate_hands


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    evaluate = actions.add_parser(
        'evaluate',
        help='average precision on a folder of pictures',
        description=f'Find the hands of pictures and compare them with {BOXES_FILE}.',
    )
    evaluate.add_argument(
        'folder', type=Path, metavar='DIR',
        help=f'pictures and {BOXES_FILE} (file,xmin,ymin,xmax,ymax in pixels, a line per hand; '
        'a picture without a line shows no hand)',
    )
    evaluate.add_argument('--json', type=Path, metavar='FILE', help='write the figures here')
    evaluate.add_argument('--model', choices=MODELS, default=HandDetectorOptions.model)
    evaluate.add_argument('--threads', type=int, default=1, metavar='N')
    evaluate.set_defaults(execute=evaluate_folder)


def evaluate_folder(arguments: argparse.Namespace) -> int:
    """Print the figures of a folder of pictures; write them as JSON where asked."""
    check_file(arguments.json, '--json')
    pictures = read_boxed_pictures(arguments.folder)
    options = HandDetectorOptions(model=arguments.model, min_score=TAIL_SCORE)
    with create_hand_detector(options, SessionOptions(threads=arguments.threads)) as detector:
        evaluation = evaluate_hands(
            tqdm(pictures, unit='picture', file=sys.stderr),
            detector=detector,
            threshold=HandDetectorOptions.min_score,
        )
        networks = detector.description
    print(evaluation.format())
    print(f'networks on {networks}')
    for path in evaluation.unreadable:
        print(f'not a picture: {path}', file=sys.stderr)
    if arguments.json:
        figures = {'model': arguments.model, 'networks': networks, **evaluation.to_json()}
        write_json(arguments.json, figures)
    return 0

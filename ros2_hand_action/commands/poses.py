"""`hand-action poses`: evaluate 3D body poses on pictures with known joints."""

import argparse
import dataclasses
import sys
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.body_options import MODELS, BodyPoseOptions
from ros2_hand_action.perception.pose_metrics import PCK_DISTANCE_M, PoseScores
from ros2_hand_action.training import pose_dataset
from ros2_hand_action.training.pose_evaluation import evaluate_poses


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    evaluate = actions.add_parser(
        'evaluate',
        help='score 3D joints against a ground truth',
        description='Estimate the poses of people in pictures and compare them with the truth.',
        epilog=pose_dataset.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluate.add_argument('file', type=Path, metavar='FILE.json', help='the ground truth')
    evaluate.add_argument('--json', type=Path, metavar='FILE', help='write the figures here')
    evaluate.add_argument('--model', choices=MODELS, default=BodyPoseOptions.model)
    evaluate.add_argument(
        '--height', type=float, metavar='METRES', default=BodyPoseOptions.person_height_m,
        help='height of people for whom the file gives none (default: %(default)s)',
    )
    evaluate.add_argument('--threads', type=int, default=1, metavar='N')
    evaluate.set_defaults(execute=evaluate_file)


def evaluate_file(arguments: argparse.Namespace) -> int:
    """Print the figures of a ground-truth file; write them as JSON where asked."""
    check_file(arguments.json, '--json')
    dataset = pose_dataset.read_pose_dataset(arguments.file)
    scores = evaluate_poses(
        dataset,
        BodyPoseOptions(model=arguments.model, person_height_m=arguments.height),
        SessionOptions(threads=arguments.threads),
        tqdm(dataset.entries, unit='person', file=sys.stderr),
    )
    print(format_scores(scores))
    if arguments.json:
        figures = {'model': arguments.model, **dataclasses.asdict(scores)}
        write_json(arguments.json, figures)
    return 0


def format_scores(scores: PoseScores) -> str:
    """Return the figures as lines of text."""
    joints = '\n'.join(
        f'  {name:<16} {error:6.0f} mm' for name, error in scores.joint_mpjpe_mm.items()
    )
    return (
        f'found            {scores.found} of {scores.bodies} people\n'
        f'MPJPE            {scores.mpjpe_mm:.1f} mm, roots on each other\n'
        f'PA-MPJPE         {scores.pa_mpjpe_mm:.1f} mm\n'
        f'root distance    {100 * scores.root_distance_error:.1f} % off\n'
        f'PCK              {100 * scores.pck:.1f} % of the joints within '
        f'{1000 * PCK_DISTANCE_M:.0f} mm\n{joints}'
    )

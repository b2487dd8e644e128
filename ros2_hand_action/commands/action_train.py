"""`hand-action actions train`: learn to recognise actions from sequences of poses."""

import argparse
from dataclasses import replace
from pathlib import Path

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.commands.training import check_training_arguments, share_bar
from ros2_hand_action.training import action_sequences
from ros2_hand_action.training.action_judging import cross_validate_actions
from ros2_hand_action.training.action_report import JUDGING_VIEWS, report_actions
from ros2_hand_action.training.action_sources import read_sequences
from ros2_hand_action.training.action_training import (
    FOLDS,
    ActionTrainingOptions,
    add_made_sequences,
    collect_clips,
    learn_actions,
)
from ros2_hand_action.training.head_file import save_action_head


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = action_sequences.__doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument('folder', type=Path, metavar='DIR', help='the data sets')
    parser.add_argument(
        '--out', type=Path, required=True, metavar='FILE', help='the recogniser, an .onnx file'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures here')
    parser.add_argument(
        '--clips', type=int, default=ActionTrainingOptions.clips, metavar='N',
        help='clips to learn from for each source and label (default: %(default)s)',
    )
    parser.add_argument('--seed', type=int, default=0, metavar='N')
    parser.set_defaults(execute=train_folder)


def train_folder(arguments: argparse.Namespace) -> int:
    """Learn a recogniser, print its cross-validation, write it."""
    check_training_arguments(arguments, {'clips': 10, 'seed': 0})
    check_file(arguments.json, '--json')
    options = ActionTrainingOptions(clips=arguments.clips)
    options = replace(options, network=replace(options.network, seed=arguments.seed))
    real = read_sequences(arguments.folder, seed=arguments.seed)
    sequences = add_made_sequences(real, arguments.seed)
    with share_bar('looking at poses') as bar:
        samples = collect_clips(
            sequences, options=options, seed=arguments.seed, progress=bar.update
        )
    with share_bar('learning', FOLDS + 1) as bar:
        judgements = cross_validate_actions(
            sequences, samples, options, JUDGING_VIEWS, bar.update
        )
        head = learn_actions(samples, options, bar.update)
    save_action_head(head, arguments.out)
    print(f'wrote {arguments.out}')
    report = report_actions(judgements)
    print(f'{len(real)} sequences; people held back in turn, {FOLDS} parts:')
    print(report.format())
    if arguments.json:
        write_json(arguments.json, report.to_json())
    return 0

"""`hand-action actions train`: learn to recognise actions from sequences of poses."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.training import action_sequences
from ros2_hand_action.training.action_report import JUDGING_VIEWS, report_actions
from ros2_hand_action.training.action_sources import read_sequences
from ros2_hand_action.training.action_training import (
    FOLDS,
    ActionTrainingOptions,
    add_made_sequences,
    collect_clips,
    cross_validate_actions,
    learn_actions,
)
from ros2_hand_action.training.head_file import save_action_head

_ROUNDING = 1e-6
_BAR = '{l_bar}{bar}| [{elapsed}<{remaining}]'


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
    _check_training_arguments(arguments)
    options = ActionTrainingOptions(clips=arguments.clips)
    options = replace(options, network=replace(options.network, seed=arguments.seed))
    real = read_sequences(arguments.folder, seed=arguments.seed)
    sequences = add_made_sequences(real, arguments.seed)
    with tqdm(total=1 + _ROUNDING, desc='looking at poses', file=sys.stderr,
              bar_format=_BAR) as bar:
        samples = collect_clips(
            sequences, options=options, seed=arguments.seed, progress=bar.update
        )
    with tqdm(total=FOLDS + 1 + _ROUNDING, desc='learning', file=sys.stderr,
              bar_format=_BAR) as bar:
        judgements = cross_validate_actions(
            sequences, samples, options, JUDGING_VIEWS, bar.update
        )
        head = learn_actions(samples, options, bar.update)
    report = report_actions(judgements)
    print(f'{len(real)} sequences; people held back in turn, {FOLDS} parts:')
    print(report.format())
    if arguments.json:
        write_json(arguments.json, report.to_json())
    save_action_head(head, arguments.out)
    print(f'wrote {arguments.out}')
    return 0


def _check_training_arguments(arguments: argparse.Namespace) -> None:
    if arguments.out.suffix != '.onnx':
        raise ConfigError(f'--out is {str(arguments.out)!r}, give a file that ends in .onnx')
    if not arguments.out.parent.is_dir():
        raise ConfigError(f'--out is {str(arguments.out)!r}, but its folder does not exist')
    for name, least in (('clips', 10), ('seed', 0)):
        value = getattr(arguments, name)
        if not value >= least:
            raise ConfigError(f'--{name} is {value!r}, give {least} or more')

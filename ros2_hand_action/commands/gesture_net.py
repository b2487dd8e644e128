"""`hand-action gestures train-net`: learn the open GestureNet."""

import argparse
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.training.dataset import (
    LABELS_FILE,
    count_labels,
    read_labelled_pictures,
)
from ros2_hand_action.training.gesture_net_crops import CropSet, read_crops, split_crops
from ros2_hand_action.training.gesture_net_evaluation import judge_crops
from ros2_hand_action.training.gesture_net_file import build_gesture_net
from ros2_hand_action.training.gesture_net_training import (
    PRESET,
    NetOptions,
    import_torch,
    learn_gesture_net,
)
from ros2_hand_action.training.gesture_training import rename_none
from ros2_hand_action.training.head_file import save_model

_CPU = SessionOptions(backend='onnxruntime')
_BAR = '{l_bar}{bar}| [{elapsed}<{remaining}]'
_ROUNDING = 1e-6


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        'folder', type=Path, metavar='DIR',
        help=f'pictures of one hand each, from edge to edge, and {LABELS_FILE} (file,label), or '
        'one folder of them per label',
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='FILE', help='the network, an .onnx file'
    )
    parser.add_argument(
        '--none', action='append', default=[], metavar='LABEL', dest='none_labels',
        help=f'a label that counts as {NONE!r}; may be repeated',
    )
    parser.add_argument(
        '--hold-back', type=float, default=0.1, metavar='SHARE',
        help='share of the pictures of each label that is not taught, to judge it by '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--epochs', type=int, default=NetOptions.epochs, metavar='N',
        help='passes over the pictures (default: %(default)s)',
    )
    parser.add_argument('--seed', type=int, default=NetOptions.seed, metavar='N')
    parser.add_argument(
        '--threads', type=int, default=NetOptions.threads, metavar='N',
        help='of the processor (default: %(default)s; more are slower where others compute, too)',
    )
    parser.add_argument(
        '--device', choices=('auto', 'cpu', 'cuda'), default=NetOptions.device,
        help='default: cuda where there is one',
    )
    parser.set_defaults(execute=train_net)


def train_net(arguments: argparse.Namespace) -> int:
    """Learn the network, write it, and print what the file says of pictures held back."""
    _check(arguments)
    import_torch()
    pictures = rename_none(read_labelled_pictures(arguments.folder), arguments.none_labels)
    crops = read_crops(tqdm(pictures, desc='reading', unit='picture'))
    for path in crops.unreadable:
        print(f'not readable: {path}')
    learnt, held_back = split_crops(crops.targets, arguments.hold_back, arguments.seed)
    _learn(crops.take(learnt), arguments)
    session = create_session(arguments.out, _CPU)
    with GestureNet(session=session, preset=PRESET) as network:
        report = judge_crops(network, crops.take(held_back))
    print(f'Of {len(crops.pixels)} pictures, {len(held_back)} held back (people may be in both):')
    print(report.format())
    return 0


def _learn(crops: CropSet, arguments: argparse.Namespace) -> None:
    counts = count_labels(GESTURES[target] for target in sorted(crops.targets))
    print(', '.join(f'{label} {count}' for label, count in counts.items()))
    options = NetOptions(
        epochs=arguments.epochs, seed=arguments.seed, threads=arguments.threads,
        device=arguments.device,
    )
    with tqdm(total=1 + _ROUNDING, desc='learning', bar_format=_BAR) as bar:
        weights = learn_gesture_net(crops, options, bar.update)
    save_model(build_gesture_net(weights), arguments.out)
    print(f'wrote {arguments.out} ({arguments.out.stat().st_size / 1e6:.1f} MB)')


def _check(arguments: argparse.Namespace) -> None:
    if arguments.out.suffix != '.onnx' or not arguments.out.parent.is_dir():
        raise ConfigError(
            f'--out is {str(arguments.out)!r}, give an .onnx file in a folder that exists'
        )
    if not 0 < arguments.hold_back < 1:
        raise ConfigError(f'--hold-back is {arguments.hold_back!r}, give a share, 0 to 1')
    for name, least in (('epochs', 1), ('threads', 1), ('seed', 0)):
        value = getattr(arguments, name)
        if value < least:
            raise ConfigError(f'--{name} is {value!r}, give {least} or more')

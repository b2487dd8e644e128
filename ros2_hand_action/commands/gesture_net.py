"""`hand-action gestures train-net`: learn the open GestureNet."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import onnx
from tqdm import tqdm

from ros2_hand_action.commands.training import check_training_arguments, share_bar
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.inference import create_session
from ros2_hand_action.inference.session import InferenceSession, SessionOptions
from ros2_hand_action.models.store import model_path
from ros2_hand_action.perception.gesture_net import GestureNet
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.training.dataset import (
    LABELS_FILE,
    count_labels,
    read_labelled_pictures,
)
from ros2_hand_action.training.gesture_net_crops import CropSet, read_crops, split_crops
from ros2_hand_action.training.gesture_net_directions import find_directions, learn_directions
from ros2_hand_action.training.gesture_net_evaluation import judge_crops
from ros2_hand_action.training.gesture_net_file import (
    LANDMARKER,
    POINTER,
    PRESET,
    GestureNetBuilder,
)
from ros2_hand_action.training.gesture_net_training import (
    NetOptions,
    learn_heads,
    see_hands,
)
from ros2_hand_action.training.gesture_training import rename_none
from ros2_hand_action.training.head_file import save_model

_DEFAULTS = NetOptions()


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
        '--views', type=int, default=_DEFAULTS.views, metavar='N',
        help='looks at each picture: as it is, then in other light, place, size, sharpness '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--epochs', type=int, default=_DEFAULTS.head.network.epochs, metavar='N',
        help='passes over all looks (default: %(default)s)',
    )
    parser.add_argument(
        '--none-weight', type=float, default=_DEFAULTS.head.none_weight, metavar='X',
        help=f'what a hand of {NONE!r} counts: more names fewer gestures (default: %(default)s)',
    )
    parser.add_argument('--seed', type=int, default=_DEFAULTS.seed, metavar='N')
    parser.add_argument('--threads', type=int, default=os.cpu_count() or 1, metavar='N')
    parser.set_defaults(execute=train_net)


def train_net(arguments: argparse.Namespace) -> int:
    """Learn the network, write it, and print what the file says of pictures held back."""
    _check(arguments)
    builder = GestureNetBuilder(
        pointer=model_path(POINTER), landmarker=model_path(LANDMARKER)
    )
    pictures = rename_none(read_labelled_pictures(arguments.folder), arguments.none_labels)
    crops = read_crops(tqdm(pictures, desc='reading', unit='picture', file=sys.stderr))
    for path in crops.unreadable:
        print(f'not readable: {path}', file=sys.stderr)
    learnt, held_back = split_crops(crops.targets, arguments.hold_back, arguments.seed)
    _learn(crops.take(learnt), builder, arguments)
    options = SessionOptions(threads=arguments.threads, precision='fp32')
    session = create_session(arguments.out, options)
    with GestureNet(session=session, preset=PRESET) as network:
        report = judge_crops(network, crops.take(held_back))
    print(f'Of {len(crops.pixels)} pictures, {len(held_back)} held back (people may be in both):')
    print(report.format())
    return 0


def _learn(
    crops: CropSet, builder: GestureNetBuilder, arguments: argparse.Namespace
) -> None:
    counts = count_labels(GESTURES[target] for target in sorted(crops.targets))
    print(', '.join(f'{label} {count}' for label, count in counts.items()))
    network = replace(_DEFAULTS.head.network, epochs=arguments.epochs)
    head = replace(_DEFAULTS.head, none_weight=arguments.none_weight, network=network)
    options = replace(_DEFAULTS, views=arguments.views, seed=arguments.seed, head=head)
    count, threads = len(crops.pixels), arguments.threads
    with _opened(builder.build_view(), threads) as view, _bar('finding hands', count) as bar:
        found = find_directions(crops, view, bar.update)
    looks = options.views * int(found.known.sum())
    with _opened(builder.build_appearance(), threads) as part, _bar('turning', looks) as bar:
        directions = learn_directions(crops, found, part, options, bar.update)
    looks = options.views * count
    with _opened(builder.build_hands(directions), threads) as part, _bar('looking', looks) as bar:
        seen = see_hands(crops, part, options, bar.update)
    with share_bar('learning') as shares:
        heads = learn_heads(seen, options, shares.update)
    save_model(builder.build(directions, heads), arguments.out)
    print(f'wrote {arguments.out} ({arguments.out.stat().st_size / 1e6:.1f} MB)')


@contextmanager
def _opened(model: onnx.ModelProto, threads: int) -> Iterator[InferenceSession]:
    """Yield a session of a network that is in no file yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'part.onnx'
        save_model(model, path)
        session = create_session(path, SessionOptions(threads=threads, precision='fp32'))
        try:
            yield session
        finally:
            session.close()


def _bar(description: str, total: int) -> 'tqdm[NoReturn]':
    return tqdm(total=total, desc=description, unit='look', file=sys.stderr)


def _check(arguments: argparse.Namespace) -> None:
    check_training_arguments(
        arguments, {'views': 1, 'epochs': 1, 'threads': 1, 'seed': 0, 'none_weight': 0.01}
    )
    if not 0 < arguments.hold_back < 1:
        raise ConfigError(f'--hold-back is {arguments.hold_back!r}, give a share, 0 to 1')

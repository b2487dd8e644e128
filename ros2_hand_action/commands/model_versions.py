"""`hand-action models build` and `quantize`: engines beforehand, and networks in 8 bits."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from ros2_hand_action.commands.training import share_bar
from ros2_hand_action.errors import ConfigError, HandActionError, ModelError
from ros2_hand_action.inference import find_problem
from ros2_hand_action.inference.session import PRECISIONS
from ros2_hand_action.models.catalogue import find_asset, load_models
from ros2_hand_action.models.precision import is_quantised, precision_file
from ros2_hand_action.models.store import State, model_path, model_state

_SAMPLES = 200


def configure_build(parser: argparse.ArgumentParser) -> None:
    """Add the options of `models build`."""
    parser.add_argument(
        'names', nargs='*', metavar='NAME',
        help='models, or .onnx files of your own (default: all models that are here)'
    )
    parser.add_argument(
        '--precision', choices=PRECISIONS, default='fp32', help='(default: %(default)s)'
    )
    parser.set_defaults(execute=build)


def configure_quantize(parser: argparse.ArgumentParser) -> None:
    """Add the options of `models quantize`."""
    parser.add_argument('name', metavar='NAME', help='model')
    parser.add_argument(
        '--calibrate', type=Path, required=True, metavar='SOURCE',
        help='a bag, video or folder of pictures as the robot sees them',
    )
    parser.add_argument(
        '--params', type=Path, metavar='FILE',
        help='parameter file of the nodes, where another one than the default chooses the model',
    )
    parser.add_argument(
        '--samples', type=int, default=_SAMPLES, metavar='N',
        help='inputs of the network that are kept, half of them to compare (default: %(default)s)',
    )
    parser.set_defaults(execute=quantize)


def build(parsed: argparse.Namespace) -> int:
    """Build TensorRT engines into the cache, each that can be; status 1 if one cannot."""
    problem = find_problem('tensorrt')
    if problem:
        raise ConfigError(f'TensorRT engines cannot be built here: {problem}')
    networks, failed = _chosen(parsed.names), 0
    for network in networks:
        if not parsed.names and parsed.precision == 'int8' and not is_quantised(network):
            result = 'not quantised'
        else:
            try:
                result = 'built' if _build(network, parsed.precision) else 'was there'
            except (HandActionError, OSError, MemoryError) as error:
                failed += 1
                reason = ' '.join(str(error).split()) or type(error).__name__
                result = f'not built: {reason}'
        print(f'{network.stem} {parsed.precision}: {result}', flush=True)
    if failed:
        print(f'{failed} of {len(networks)} engines could not be built', file=sys.stderr)
    return 1 if failed else 0


def _build(network: Path, precision: str) -> bool:
    """Build an engine behind a bar; returns whether that was necessary."""
    from ros2_hand_action.inference.tensorrt.session import prepare_engine

    file = precision_file(network, precision)
    with tqdm(total=100, desc=network.stem, unit='%') as bar:
        return prepare_engine(file, precision=precision, progress=partial(_advance, bar))


def _advance(bar: 'tqdm[NoReturn]', phase: str, done: float) -> None:
    """Show a phase of building; each begins at 0 again."""
    bar.set_postfix_str(phase, refresh=False)
    bar.n = round(100 * done)
    bar.refresh()


def _chosen(names: list[str]) -> list[Path]:
    """Return the ONNX files of models by name, of files, or of all models that are here."""
    if not names:
        return [
            model_path(model.name) for model in load_models().values()
            if model_state(model) is State.READY
        ]
    return [_own_file(name) if name.endswith('.onnx') else model_path(name) for name in names]


def _own_file(name: str) -> Path:
    """Return the path of a file that exists; raises ModelError where it does not."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise ModelError(f'there is no network {name!r}: give a file that exists')
    return path


def quantize(parsed: argparse.Namespace) -> int:
    """Write a network in 8 bits and print how far its outputs move."""
    from ros2_hand_action.models.quantisation import LEAST_SAMPLES, quantise
    from ros2_hand_action.replay.calibration import collect_feeds

    if parsed.samples < LEAST_SAMPLES:
        raise ConfigError(f'--samples is {parsed.samples!r}, must be at least {LEAST_SAMPLES}')
    model = find_asset(load_models(), parsed.name)
    path = model_path(model.name)
    with tqdm(desc='seeing', unit=' images') as bar:
        samples = collect_feeds(
            model, parsed.calibrate, size=parsed.samples, params=parsed.params,
            on_image=bar.update,
        )
    print(f'quantising on {(len(samples) + 1) // 2} of {len(samples)} inputs', file=sys.stderr)
    with share_bar('trying layers') as bar:
        made = quantise(path, samples, bar.update)
    print(f'{"output":20} {"median change":>14} {"p95":>10} {"range":>10}')
    for each in made.differences:
        print(f'{each.name:20} {each.median:14.4g} {each.p95:10.4g} {each.spread:10.4g}')
    print(f'{made.layers} of {made.of} layers are in 8 bits, the others lose too much')
    print(made.path)
    return 0

"""`hand-action models build` and `quantize`: engines beforehand, and networks in 8 bits."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tqdm import tqdm

from ros2_hand_action.commands.engine_build import build_engine
from ros2_hand_action.commands.training import share_bar
from ros2_hand_action.errors import ConfigError, HandActionError, ModelError
from ros2_hand_action.inference import find_problem
from ros2_hand_action.inference.session import PRECISIONS
from ros2_hand_action.inference.substituting import open_instead
from ros2_hand_action.models.catalogue import Model, find_asset, load_models
from ros2_hand_action.models.precision import is_quantised, precision_file
from ros2_hand_action.models.store import State, model_path, model_state

if TYPE_CHECKING:
    from ros2_hand_action.replay.recording import RecordedFrame
    from ros2_hand_action.training.precision_figures import PrecisionTask

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
        help='a bag, video or folder of pictures as the robot sees them; with labels.csv, '
        'a folder per label or boxes.csv also the figure of the task is compared',
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
    file = precision_file(network, precision)
    with tqdm(total=100, desc=network.stem, unit='%') as bar:
        return build_engine(file, precision, partial(_advance, bar))


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
    """Write a network in 8 bits; print how far its outputs move, and what the task loses."""
    from ros2_hand_action.models.quantisation import LEAST_SAMPLES, quantise
    from ros2_hand_action.replay.calibration import collect_feeds
    from ros2_hand_action.training.precision_figures import choose_task

    if parsed.samples < LEAST_SAMPLES:
        raise ConfigError(f'--samples is {parsed.samples!r}, must be at least {LEAST_SAMPLES}')
    model = find_asset(load_models(), parsed.name)
    path = model_path(model.name)
    task = choose_task(model, parsed.calibrate, parsed.params)
    seen: list[RecordedFrame] = []
    with tqdm(desc='seeing', unit=' images') as bar:

        def note(answer: 'RecordedFrame') -> None:
            seen.append(answer)
            bar.update()

        samples = collect_feeds(
            model, parsed.calibrate, size=parsed.samples, params=parsed.params, on_answer=note
        )
    print(f'quantising on {(len(samples) + 1) // 2} of {len(samples)} inputs', file=sys.stderr)
    with share_bar('trying layers') as bar:
        made = quantise(path, samples, bar.update)
    print(f'{"output":20} {"median change":>14} {"p95":>10} {"range":>10}')
    for each in made.differences:
        print(f'{each.name:20} {each.median:14.4g} {each.p95:10.4g} {each.spread:10.4g}')
    others = ', the others lose too much' if made.layers < made.of else ''
    print(f'{made.layers} of {made.of} layers are in 8 bits{others}')
    if task is not None:
        print(_compare_figures(task, path, made.path))
    else:
        print(_compare_answers(model, parsed, seen, made.path))
    print(made.path)
    return 0


def _compare_figures(task: 'PrecisionTask', single: Path, quantised: Path) -> str:
    """Return the task's figure in both precisions as a line."""
    show = partial(tqdm, desc=f'{task.figure} in fp32 and int8', unit=' pictures')
    (before, pictures), (after, _) = task.measure([single, quantised], show)
    return (
        f'{task.figure} on {pictures} labelled pictures, which the calibration saw, too: '
        f'fp32 {before:.4f}, int8 {after:.4f}'
    )


def _compare_answers(
    model: Model, parsed: argparse.Namespace, seen: 'list[RecordedFrame]', quantised: Path
) -> str:
    """Return as a line how many answers to the source are the same in 8 bits."""
    from ros2_hand_action.replay.agreement import find_agreement
    from ros2_hand_action.replay.calibration import see

    with open_instead(model_path(model.name), quantised):
        images = see(model, parsed.calibrate, params=parsed.params)
        again = list(tqdm(images, 'seeing in int8', len(seen), unit=' images'))
    return (
        f'agreement on {len(seen)} images, which the calibration saw, too, and which have no '
        f'labels for this network: {find_agreement(model, seen, again).format()}'
    )

"""What half precision and 8 bits cost each task, in ONNX Runtime on the processor.

    hand-action models fetch && hand-action models fetch egohands_ssd
    hand-action models fetch walking_man jumping_jacks rooftop_dance
    python benchmarks/pose_ground_truth.py OUT_DIR
    python benchmarks/precision.py DATA --poses OUT_DIR/truth.json --json figures.json

DATA holds gestures_dev and gestures_train (docs/gestures.md), hand_boxes_dev (docs/hands.md) and
actions_train (docs/actions.md). Networks are calibrated on other pictures than those that are
judged. The user's own networks in 8 bits are left as they are.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
from own_cache import own_cache
from precision_tasks import TASKS, Figures, Task
from tqdm import tqdm

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.commands.folders import check_file
from ros2_hand_action.inference.observing import observe
from ros2_hand_action.inference.session import PRECISIONS
from ros2_hand_action.models.quantisation import quantise
from ros2_hand_action.models.store import model_path
from ros2_hand_action.replay.calibration import FeedSampler

BOUNDS = {'fp16': 0.005, 'int8': 0.02}
"""Largest loss against single precision."""
SAMPLES = 200


def quantise_networks(task: Task) -> None:
    """Write the networks of a task in 8 bits, calibrated by it."""
    samplers = {name: FeedSampler(SAMPLES) for name in task.networks}
    with ExitStack() as stack:
        for name, sampler in samplers.items():
            stack.enter_context(observe(model_path(name), sampler.take))
        task.calibrate()
    for name, sampler in samplers.items():
        with tqdm(total=1.001, desc=f'quantising {name}') as bar:
            made = quantise(model_path(name), sampler.samples, bar.update)
        print(f'{name}: {made.layers} of {made.of} layers in 8 bits', flush=True)


def compare(name: str, figures: dict[str, Figures]) -> Iterator[str]:
    """Yield a line of a table for each figure of a task."""
    for metric, (single, is_gain) in figures['fp32'].items():
        cells = [name, metric, f'{single:.4g}']
        for precision, bound in BOUNDS.items():
            value = figures[precision][metric].value
            loss = (single - value if is_gain else value - single) / single
            verdict = '' if loss <= bound else f' (more than {bound:.1%})'
            cells.append(f'{value:.4g}, {-loss if is_gain else loss:+.2%}{verdict}')
        yield f'| {" | ".join(cells)} |'


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data', type=Path, metavar='DATA')
    parser.add_argument('--poses', type=Path, metavar='FILE', help='truth.json; else no poses')
    parser.add_argument('--only', nargs='+', choices=TASKS, default=list(TASKS))
    parser.add_argument('--looks', type=int, default=5, help='at each pose (default: %(default)s)')
    parser.add_argument('--json', type=Path, metavar='FILE')
    parsed = parser.parse_args(arguments)
    check_file(parsed.json, '--json')
    found: dict[str, dict[str, Figures]] = {}
    with own_cache('models', 'sources', 'media'):
        for name in parsed.only:
            if name == 'poses' and not parsed.poses:
                print('no --poses: poses are left out')
                continue
            task = TASKS[name](parsed)
            quantise_networks(task)
            found[name] = {precision: task.measure(precision) for precision in PRECISIONS}
            print('\n'.join(compare(name, found[name])), flush=True)
    print('| task | figure | fp32 | fp16 | int8 |\n|---|---|---|---|---|')
    print('\n'.join(line for name in found for line in compare(name, found[name])))
    if parsed.json:
        write_json(parsed.json, {
            name: {precision: {metric: each.value for metric, each in figures.items()}
                   for precision, figures in by_precision.items()}
            for name, by_precision in found.items()
        })


if __name__ == '__main__':
    cv2.setNumThreads(1)
    main()

"""Every network of the catalogue, and the signatures of those that users bring, through
TensorRT-RTX's own parser and builder, without a GPU.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nvidia_networks import SIGNATURES, make_feeds, write_network

from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.precision import precision_file
from ros2_hand_action.models.quantisation import LEAST_SAMPLES, quantise
from ros2_hand_action.models.store import State, model_state, onnx_path

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / '.venv' / 'cuda_stand_in'
DEADLINE_S = 250
READY = [model for model in load_models().values() if model_state(model) is State.READY]


BROUGHT = [(name, batch) for name in SIGNATURES for batch in ('N', 1)]


def ask(paths):
    """Return what TensorRT-RTX says of each network, by its path."""
    if not (STAND_IN / '.ready').is_file():
        pytest.skip(f'no {STAND_IN}: run python tools/build_cuda_stand_in.py')
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / 'rtx_check.py'), *map(str, paths)],
        capture_output=True, text=True, timeout=DEADLINE_S, cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(STAND_IN), 'POLYGRAPHY_USE_TENSORRT_RTX': '1'},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
    return {line.pop('path'): line for line in lines}


@pytest.fixture(scope='module')
def answers():
    """Return what is said of the catalogue."""
    return ask(
        precision_file(onnx_path(model), precision)
        for model in READY for precision in ('fp32', 'fp16')
    )


@pytest.fixture(scope='module')
def brought(tmp_path_factory):
    """Return what is said of stand-ins for what users bring, by (name, batch, precision)."""
    folder = tmp_path_factory.mktemp('brought')
    paths = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('HAND_ACTION_CACHE', str(folder))
        for name, batch in BROUGHT:
            file = write_network(folder / f'{name}_{batch}.onnx', SIGNATURES[name], batch)
            paths |= {
                (name, batch, precision): precision_file(file, precision)
                for precision in ('fp32', 'fp16')
            }
        file = folder / 'gesturenet_N.onnx'
        noise = [make_feeds(SIGNATURES['gesturenet'], 1) for _ in range(LEAST_SAMPLES)]
        samples = [
            {name: array + np.float32(place) for name, array in feeds.items()}
            for place, feeds in enumerate(noise)
        ]
        paths['gesturenet', 'N', 'int8'] = quantise(file, samples).path
    found = ask(paths.values())
    return {key: found[str(path)] for key, path in paths.items()}


def test_default_models_are_here():
    assert {model.name for model in load_models().values() if model.default} <= {
        model.name for model in READY
    }


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
@pytest.mark.parametrize('model', READY, ids=lambda model: model.name)
def test_parser_and_builder_take_it(answers, model, precision):
    answer = answers[str(precision_file(onnx_path(model), precision))]
    assert answer['supported'], 'polygraphy finds operators without support'
    assert answer['bytes'] > 0, answer.get('error')
    assert answer['phases'], 'no progress was told'


@pytest.mark.parametrize(('name', 'batch', 'precision'), [
    *((*each, precision) for each in BROUGHT for precision in ('fp32', 'fp16')),
    ('gesturenet', 'N', 'int8'),
])
def test_what_users_bring_is_taken(brought, name, batch, precision):
    answer = brought[name, batch, precision]
    assert answer['supported'] and answer['bytes'] > 0, answer.get('error')

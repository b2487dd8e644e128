"""Every network of the catalogue through TensorRT-RTX's own parser and builder, without a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ros2_hand_action.models.catalogue import load_models
from ros2_hand_action.models.precision import precision_file
from ros2_hand_action.models.store import State, model_state, onnx_path

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / '.venv' / 'cuda_stand_in'
DEADLINE_S = 250
READY = [model for model in load_models().values() if model_state(model) is State.READY]


@pytest.fixture(scope='module')
def answers():
    """Return what TensorRT-RTX says of each network, by its path."""
    if not (STAND_IN / '.ready').is_file():
        pytest.skip(f'no {STAND_IN}: run python tools/build_cuda_stand_in.py')
    paths = [
        str(precision_file(onnx_path(model), precision))
        for model in READY for precision in ('fp32', 'fp16')
    ]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / 'rtx_check.py'), *paths],
        capture_output=True, text=True, timeout=DEADLINE_S, cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(STAND_IN), 'POLYGRAPHY_USE_TENSORRT_RTX': '1'},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
    return {line.pop('path'): line for line in lines}


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

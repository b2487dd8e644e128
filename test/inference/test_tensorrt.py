"""TensorRT without a GPU: real PyCUDA on a CUDA driver simulator, a stand-in for TensorRT."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / '.venv' / 'cuda_stand_in'
SIMULATOR = Path(__file__).parent / 'cuda_simulator'
DEADLINE_S = 250
LEAST_COVERAGE = 90

needs_stand_in = pytest.mark.skipif(
    not (STAND_IN / '.ready').is_file(),
    reason=f'no {STAND_IN}: run python tools/build_cuda_stand_in.py',
)


def run(*arguments, folders=(), device=True, **environment):
    """Run Python with the simulator in the place of libcuda."""
    driver = str(STAND_IN / 'libcuda.so.1')
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=DEADLINE_S, cwd=ROOT,
        env={
            **os.environ, 'PYTHONPATH': os.pathsep.join(map(str, folders)),
            'LD_LIBRARY_PATH': f'{STAND_IN}:{os.environ.get("LD_LIBRARY_PATH", "")}',
            'HAND_ACTION_BACKEND': 'auto',
            'PYTEST_ADDOPTS': '',  # those of the tests outside, such as -n, lose the coverage
            **({'LD_PRELOAD': driver} if device else {}), **environment,
        },
    )


def problem(**options):
    code = 'from ros2_hand_action.inference import find_problem; print(find_problem("tensorrt"))'
    done = run('-c', code, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_stand_in
def test_back_end_on_the_simulated_device(tmp_path):
    report = tmp_path / 'report.json'
    done = run(
        '-m', 'coverage', 'run', '--include', 'ros2_hand_action/inference/tensorrt/*',
        '--data-file', str(tmp_path / 'coverage'), '-m', 'pytest', '-p', 'no:cacheprovider',
        'test/inference/simulated_device.py',
        folders=(SIMULATOR, STAND_IN), SIM_CUDA_REPORT=str(report),
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    left = json.loads(report.read_text())
    assert not any(left.values()), f'left on the device at exit: {left}'
    covered = run(
        '-m', 'coverage', 'report', '--data-file', str(tmp_path / 'coverage'),
        f'--fail-under={LEAST_COVERAGE}', '--show-missing', device=False,
    )
    assert covered.returncode == 0, covered.stdout


@needs_stand_in
def test_process_that_ends_with_open_sessions_leaves_no_context(tmp_path):
    report = tmp_path / 'report.json'
    code = (
        'from ros2_hand_action.inference.tensorrt.bindings import load_bindings\n'
        'from ros2_hand_action.inference.tensorrt.context import DeviceContext\n'
        'DeviceContext(load_bindings())\n'
    )
    done = run('-c', code, folders=(SIMULATOR, STAND_IN), SIM_CUDA_REPORT=str(report))
    assert (done.returncode, done.stderr) == (0, '')
    assert json.loads(report.read_text())['contexts'] == 0


def test_machine_without_a_driver_is_told_apart():
    found = problem(folders=(SIMULATOR,), device=False, LD_LIBRARY_PATH='')
    if not found:
        pytest.skip('this machine has a device')
    assert 'NVIDIA driver' in found


@needs_stand_in
@pytest.mark.parametrize(('setting', 'folders', 'message'), [
    ({'SIM_CUDA_DEVICES': '0'}, (), 'the NVIDIA driver does not start (CUDA_ERROR_NO_DEVICE)'),
    ({}, (), 'no Python module tensorrt and pycuda (apt install'),
    ({}, (SIMULATOR,), 'no Python module pycuda'),
    ({}, (SIMULATOR, STAND_IN), ''),
])
def test_what_is_missing_is_named(setting, folders, message):
    found = problem(folders=folders, **setting)
    assert found.startswith(message) if message else not found


@needs_stand_in
def test_device_that_refuses_is_named():
    code = (
        'from ros2_hand_action.inference.tensorrt.bindings import load_bindings\n'
        'from ros2_hand_action.inference.tensorrt.context import DeviceContext\n'
        'DeviceContext(load_bindings())\n'
    )
    done = run('-c', code, folders=(SIMULATOR, STAND_IN), SIM_CUDA_REFUSE_CONTEXT='1')
    assert 'ModelError: cannot use GPU 0' in done.stderr

"""benchmarks/gpu.py without a GPU, and on the simulated one: a stand-in, not a measurement."""

import json

import pytest
from nvidia_networks import SIGNATURES, write_network
from test_tensorrt import ROOT, SIMULATOR, STAND_IN, needs_stand_in, run

SCRIPT = str(ROOT / 'benchmarks' / 'gpu.py')


@pytest.fixture
def networks(tmp_path):
    """Return networks with a free and with a fixed batch, and one that is damaged."""
    damaged = tmp_path / 'damaged.onnx'
    damaged.write_bytes(b'no network')
    return [
        str(write_network(tmp_path / 'free.onnx', SIGNATURES['gesturenet'])),
        str(write_network(tmp_path / 'fixed.onnx', SIGNATURES['gesturenet'], 1)), str(damaged),
    ]


def measure(tmp_path, networks, *options, **settings):
    figures = tmp_path / 'figures.json'
    settings = {'HAND_ACTION_CACHE': str(tmp_path), **settings}
    done = run(
        SCRIPT, '--only', *networks, '--seconds', '0.01', '--json', str(figures), *options,
        **settings,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    content = json.loads(figures.read_text())
    return content, {each['what']: each['why'] for each in content['not_done']}, done.stdout


def on_stand_in(tmp_path, networks, **settings):
    return measure(
        tmp_path, networks, folders=(SIMULATOR, STAND_IN),
        TENSORRT_BUILDS=str(tmp_path / 'builds'), **settings,
    )


@needs_stand_in
def test_stand_in_is_built_checked_and_timed(tmp_path, networks):
    content, not_done, text = on_stand_in(tmp_path, networks)
    assert content['devices'] == ['simulated GPU 0 sm_87']
    rows = {
        (row['network'], row['runtime'], row['precision'], row['batch']): row
        for row in content['rows']
    }
    free = {key[1:] for key in rows if key[0] == 'free'}
    assert free == {
        (runtime, precision, batch) for runtime in ('tensorrt', 'tensorrt, graph')
        for precision in ('fp32', 'fp16') for batch in (1, 4, 16)
    }
    assert {key[3] for key in rows if key[0] == 'fixed'} == {1}
    assert all(row['is_near'] and row['median_ms'] > 0 for row in rows.values())
    assert rows['free', 'tensorrt', 'fp32', 16]['parts'] == 2
    assert '16 in 2 parts' in text
    assert '(1, 3, 160, 160) only' in not_done['fixed fp32 batch 4']
    assert 'models quantize free' in not_done['free int8']
    assert 'damaged' in not_done
    assert len((tmp_path / 'builds').read_text().splitlines()) == 4


@needs_stand_in
def test_device_that_fails_is_told(tmp_path, networks):
    content, not_done, _ = on_stand_in(tmp_path, networks[:1], TENSORRT_FAULT='build')
    assert not content['rows']
    assert 'Could not find any implementation' in not_done['free fp32']
    content, not_done, _ = on_stand_in(tmp_path, networks[:1], TENSORRT_FAULT='execute')
    assert not content['rows']
    content, not_done, _ = on_stand_in(tmp_path, networks[:1], SIM_CUDA_NO_GRAPHS='1')
    assert 'no CUDA graph' in not_done['free fp32, graph']
    assert {row['runtime'] for row in content['rows']} == {'tensorrt'}


def test_without_a_device_it_says_so_and_ends(tmp_path, networks):
    content, not_done, text = measure(tmp_path, networks[:1], device=False, LD_LIBRARY_PATH='')
    if content['devices']:
        pytest.skip('this machine has a device')
    assert not content['rows']
    assert 'NVIDIA driver' in not_done['TensorRT engines: build, check, time']
    assert "ONNX Runtime's CUDA provider" in not_done
    assert 'not done:' in text


def test_processor_is_timed_on_request(tmp_path, networks):
    content, _, _ = measure(
        tmp_path, networks[:1], '--processor', device=False, LD_LIBRARY_PATH=''
    )
    if content['devices']:
        pytest.skip('this machine has a device')
    assert {(row['precision'], row['batch']) for row in content['rows']} == {
        (precision, batch) for precision in ('fp32', 'fp16') for batch in (1, 4, 16)
    }
    assert {row['runtime'] for row in content['rows']} == {'onnxruntime CPUExecutionProvider'}

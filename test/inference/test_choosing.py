"""Which back end is taken, in which precision, and what is said of it."""

import sys

import onnx
import pytest
from onnx import TensorProto, helper

from ros2_hand_action.errors import ConfigError, ModelError, UnsupportedNetworkError
from ros2_hand_action.inference import (
    BACKEND_VARIABLE,
    BACKENDS,
    choose_backend,
    choosing,
    create_session,
    openvino,
)
from ros2_hand_action.inference.openvino import compiled, library
from ros2_hand_action.inference.session import SessionOptions
from ros2_hand_action.models.catalogue import load_models


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Set what can be used here: problems by back end, and whether bf16 is native."""
    monkeypatch.delenv(BACKEND_VARIABLE, raising=False)
    problems = {'tensorrt': 'no GPU', 'openvino': '', 'onnxruntime': ''}
    monkeypatch.setattr(choosing, 'find_problem', problems.__getitem__)
    monkeypatch.setattr(openvino, 'is_bf16_native', lambda: True)
    return problems


@pytest.fixture
def network(tmp_path):
    """Return a network that doubles its image, under the name of one that bears bf16."""
    graph = helper.make_graph(
        [helper.make_node('Add', ['image', 'image'], ['double'])], 'tiny',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, ['N', 3])],
        [helper.make_tensor_value_info('double', TensorProto.FLOAT, ['N', 3])],
    )
    path = tmp_path / 'hand_landmark_full.onnx'
    opset = helper.make_opsetid('', 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def test_openvino_is_the_best_where_bf16_is_native():
    assert choose_backend('auto') == (
        'openvino', f'openvino in bf16, {openvino.PURPOSE}; not tensorrt: no GPU', 'bf16'
    )


def test_without_bf16_onnxruntime_is_taken(monkeypatch):
    monkeypatch.setattr(openvino, 'is_bf16_native', lambda: False)
    name, reason, precision = choose_backend('auto')
    assert (name, precision) == ('onnxruntime', 'fp32')
    assert 'not openvino: this processor does not compute in bf16' in reason
    assert choose_backend('openvino').precision == 'fp32'


def test_bf16_that_openvino_does_not_compute_is_not_claimed(network, monkeypatch):
    monkeypatch.setattr(compiled, 'computes_bf16', lambda: False)
    session = create_session(network)
    assert session.description.startswith('onnxruntime CPUExecutionProvider fp32 (')
    session.close()
    with pytest.raises(ModelError, match='does not compute in bf16'):
        create_session(network, SessionOptions(backend='openvino', precision='bf16'))


@pytest.mark.parametrize('precision', ['fp32', 'fp16', 'int8'])
def test_a_precision_that_is_asked_for_is_that_which_runs(precision):
    assert choose_backend('auto', precision)[::2] == ('onnxruntime', precision)
    assert choose_backend('openvino', precision)[::2] == ('openvino', precision)


def test_without_openvino_all_is_as_before(machine):
    machine['openvino'] = 'no Python module openvino'
    assert choose_backend('auto')[::2] == ('onnxruntime', 'fp32')
    with pytest.raises(ConfigError, match=r"'openvino' cannot be used: no Python module"):
        choose_backend('openvino')
    with pytest.raises(ConfigError, match='not onnxruntime: it does not compute in bf16'):
        choose_backend('auto', 'bf16')
    with pytest.raises(ConfigError, match="'onnxruntime' cannot be used: it does not .* bf16"):
        choose_backend('onnxruntime', 'bf16')


def test_a_device_comes_first(machine):
    machine['tensorrt'] = ''
    assert choose_backend('auto')[::2] == ('tensorrt', 'fp32')


def test_networks_that_were_not_measured_in_bf16_stay_exact(network):
    other = network.with_name('pose_landmark_full.onnx')
    assert choose_backend('auto', network=network).name == 'openvino'
    assert choose_backend('auto', network=other)[::2] == ('onnxruntime', 'fp32')
    assert choose_backend('openvino', network=other)[::2] == ('openvino', 'fp32')
    assert choose_backend('auto', 'bf16', network=other)[::2] == ('openvino', 'bf16')


def test_networks_of_bf16_are_models():
    assert set(load_models()) >= openvino.BF16_NETWORKS


def test_the_variable_says_what_auto_is(monkeypatch):
    monkeypatch.setenv(BACKEND_VARIABLE, 'onnxruntime')
    assert choose_backend('auto') == (
        'onnxruntime', f'onnxruntime in fp32, as {BACKEND_VARIABLE} says', 'fp32'
    )
    assert choose_backend('openvino').name == 'openvino'
    for nothing in ('', 'auto'):
        monkeypatch.setenv(BACKEND_VARIABLE, nothing)
        assert choose_backend('auto').name == 'openvino'
    monkeypatch.setenv(BACKEND_VARIABLE, 'cuneiform')
    with pytest.raises(ConfigError, match='cuneiform'):
        choose_backend('auto')


def test_a_network_that_is_refused_falls_back_and_says_why(network, monkeypatch):
    def refuse(path, options):
        raise UnsupportedNetworkError('OpenVINO cannot load it (no operator Cuneiform)')

    monkeypatch.setattr(openvino, 'open_session', refuse)
    session = create_session(network)
    assert session.description.startswith('onnxruntime CPUExecutionProvider fp32 (')
    assert 'not openvino: OpenVINO cannot load it (no operator Cuneiform)' in session.description
    session.close()
    with pytest.raises(ModelError, match='Cuneiform'):
        create_session(network, SessionOptions(backend='openvino'))


def test_openvino_that_does_not_load_is_told_and_done_without(network, monkeypatch):
    def fail():
        raise OSError('libtbb.so.12: cannot open shared object file')

    monkeypatch.setattr(library, 'load_core', fail)
    assert 'libtbb' in library.find_fault()
    session = create_session(network)
    assert 'onnxruntime' in session.description and 'libtbb' in session.description
    session.close()


def test_openvino_that_is_missing_is_told(monkeypatch):
    monkeypatch.setattr(library, 'find_spec', lambda name: None)
    monkeypatch.delitem(sys.modules, 'openvino', raising=False)
    assert library.find_problem() == 'no Python module openvino (pip install --no-deps openvino)'


def test_every_back_end_has_what_choosing_needs():
    for name in BACKENDS:
        module = choosing.load_backend(name)
        for function in ('find_problem', 'find_drawback', 'resolve_precision', 'open_session'):
            assert callable(getattr(module, function)), f'{name}: {function}'

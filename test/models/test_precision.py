import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models import precision as module
from ros2_hand_action.models.precision import derived_path, precision_file


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Return a file whose network multiplies rows of 8 by a matrix."""
    monkeypatch.setenv('HAND_ACTION_CACHE', str(tmp_path / 'cache'))
    weights = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node('MatMul', ['x', 'w'], ['y'])], 'tiny',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, ['N', 8])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, ['N', 4])],
        [numpy_helper.from_array(weights, 'w')],
    )
    opset = helper.make_opsetid('', 17)
    path = tmp_path / 'tiny.onnx'
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def run(path, rows):
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    return session.run(None, {'x': rows})[0]


def test_single_precision_is_the_file_itself(network):
    assert precision_file(network, 'fp32') == network


def test_half_precision_is_near_and_keeps_its_inputs_and_outputs(network):
    path = precision_file(network, 'fp16')
    [weights] = onnx.load(path).graph.initializer
    assert weights.data_type == TensorProto.FLOAT16
    rows = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
    found = run(path, rows)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, run(network, rows), atol=2e-2)


def test_half_precision_is_written_once_and_again_when_damaged(network, monkeypatch):
    path = precision_file(network, 'fp16')
    with monkeypatch.context() as patch:
        patch.setattr(module, 'half', lambda _: pytest.fail('it was there'))
        assert precision_file(network, 'fp16') == path
    path.write_bytes(b'damage')
    assert precision_file(network, 'fp16') == path
    onnx.checker.check_model(onnx.load(path))


def test_changed_network_has_other_versions(network):
    before = derived_path(network, 'fp16')
    network.write_bytes(network.read_bytes() + b'\x12\x00')
    assert derived_path(network, 'fp16') != before


def test_quantised_network_must_have_been_made(network):
    with pytest.raises(ModelError, match='run: hand-action models quantize tiny'):
        precision_file(network, 'int8')


def test_unknown_precision_is_named(network):
    with pytest.raises(ModelError, match=r"'fp8' does not exist, choose one of"):
        precision_file(network, 'fp8')


def test_file_that_is_no_network_is_named(network):
    network.write_bytes(b'no network')
    with pytest.raises(ModelError, match='cannot be written in half precision'):
        precision_file(network, 'fp16')


def test_full_disk_is_named(network, monkeypatch):
    def fail(path, data):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(module, 'write_atomically', fail)
    with pytest.raises(ModelError, match=r'No space left on device; make room'):
        precision_file(network, 'fp16')

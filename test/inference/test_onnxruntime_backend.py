import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ros2_hand_action.errors import ConfigError, ModelError, TensorMismatchError
from ros2_hand_action.inference import available_backends, create_session
from ros2_hand_action.inference.batches import MAX_BATCH, run_in_batches, run_rows
from ros2_hand_action.inference.session import SessionOptions


@pytest.fixture
def model_file(tmp_path):
    """Return a network that doubles its image and sums it up."""
    nodes = [
        helper.make_node('Add', ['image', 'image'], ['double']),
        helper.make_node('ReduceSum', ['image', 'axes'], ['sum'], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, 'tiny',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, ['N', 3])],
        [
            helper.make_tensor_value_info('double', TensorProto.FLOAT, ['N', 3]),
            helper.make_tensor_value_info('sum', TensorProto.FLOAT, ['N']),
        ],
        [helper.make_tensor('axes', TensorProto.INT64, [1], [1])],
    )
    path = tmp_path / 'tiny.onnx'
    opset = helper.make_opsetid('', 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.fixture
def session(model_file):
    session = create_session(model_file)
    yield session
    session.close()


def test_outputs_come_by_name(session):
    image = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    outputs = session.run({'image': image})
    np.testing.assert_array_equal(outputs['double'], 2 * image)
    np.testing.assert_array_equal(outputs['sum'], [6, 15])


def test_inputs_and_outputs_are_described(session):
    assert [str(spec) for spec in session.inputs] == ['image: float32 (?, 3)']
    assert [spec.name for spec in session.outputs] == ['double', 'sum']
    assert session.description.startswith('onnxruntime ')
    assert session.description.endswith('ExecutionProvider fp32')


@pytest.mark.parametrize(('feeds', 'message'), [
    ({'image': np.zeros((2, 4), np.float32)}, r'float32 \(\?, 3\).*float32 \(2, 4\)'),
    ({'image': np.zeros((2, 3), np.float64)}, r'float32 \(\?, 3\).*float64 \(2, 3\)'),
    ({'image': np.zeros(3, np.float32)}, r'float32 \(\?, 3\).*float32 \(3\)'),
    ({'picture': np.zeros((2, 3), np.float32)}, r"\['image'\].*\['picture'\]"),
    ({}, r"\['image'\].*\[\]"),
])
def test_a_mismatch_prints_both_sides(session, feeds, message):
    with pytest.raises(TensorMismatchError, match=message):
        session.run(feeds)


def test_warm_up_runs(session):
    session.warm_up()


def test_close_frees_and_may_be_repeated(session):
    session.close()
    session.close()
    with pytest.raises(ModelError, match=r'tiny\.onnx.*closed'):
        session.run({'image': np.zeros((1, 3), np.float32)})


@pytest.mark.parametrize('content', [b'', b'not a network', b'\x08\x08\x12\x04' * 50])
def test_a_damaged_file_names_itself_and_the_way_out(tmp_path, content):
    path = tmp_path / 'damaged.onnx'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r'damaged\.onnx.*hand-action models verify'):
        create_session(path)


def test_a_missing_file_names_itself_and_the_way_out(tmp_path):
    with pytest.raises(ModelError, match=r'absent\.onnx.*hand-action models fetch'):
        create_session(tmp_path / 'absent.onnx')


def test_back_ends_are_chosen_by_name(model_file):
    assert 'onnxruntime' in available_backends()
    create_session(model_file, SessionOptions(backend='onnxruntime', threads=2)).close()
    with pytest.raises(ConfigError, match=r"'cuneiform'.*onnxruntime"):
        create_session(model_file, SessionOptions(backend='cuneiform'))


@pytest.mark.parametrize('threads', [0, -1])
def test_threads_must_be_positive(threads):
    with pytest.raises(ConfigError, match=f'threads.*{threads}'):
        SessionOptions(threads=threads)


@pytest.mark.parametrize('count', [0, 1, MAX_BATCH, 2 * MAX_BATCH + 1])
def test_batches_return_one_result_for_each_image(session, count):
    images = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
    outputs = run_in_batches(session, images)
    np.testing.assert_array_equal(outputs['double'], 2 * images)
    np.testing.assert_array_equal(outputs['sum'], images.sum(axis=1))


@pytest.mark.parametrize('count', [0, 1, 3, 4, 9])
def test_fixed_batch_is_filled_up(model_file, count):
    network = onnx.load(str(model_file))
    for value in (*network.graph.input, *network.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 3
    onnx.save(network, str(model_file))
    fixed = create_session(model_file)
    images = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
    outputs = run_rows(fixed, {'image': images})
    np.testing.assert_array_equal(outputs['double'], 2 * images)
    assert outputs['sum'].shape == (count,)
    fixed.close()

"""`hand-action models` as a user types it."""

import numpy as np
import onnx
import onnxruntime
import pytest

from ros2_hand_action.cli import main
from ros2_hand_action.commands import model_versions
from ros2_hand_action.models.fetch import write_atomically


@pytest.fixture
def model(own_catalogue, tflite_data):
    own_catalogue.add_package('p', registry='pypi', name='p', version='1', file='p-1.tar.gz')
    own_catalogue.add_package('n', registry='ngc', name='nvidia/x', version='v2')
    own_catalogue.add_model(
        'tiny', tflite_data, package='p', path=['tiny.tflite'], default=True
    )
    own_catalogue.add_model('big', b'', package='n', converter='none', instructions='Take it.')
    own_catalogue.add_medium('film', b'film', package='p', path=['film.mp4'], default=True)
    write_atomically(own_catalogue.cache / 'sources' / 'tiny.tflite', tflite_data)
    return own_catalogue


def test_list_shows_name_task_licence_source_size_state(model, capsys):
    assert main(['models', 'list']) == 0
    rows = [line.split('  ') for line in capsys.readouterr().out.splitlines()]
    cells = {row[0].strip(): [cell.strip() for cell in row if cell.strip()] for row in rows}
    assert cells['tiny *'][1:4] == ['testing', 'MIT', 'pypi p 1']
    assert cells['tiny *'][-1] == 'not fetched'
    assert cells['big'][-1] == 'bring by hand'
    assert cells['film *'][-1] == 'not fetched'


def test_fetch_then_path_then_verify(model, capsys):
    assert main(['models', 'fetch']) == 0
    assert main(['models', 'path', 'tiny']) == 0
    path = capsys.readouterr().out.strip()
    assert onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    assert main(['models', 'verify']) == 0
    assert 'tiny: ready' in capsys.readouterr().out


def test_fetch_by_name_takes_models_and_media(model, capsys):
    write_atomically(model.cache / 'media' / 'film.mp4', b'film')
    assert main(['models', 'fetch', 'tiny', 'film']) == 0
    assert '2 ready, 1 of them made now' in capsys.readouterr().err
    assert main(['models', 'path', 'film']) == 0
    assert capsys.readouterr().out.strip().endswith('film.mp4')


def test_fetch_all_leaves_out_what_is_brought_by_hand(model, capsys):
    write_atomically(model.cache / 'media' / 'film.mp4', b'film')
    assert main(['models', 'fetch', '--all']) == 0
    assert '2 ready' in capsys.readouterr().err


@pytest.mark.parametrize('file', ['models/tiny.onnx', 'sources/tiny.tflite', 'media/film.mp4'])
def test_verify_finds_damage(model, capsys, file):
    write_atomically(model.cache / 'media' / 'film.mp4', b'film')
    main(['models', 'fetch', '--media'])
    path = model.cache / file
    path.write_bytes(path.read_bytes()[:-1] + b'?')
    assert main(['models', 'verify']) == 1
    output = capsys.readouterr()
    assert 'damaged' in output.out
    assert 'models fetch' in output.err


def test_verify_holds_a_model_brought_by_hand_to_its_contract(model, capsys):
    write_atomically(model.cache / 'models' / 'big.onnx', b'not a network')
    assert main(['models', 'verify', 'big']) == 1
    assert 'is not an ONNX file' in capsys.readouterr().out
    main(['models', 'fetch'])
    tiny = onnx.load(str(model.cache / 'models' / 'tiny.onnx'))
    onnx.save(tiny, str(model.cache / 'models' / 'big.onnx'))
    assert main(['models', 'verify', 'big']) == 0
    tiny.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5
    onnx.save(tiny, str(model.cache / 'models' / 'big.onnx'))
    assert main(['models', 'verify', 'big']) == 1
    assert "input 'x' should have shape ('N', 4)" in capsys.readouterr().out


def test_export_holds_origin_licence_and_contract(model, tmp_path):
    main(['models', 'fetch'])
    target = tmp_path / 'out.onnx'
    assert main(['models', 'export', 'tiny', '--out', str(target)]) == 0
    written = onnx.load(str(target))
    properties = {entry.key: entry.value for entry in written.metadata_props}
    assert properties['licence'] == 'MIT'
    assert properties['source'] == 'pypi p 1 tiny.tflite'
    assert properties['input.x'] == '(N, 4)'
    session = onnxruntime.InferenceSession(str(target), providers=['CPUExecutionProvider'])
    values = np.array([[-1, 0, 2, 3], [4, -5, 6, -7]], np.float32)
    np.testing.assert_array_equal(session.run(None, {'x': values})[0], np.maximum(values, 0))


@pytest.mark.parametrize(
    'arguments', [['path', 'tinny'], ['fetch', 'tinny'], ['verify', 'tinny'],
                  ['export', 'tinny', '--out', 'x.onnx']]
)
def test_unknown_name_is_an_error_with_near_matches(model, capsys, arguments):
    assert main(['models', *arguments]) == 1
    assert 'did you mean tiny' in capsys.readouterr().err


@pytest.mark.parametrize('action', ['path', 'verify', 'fetch', 'build'])
def test_name_like_no_other_does_not_bring_the_whole_catalogue(model, capsys, monkeypatch, action):
    monkeypatch.setattr(model_versions, 'find_problem', lambda backend: '')
    assert main(['models', action, 'yolo']) == 1
    assert capsys.readouterr().err == (
        "hand-action models: error: the catalogue has no 'yolo'; see: hand-action models list\n"
    )


def test_export_to_a_folder_that_is_not_there(model, capsys):
    main(['models', 'fetch'])
    assert main(['models', 'export', 'tiny', '--out', '/nowhere/x.onnx']) == 1
    assert "cannot write '/nowhere/x.onnx'" in capsys.readouterr().err

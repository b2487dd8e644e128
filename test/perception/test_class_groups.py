import numpy as np
import pytest
import yaml

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.class_groups import load_class_groups
from ros2_hand_action.perception.labels import ACTIONS, OTHER


def test_kinetics_has_the_robots_actions_in_its_own_order():
    groups = load_class_groups()
    assert len(groups.classes) == 400
    assert (groups.classes[0], groups.classes[-1]) == ('abseiling', 'zumba')
    assert list(groups.classes) == sorted(groups.classes, key=str.lower)
    assert set(ACTIONS) <= set(groups.labels)
    assert groups.labels[-1] == OTHER


def test_probabilities_are_summed(tmp_path):
    path = tmp_path / 'groups.yaml'
    path.write_text('classes: [a, b, c, d]\ngroups: {x: [a, d], y: [c]}')
    groups = load_class_groups(path)
    assert groups.labels == ('x', 'y', OTHER)
    found = groups.sum(np.array([[0.1, 0.2, 0.3, 0.4], [0, 1, 0, 0]]))
    np.testing.assert_allclose(found, [[0.5, 0.3, 0.2], [0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize(('change', 'message'), [
    ({'groups': {'walk': ['walking']}}, "'walk' has classes that do not exist: .'walking'"),
    ({'groups': {'walk': ['a'], 'run': ['b', 'a']}}, r"\['a'\] are in two groups"),
    ({'groups': {'walk': ['a', 'a']}}, r"\['a'\] are in two groups"),
    ({'groups': {'walk': []}}, "'walk' has no class"),
    ({'groups': {'other': ['a']}}, "'other'"),
    ({'groups': {'walk': 'a'}}, "'walk' is 'a'"),
    ({'groups': None}, 'groups.yaml'),
    ({'classes': ['a', 'b', 'a']}, r"\['a'\] occur twice"),
    ({'classes': [1, 2]}, r'\[1, 2\]'),
])
def test_mistake_is_named_with_the_file(tmp_path, change, message):
    path = tmp_path / 'groups.yaml'
    path.write_text(yaml.safe_dump({'classes': ['a', 'b'], 'groups': {'g': ['a']}, **change}))
    with pytest.raises(ConfigError, match=message) as caught:
        load_class_groups(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('text', ['', '[', '3'])
def test_file_that_is_none(tmp_path, text):
    path = tmp_path / 'groups.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match='cannot be used'):
        load_class_groups(path)
    with pytest.raises(ConfigError, match='cannot be used'):
        load_class_groups(tmp_path / 'absent.yaml')

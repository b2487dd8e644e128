"""Options of a replay by name."""

from pathlib import Path

import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.replay.named_options import make_replay_options

FOLDER = Path('/tests')


def make(**values):
    return make_replay_options(values, origin='a.yaml', folder=FOLDER)


def test_names_of_both_parts_are_known():
    options = make(bodies=True, params='nodes.yaml', start_s=2, image_topic='/image')
    assert options.pipeline.bodies is True
    assert options.pipeline.params == FOLDER / 'nodes.yaml'
    assert (options.selection.start_s, options.selection.image_topic) == (2.0, '/image')


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'bodys': True}, r"no replay option 'bodys' \(did you mean bodies\?\); there are "),
        ({'bodies': 1}, 'must be of type bool'),
        ({'start_s': -1}, 'a number of 0 or more'),
        ({'start_s': True}, 'a number of 0 or more'),
        ({'params': 3}, 'must be a path'),
        ({'image_topic': 3}, 'must be of type str'),
    ],
)
def test_what_cannot_be_used_is_named(values, words):
    with pytest.raises(ConfigError, match=words) as caught:
        make(**values)
    assert str(caught.value).startswith('a.yaml: ')


@pytest.mark.parametrize('values', [{'bodys': True}, {'start_s': 'abc'}])
def test_the_place_is_named_where_it_is_known(values):
    (name,) = values
    with pytest.raises(ConfigError, match=rf'a.yaml:4:3: .*{name}'):
        make_replay_options(
            {'bodies': True, **values}, origin='a.yaml', folder=FOLDER,
            places={'bodies': 'a.yaml:3:3', name: 'a.yaml:4:3'},
        )

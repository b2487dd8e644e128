import json

import pytest

from ros2_hand_action.commands.figures import write_json
from ros2_hand_action.errors import DatasetError


def test_figures_come_back(tmp_path):
    write_json(tmp_path / 'figures.json', {'ap50': 0.5})
    assert json.loads((tmp_path / 'figures.json').read_text()) == {'ap50': 0.5}


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / 'no folder' / 'figures.json'
    with pytest.raises(DatasetError, match=r'no folder.*change --json'):
        write_json(path, {})

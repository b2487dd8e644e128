"""Robot and base station in network namespaces of their own, over a virtual cable."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.store import media_path

SCRIPT = Path(__file__).parents[2] / 'benchmarks' / 'two_machines.py'
RAW_BYTES = 640 * 360 * 3


@pytest.fixture
def two_machines() -> Any:
    spec = importlib.util.spec_from_file_location('two_machines', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.missing():
        pytest.skip(module.missing())
    return module


@pytest.mark.parametrize('case', ['compressed', 'server'])
def test_compressed_images_go_to_the_base_and_gestures_come_back(
    two_machines, hand_models, case
):
    try:
        source = str(media_path('jumping_jacks'))
    except HandActionError as error:
        pytest.skip(str(error))
    found = two_machines.measure(
        two_machines.CASES[case],
        source=source, messages=4, domain_id=int(os.environ['ROS_DOMAIN_ID']),
    )
    assert 1000 < found['bytes_per_image'] < RAW_BYTES / 4

"""What `make bench` prints of where the time goes."""

from importlib import import_module
from pathlib import Path

import pytest

from ros2_hand_action.nodes.statistics import STAGES

BENCHMARKS = Path(__file__).parents[2] / 'benchmarks'


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module('bench')


def make_row(hands, start):
    return {
        'width_px': 640, 'height_px': 480, 'hands': hands,
        'ours': {'stages_ms': {
            node: {
                f'{stage} {spread} (ms)': start + place + (0.5 if spread == 'p95' else 0)
                for place, stage in enumerate(STAGES) for spread in ('p50', 'p95')
            }
            for node in ('hand_detector', 'gesture_classifier')
        }},
    }


def test_each_row_is_split_into_stages_by_node(bench):
    head, *lines = bench.tabulate_stages([make_row(1, 10), make_row(2, 20)]).splitlines()
    assert [word for word in head.split() if word in STAGES] == list(STAGES)
    assert [line.split() for line in lines] == [
        ['640x480', str(hands), node,
         *(f'{start + place + more:.2f}' for place in range(len(STAGES)) for more in (0, 0.5))]
        for hands, start in ((1, 10), (2, 20))
        for node in ('hand_detector', 'gesture_classifier')
    ]

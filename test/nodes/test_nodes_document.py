"""docs/nodes.md says what the code does."""

from pathlib import Path

import pytest
import yaml

from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.action_recognizer import ActionRecognizerNode
from ros2_hand_action.nodes.base import COMMON_PARAMETERS
from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.gesture_commander import GestureCommanderNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.lifecycle_manager import LifecycleManagerNode
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.parameters import NodeParameter
from ros2_hand_action.nodes.statistics import STAGES
from ros2_hand_action.nodes.video_source import VideoSourceNode
from ros2_hand_action.resources import config_path

DOCUMENT = Path(__file__).parents[2] / 'docs' / 'nodes.md'
NODES = {
    'video_source': VideoSourceNode,
    'hand_detector': HandDetectorNode,
    'gesture_classifier': GestureClassifierNode,
    'body_pose_estimator': BodyPoseEstimatorNode,
    'action_recognizer': ActionRecognizerNode,
    'overlay': OverlayNode,
    'gesture_commander': GestureCommanderNode,
    'lifecycle_manager': LifecycleManagerNode,
}


@pytest.fixture(scope='module')
def document() -> str:
    return DOCUMENT.read_text(encoding='utf-8')


def section(document: str, title: str) -> str:
    return document.partition(f'\n## {title}\n')[2].partition('\n## ')[0]


def row(parameter: NodeParameter) -> str:
    """Return the parameter's row of the table."""
    values = ' \\| '.join(parameter.choices)
    if parameter.low is not None:
        values = f'{parameter.low:g} to {parameter.high:g}'
    default = parameter.default
    shown = str(default).lower() if isinstance(default, bool) else repr(default).replace("'", '"')
    cells = (f'`{parameter.name}`', shown, values, parameter.change.value, parameter.description)
    return '| ' + ' | '.join(cells) + ' |'


@pytest.mark.parametrize('name', NODES)
def test_parameters(document, name):
    expected = [row(parameter) for parameter in (*COMMON_PARAMETERS, *NODES[name].PARAMETERS)]
    rows = [line for line in section(document, name).splitlines() if line.startswith('| `')]
    found = [line for line in rows if line.count(' | ') >= 4]
    assert found == expected, 'the table should be:\n' + '\n'.join(expected)


def test_topics(document):
    names = [
        value
        for name, value in vars(topics).items()
        if name.isupper() and isinstance(value, str) and '/' not in value
    ]
    for name in (*names, topics.OVERLAY_IMAGE, topics.DIAGNOSTICS, topics.TF):
        assert f'`{name}`' in section(document, 'Topics'), name


def test_stages(document):
    for stage in STAGES:
        assert f'`{stage}`' in section(document, 'Diagnostics'), stage


@pytest.mark.parametrize('name', NODES)
def test_default_file_holds_the_defaults(name):
    content = yaml.safe_load(config_path('default.yaml').read_text())
    given = content[f'/**/{name}']['ros__parameters']
    defaults = {parameter.name: parameter.default for parameter in NODES[name].PARAMETERS}
    assert given.keys() <= defaults.keys()
    if name == 'video_source':  # the first camera
        assert given.pop('source') == '0'
    assert given == {key: defaults[key] for key in given}
    assert all(type(value) is type(defaults[key]) for key, value in given.items())


def test_default_file_names_nodes_only():
    content = yaml.safe_load(config_path('default.yaml').read_text())
    assert content.keys() == {'/**', *(f'/**/{name}' for name in NODES)}

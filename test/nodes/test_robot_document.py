"""docs/robot.md and the security policy say what the code does."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from ros2_hand_action.nodes.body_pose_estimator import BodyPoseEstimatorNode
from ros2_hand_action.nodes.gesture_classifier import GestureClassifierNode
from ros2_hand_action.nodes.gesture_commander import GestureCommanderNode
from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.launch_arguments import (
    CAMERA_ARGUMENTS,
    REPLAY_ARGUMENTS,
    SYSTEM_ARGUMENTS,
    Argument,
)
from ros2_hand_action.nodes.lifecycle_manager import LifecycleManagerNode
from ros2_hand_action.nodes.node_classes import NODES
from ros2_hand_action.nodes.overlay import OverlayNode
from ros2_hand_action.nodes.video_source import VideoSourceNode
from ros2_hand_action.resources import config_path

ROOT = Path(__file__).parents[2]
DOCUMENTS = ('robot.md', 'multi_machine.md', 'tutorial.md')
TABLES = {
    'hand_action.launch.py': SYSTEM_ARGUMENTS,
    'camera.launch.py': CAMERA_ARGUMENTS,
    'replay.launch.py': REPLAY_ARGUMENTS,
}
POLICY = config_path('sros2/hand_action.policy.xml')


@pytest.fixture(scope='module')
def document() -> str:
    return (ROOT / 'docs' / 'robot.md').read_text(encoding='utf-8')


def row(argument: Argument) -> str:
    default = f'`{argument.default}`' if argument.default else ''
    if argument.name == 'params_file':
        default = "the package's config/default.yaml"
    choices = ' \\| '.join(argument.choices)
    return f'| `{argument.name}` | {default} | {choices} | {argument.description} |'


@pytest.mark.parametrize('name', TABLES)
def test_launch_arguments(document, name):
    section = document.partition(f'\n### {name}\n')[2].partition('\n#')[0]
    rows = [line for line in section.splitlines() if line.startswith('| `')]
    expected = [row(argument) for argument in TABLES[name]]
    assert rows == expected, 'the table should be:\n' + '\n'.join(expected)


def test_messages(document):
    section = document.partition('\n## Messages\n')[2].partition('\n## ')[0]
    rows = [line for line in section.splitlines() if line.startswith('| [')]
    assert rows == [
        f'| [{path.stem}](../msg/{path.name}) | {path.read_text().splitlines()[0][2:]} |'
        for path in sorted(ROOT.glob('msg/*.msg'))
    ]


def test_tests_that_are_named_exist(document):
    named = re.findall(r'`(test/[\w/]+\.py)::(\w+)`', document)
    assert len(named) > 10
    for path, name in named:
        assert f'def {name}(' in (ROOT / path).read_text(encoding='utf-8'), f'{path}::{name}'


@pytest.mark.parametrize('name', DOCUMENTS)
def test_commands_name_arguments_that_exist(name):
    text = (ROOT / 'docs' / name).read_text(encoding='utf-8')
    commands = re.findall(r'ros2 launch ros2_hand_action (\w+\.launch\.py)([^\n|#`]*)', text)
    for file, arguments in commands:
        known = {each.name for each in (*TABLES[file], *SYSTEM_ARGUMENTS)}
        assert {*re.findall(r'(\w+):=', arguments)} <= known


@pytest.mark.parametrize('name', DOCUMENTS)
def test_links_lead_somewhere(name):
    text = (ROOT / 'docs' / name).read_text(encoding='utf-8')
    for target in re.findall(r'\]\(([^)#:]+)(?:#[\w-]*)?\)', text):
        assert (ROOT / 'docs' / target).exists(), target


def _allowed(profile: ElementTree.Element, kind: str, way: str) -> set[str]:
    path = f'{kind}s[@{way}="ALLOW"]/{kind}'
    names = [each.text.replace('~', profile.get('node')) for each in profile.findall(path)]
    return {f'/{name.lstrip("/")}' for name in names}


def test_the_policy_is_for_every_node():
    profiles = ElementTree.parse(POLICY).iter('profile')
    assert [profile.get('node') for profile in profiles] == [*NODES]


def test_the_policy_of_separate_enclaves_says_the_same():
    separate = ElementTree.parse(POLICY.with_name('each_node.policy.xml'))
    for profile in ElementTree.parse(POLICY).iter('profile'):
        node = profile.get('node')
        (alone,) = separate.findall(f'enclaves/enclave[@path="/hand_action/{node}"]/profiles/*')
        assert ElementTree.tostring(alone).split() == ElementTree.tostring(profile).split()


def test_the_policy_allows_what_nodes_do(
    start_nodes, probe, tracker, body_tracker, tmp_path
):
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((24, 32, 3), np.uint8))
    probe.listen(CompressedImage, 'overlay/image/compressed')
    nodes = [
        start_nodes(HandDetectorNode, publish_tf=True),
        start_nodes(GestureClassifierNode),
        start_nodes(BodyPoseEstimatorNode),
        start_nodes(OverlayNode),
        start_nodes(VideoSourceNode, source=str(tmp_path)),
        start_nodes(GestureCommanderNode, commands=str(config_path('commands.yaml'))),
        start_nodes(LifecycleManagerNode),
    ]
    probe.wait(lambda: all(node.is_active for node in nodes), 'active nodes')
    overlay = nodes[3]
    probe.wait(lambda: list(overlay.subscriptions), 'an overlay that draws')
    profiles = {each.get('node'): each for each in ElementTree.parse(POLICY).iter('profile')}
    for node in nodes:
        profile = profiles[node.get_name()]
        for kind, way, ends in (
            ('topic', 'publish', [each.topic_name for each in node.publishers]),
            ('topic', 'subscribe', [each.topic_name for each in node.subscriptions]),
            ('service', 'reply', [node.resolve_service_name(s.srv_name) for s in node.services]),
            ('service', 'request', [node.resolve_service_name(c.srv_name) for c in node.clients]),
        ):
            missing = {*ends} - _allowed(profile, kind, way)
            assert not missing, f'{node.get_name()} may not {way} {missing}'

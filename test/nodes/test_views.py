"""The views for RViz and Foxglove show topics and frames that there are."""

import json

import yaml

from ros2_hand_action.nodes import topics
from ros2_hand_action.nodes.video_source import VideoSourceNode
from ros2_hand_action.resources import config_path

TOPICS = {
    f'/{name}' for name in (
        topics.BODY_MARKERS, topics.OVERLAY_IMAGE, topics.GESTURE_EVENTS, topics.POINTING,
        topics.OVERLAY_IMAGE + topics.COMPRESSED_SUFFIX,
    )
} | {topics.DIAGNOSTICS}
(FRAME,) = (each.default for each in VideoSourceNode.PARAMETERS if each.name == 'frame_id')


def test_rviz():
    manager = yaml.safe_load(config_path('hand_action.rviz').read_text())['Visualization Manager']
    assert manager['Global Options']['Fixed Frame'] == FRAME
    shown = {display['Topic']['Value'] for display in manager['Displays'] if 'Topic' in display}
    assert shown == {f'/{topics.BODY_MARKERS}', f'/{topics.OVERLAY_IMAGE}'}


def panels(layout):
    """Return the panels that a layout arranges."""
    if isinstance(layout, str):
        return {layout}
    return panels(layout['first']) | panels(layout['second'])


def test_foxglove():
    content = json.loads(config_path('foxglove_layout.json').read_text())
    configs = content['configById']
    assert panels(content['layout']) == configs.keys()
    bodies = configs['3D!bodies']
    assert bodies['followTf'] == FRAME
    shown = {
        *bodies['topics'], configs['Image!overlay']['imageMode']['imageTopic'],
        configs['RawMessages!events']['topicPath'],
        configs['RawMessages!pointing']['topicPath'].partition('.')[0],
        configs['DiagnosticSummary!health']['topicToRender'],
    }
    assert shown == TOPICS - {f'/{topics.OVERLAY_IMAGE}'}

import os

import pytest
from sensor_msgs.msg import Image

from ros2_hand_action.nodes.hand_detector import HandDetectorNode
from ros2_hand_action.nodes.next_steps import advise_look, advise_start
from ros2_hand_action.nodes.video_source import VideoSourceNode


@pytest.fixture(params=[True, False], ids=['ros2', 'no ros2'])
def has_ros2(request, tmp_path, monkeypatch):
    """Put a `ros2` on the path, or none."""
    if request.param:
        (tmp_path / 'ros2').touch(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    return request.param


def test_only_commands_that_are_installed_are_advised(has_ros2):
    texts = advise_start('/cam/overlay'), advise_look('/cam/image', 'the camera or source')
    assert [has_ros2] * 2 == ['ros2' in text for text in texts]
    assert texts[0].startswith('start it again')
    assert texts[1].startswith('Look whether the camera or source works')
    if has_ros2:
        assert 'ros2 lifecycle set /cam/overlay configure' in texts[0]
        assert 'ros2 topic hz /cam/image' in texts[1]


def test_a_node_that_cannot_start_says_what_can_be_done(start_nodes, probe, has_ros2, capfd):
    start_nodes(VideoSourceNode, source=os.devnull)
    seen = ''

    def told() -> bool:
        nonlocal seen
        seen += capfd.readouterr().err
        return 'once that is put right: start it again' in seen

    probe.wait(told, 'the next step')
    assert ('ros2 lifecycle' in seen) == has_ros2


def test_a_silent_publisher_is_named_with_its_topic(start_nodes, probe, tracker, has_ros2):
    probe.publisher(Image, 'image')
    start_nodes(HandDetectorNode, input_timeout_s=0.2)
    status = probe.wait(
        lambda: (s := probe.status('/hand_detector')) and '1 publisher' in s.message and s,
        'silence',
    )
    assert 'TOPIC' not in status.message
    assert ('ros2 topic hz /image' in status.message) == has_ros2

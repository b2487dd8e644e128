import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

from ros2_hand_action.commands.ros_arguments import make_ros_arguments, read_overrides
from ros2_hand_action.commands.run import DEFAULT_NODES, NODES, beside_other_nodes
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.parameters import NodeParameter
from ros2_hand_action.nodes.runner import choose_transport
from ros2_hand_action.resources import config_path

DEADLINE_S = 60.0
PARAMS = config_path('default.yaml')
COMMAND = (sys.executable, '-m', 'ros2_hand_action.cli', 'run')


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for index in range(3):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.full((24, 32, 3), index, np.uint8))
    return str(tmp_path)


def test_options_become_arguments_of_ros(tmp_path):
    other = tmp_path / 'other.yaml'
    other.touch()
    arguments = make_ros_arguments(
        params=(PARAMS, other), namespace='cam1', remaps=['image:=/head/image_raw']
    )
    assert arguments == [
        '--ros-args', '--params-file', str(PARAMS), '--params-file', str(other),
        '-r', '__ns:=/cam1', '-r', 'image:=/head/image_raw',
    ]


def test_missing_file_and_malformed_remapping_are_refused():
    with pytest.raises(ConfigError, match=r"no such parameter file: 'no\.yaml'"):
        make_ros_arguments(params=[Path('no.yaml')], remaps=[], namespace=None)
    with pytest.raises(ConfigError, match="--remap 'image=/a' is not of the form"):
        make_ros_arguments(params=[], remaps=['image=/a'], namespace=None)


@pytest.mark.parametrize('name', ['my cam', '1st', 'a//b', 'cam-1', '/', 'kamera_ü', 'a__b'])
def test_a_namespace_that_ros_does_not_take_is_refused(name):
    with pytest.raises(ConfigError, match=f'--namespace is {name!r}, no name in ROS'):
        make_ros_arguments(params=[], remaps=[], namespace=name)


@pytest.mark.parametrize('name', ['/cam1', 'robot/cam_1/', '/a/b2'])
def test_a_namespace_may_have_slashes_around_it(name):
    arguments = make_ros_arguments(params=[], remaps=[], namespace=name)
    assert arguments[-1] == f'__ns:=/{name.strip("/")}'


COMMON = (NodeParameter('use_sim_time', False, ''), NodeParameter('autostart', True, ''))
TABLES = {
    'video_source': (
        *COMMON,
        NodeParameter('source', '', ''), NodeParameter('rate_hz', 0.0, '', low=0.0, high=1000.0),
        NodeParameter('loop', False, ''),
        NodeParameter('stamps', 'now', '', choices=('now', 'media')),
    ),
    'hand_detector': (*COMMON, NodeParameter('max_hands', 4, '', low=1, high=16)),
}


def test_assignments_get_the_type_of_the_default():
    content = read_overrides(
        [
            'video_source.source:=0', 'video_source.rate_hz:=5', 'video_source.loop:=true',
            'hand_detector.max_hands:=2', 'use_sim_time:=true', 'hand_detector.autostart:=false',
        ],
        TABLES,
    )
    values = {node: entry['ros__parameters'] for node, entry in content.items()}
    assert values == {
        '/**': {'use_sim_time': True},
        '/**/video_source': {'source': '0', 'rate_hz': 5.0, 'loop': True},
        '/**/hand_detector': {'max_hands': 2, 'autostart': False},
    }
    assert isinstance(values['/**/video_source']['rate_hz'], float)


@pytest.mark.parametrize(
    ('assignment', 'cause'),
    [
        ('hand_detector.max_hands=2', 'not of the form NODE.NAME:=VALUE'),
        (':=2', 'not of the form'),
        ('overlay.buffer_size:=2', 'names no node that runs: video_source, hand_detector'),
        ('hand_detector.max_hand:=2', 'did you mean max_hands'),
        ('max_hands:=2', 'names no node, .*: write hand_detector.max_hands:=2'),
        ('nonsense:=2', "'nonsense:=2' names no parameter"),
        ('autostrt:=false', 'did you mean autostart'),
        ('hand_detectr.max_hands:=2', 'names no node that runs .did you mean hand_detector'),
        ('hand_detector.max_hands:=20', 'max_hands is 20, must be from 1 to 16'),
        ('video_source.stamps:=later', "stamps is 'later': choose one of now, media"),
        ('hand_detector.max_hands:=[1', 'no YAML'),
        ('hand_detector.max_hands:=2.5', 'must be of type int'),
        ('hand_detector.max_hands:=true', 'must be of type int'),
        ('video_source.rate_hz:=fast', 'must be of type float'),
    ],
)
def test_malformed_assignments_are_refused(assignment, cause):
    with pytest.raises(ConfigError, match=cause):
        read_overrides([assignment], TABLES)


def test_every_node_is_an_executable_for_ros2_run():
    listed = Path(__file__).parents[2].joinpath('setup.cfg').read_text()
    for name in NODES:
        assert f'{name} = ros2_hand_action.nodes.{name}:main' in listed


def test_actions_bring_bodies_with_them():
    for name in ('action_recognizer.max_people', 'body_pose_estimator.max_bodies'):
        process = start('--actions', '-p', f'{name}:=99')
        output = finish(process)
        assert process.returncode == 1, output
        assert name.partition('.')[2] in output


def test_bodies_run_where_they_are_asked_for():
    assert set(NODES) - set(DEFAULT_NODES) >= {'body_pose_estimator', 'lifecycle_manager'}
    setting = ('-p', 'body_pose_estimator.max_bodies:=99')
    for arguments, cause in ((('--bodies', *setting), 'max_bodies'), (setting, 'names no node')):
        process = start(*arguments)
        output = finish(process)
        assert process.returncode == 1, output
        assert cause in output


def test_a_frozen_camera_is_looked_for_where_a_robot_is_commanded():
    def watched(*names):
        return beside_other_nodes(names).get('/**/hand_detector', {}).get('ros__parameters')

    assert watched('hand_detector', 'gesture_commander') == {'frozen_timeout_s': 0.2}
    # of its own source, which may show still pictures, every image is new
    assert watched('hand_detector', 'gesture_commander', 'video_source') is None
    assert watched('gesture_commander') is None
    assert watched('hand_detector', 'body_pose_estimator') == {'publish_tf': True}


def test_a_wrong_command_map_is_told_before_anything_starts(tmp_path):
    path = tmp_path / 'map.yaml'
    path.write_text('control: {}\ncommands: []\n')
    process = start('--commands', str(path))
    output = finish(process)
    assert process.returncode == 1, output
    assert f"{path}:1: claim lacks 'gesture'" in output


def test_transport_of_the_user_is_kept(monkeypatch):
    variable = 'FASTRTPS_DEFAULT_PROFILES_FILE'
    monkeypatch.setenv(variable, '/mine.xml')
    choose_transport()
    assert os.environ[variable] == '/mine.xml'


def test_transport_is_chosen_where_the_user_has_not(monkeypatch):
    for variable in (
        'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE',
        'FASTDDS_BUILTIN_TRANSPORTS',
    ):
        monkeypatch.delenv(variable, raising=False)
    choose_transport()
    chosen = os.environ.pop('FASTRTPS_DEFAULT_PROFILES_FILE')
    assert '<segment_size>67108864</segment_size>' in Path(chosen).read_text()


def finish(process: subprocess.Popen) -> str:
    """Return what the process wrote, once it has ended."""
    try:
        output, _ = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return pytest.fail(f'still runs: {process.communicate()[0]}')
    return output


def start(*arguments: str, command: tuple[str, ...] = COMMAND) -> subprocess.Popen:
    return subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_plays_a_folder_to_its_end_and_exits(folder):
    process = start(
        '--nodes', 'video_source', '--exit-at-end',
        '-p', f'video_source.source:={folder}', '-p', 'video_source.wait_for_subscribers:=0',
    )
    output = finish(process)
    assert process.returncode == 0, output
    assert f"end of '{folder}': 3 images" in output
    assert 'Traceback' not in output


@pytest.mark.parametrize('damaged', ['no such file', '1.png'])
def test_source_that_cannot_be_played_to_its_end_fails(folder, damaged):
    if damaged == '1.png':
        Path(folder, damaged).write_bytes(b'damaged')
        source, cause = folder, "1.png' cannot be read as a picture"
    else:
        source = cause = damaged
    process = start(
        '--nodes', 'video_source', '--exit-at-end',
        '-p', f'video_source.source:={source}', '-p', 'video_source.wait_for_subscribers:=0',
    )
    output = finish(process)
    assert process.returncode == 1, output
    assert 'hand-action run: error: video_source: ' in output
    assert cause in output.partition('hand-action run: error: ')[2]
    assert 'Traceback' not in output


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_when_interrupted(probe, folder, number):
    process = start(
        '--nodes', 'video_source,overlay', '--namespace', 'cam1', '--remap', 'image:=picture',
        '-p', f'video_source.source:={folder}', '-p', 'video_source.loop:=true',
    )
    try:
        images = probe.listen(Image, '/cam1/picture')
        probe.wait(lambda: images, 'an image', DEADLINE_S)
        process.send_signal(number)
    except BaseException:
        process.kill()
        raise
    output = finish(process)
    assert process.returncode == 0, output
    assert 'Traceback' not in output


def test_one_node_runs_by_itself(probe, folder):
    process = start(
        '--ros-args', '-p', f'source:={folder}', '-p', 'loop:=true',
        command=(sys.executable, '-m', 'ros2_hand_action.nodes.video_source'),
    )
    try:
        images = probe.listen(Image, 'image')
        probe.wait(lambda: images, 'an image', DEADLINE_S)
        process.send_signal(signal.SIGINT)
    except BaseException:
        process.kill()
        raise
    output = finish(process)
    assert process.returncode == 0, output


@pytest.mark.parametrize(
    ('arguments', 'cause'),
    [
        (('--nodes', 'nose'), "no node 'nose': choose of video_source"),
        (('--nodes', 'overlay', '-p', 'overlay.jpeg_quality:=500'), 'jpeg_quality'),
        (('--nodes', 'overlay', '-p', 'overlay.jpeg_quality:=high'), 'jpeg_quality'),
        (('--nodes', 'overlay', '--remap', 'a:=b c'), 'a:=b c'),
    ],
)
def test_what_cannot_run_exits_with_the_reason(arguments, cause):
    process = start(*arguments)
    output = finish(process)
    assert process.returncode == 1, output
    assert 'hand-action run: error: ' in output
    assert cause in output
    assert 'Traceback' not in output


@pytest.mark.parametrize(('text', 'told'), [
    ('hand_detector:\n\tros__parameters: {}\n', ':2: no YAML'),
    ('/**/overlay:\n  ros__parameters: {jpeg_quality: high}\n',
     ":2: overlay: jpeg_quality is 'high', must be of type int"),
])
def test_a_parameter_file_that_cannot_be_used_is_told_with_its_place(tmp_path, text, told):
    path = tmp_path / 'params.yaml'
    path.write_text(text)
    process = start('--nodes', 'overlay', '--params', str(path))
    output = finish(process)
    assert process.returncode == 2, output
    assert f'hand-action run: error: {path}{told}' in output


def test_names_in_a_parameter_file_that_are_nearly_ours_are_told(tmp_path, folder):
    path = tmp_path / 'params.yaml'
    path.write_text('/**/overley:\n  ros__parameters: {a: 1}\namcl:\n  ros__parameters: {a: 1}\n')
    process = start(
        '--nodes', 'video_source', '--exit-at-end', '--params', str(path),
        '-p', f'video_source.source:={folder}', '-p', 'video_source.wait_for_subscribers:=0',
    )
    output = finish(process)
    assert process.returncode == 0, output
    assert f"warning: {path}:1: no node 'overley' (did you mean overlay?)" in output
    assert 'amcl' not in output

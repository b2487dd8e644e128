"""Slips in parameter files are told with file, line, node, parameter and value."""

import sys

import pytest

from ros2_hand_action.errors import ParameterFileError
from ros2_hand_action.nodes.node_classes import NODES, load_parameters
from ros2_hand_action.nodes.parameter_check import find_faults
from ros2_hand_action.replay.parameter_file import check_parameter_file
from ros2_hand_action.resources import config_path

CHECKED = ('hand_detector', 'gesture_classifier', 'video_source')


@pytest.fixture(scope='module')
def tables():
    return {name: load_parameters(name) for name in CHECKED}


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / 'robot.yaml'
        path.write_text(text)
        return path

    return write


def entry(node, *lines):
    return '\n'.join([f'{node}:', '  ros__parameters:', *(f'    {line}' for line in lines), ''])


@pytest.mark.parametrize('text', [
    '',
    '# nothing\n',
    entry('/**', 'use_sim_time: true', 'robot_name: R2', 'threads: 2'),
    entry('/**/hand_detector', 'max_hands: 2', 'autostart: false', 'min_score: 5.0e-1'),
    entry('/**/hand_detector', 'min_score: 5e-1', 'qos_overrides: {/image: {depth: 1}}'),
    entry('/robot/head/hand_detector', 'max_hands: 2', 'max_hands: 3'),
    'robot:\n  hand_detector:\n    ros__parameters: {max_hands: 2}\n',
    entry('/**/overlay', 'unchecked: 7'),
    entry('amcl', 'max_hand: 2', 'a: {b: [1, 2]}', 'c: $(find-pkg-share x)/y'),
    entry('/**/face_detector', 'x: 1') + entry('pose_estimator', 'x: 1'),
    entry('hand_detector_2', 'x: 1') + entry('hand_detector3', 'x: 1'),
    entry('left_overlay', 'x: 1'),
])
def test_what_ros_takes_and_what_is_meant_for_others_passes(file, tables, text):
    assert find_faults(file(text), tables, NODES) == ((), (), ())


@pytest.mark.parametrize(('text', 'kind', 'told'), [
    (entry('/**/hand_detctor', 'max_hands: 2'), 'nodes',
     "1: no node 'hand_detctor' (did you mean hand_detector?)"),
    (entry('/**/hand_detector', 'threads: 1', 'max_hand: 2'), 'parameters',
     "4: hand_detector has no parameter 'max_hand' (did you mean max_hands?)"),
    (entry('hand_detector', 'max: {hands: 2}'), 'parameters', "'max.hands'"),
    (entry('/**', 'max_hand: 2'), 'parameters',
     "3: no node has a parameter 'max_hand' (did you mean max_hands?)"),
    (entry('hand_detector', 'max_hands: two'), 'values',
     "3: hand_detector: max_hands is 'two', must be of type int"),
    (entry('hand_detector', 'max_hands: 2.0'), 'values', 'max_hands is 2.0, must be of type int'),
    (entry('hand_detector', 'max_hands: true'), 'values', 'must be of type int'),
    (entry('hand_detector', 'max_hands: 20'), 'values',
     '3: hand_detector: max_hands is 20, must be from 1 to 8'),
    (entry('hand_detector', 'min_score: 1'), 'values', 'must be of type float: write 1.0'),
    (entry('hand_detector', 'min_score: .nan'), 'values', 'is nan, must be from 0 to 1'),
    (entry('hand_detector', 'model: [a]'), 'values', 'must be of type str'),
    (entry('hand_detector', 'backend: gpu'), 'values', "backend is 'gpu': choose one of auto"),
    (entry('/**', 'threads: 0'), 'values', '3: hand_detector: threads is 0'),
])
def test_slips_are_told_where_they_are(file, tables, text, kind, told):
    path = file(text)
    found = find_faults(path, tables, NODES)
    [fault] = getattr(found, kind)
    assert fault.startswith(f'{path}:') and told in fault
    assert sum(map(len, found)) == 1


@pytest.mark.parametrize(('text', 'told'), [
    ('hand_detector:\n\tros__parameters: {max_hands: 2}\n', r':2: no YAML: .*not by tabs'),
    ('a: b: c\n', r':1: no YAML: mapping values are not allowed'),
    ('- a\n', r':1: a list stands where a node is expected; .* ros__parameters'),
    (': [\n', r':\d: no YAML'),
    ('hand_detector:\n  max_hands: 2\n', r":2: 'max_hands' holds no ros__parameters; .* NODE"),
    ('hand_detector:\n', r":1: 'hand_detector' holds no ros__parameters"),
    (entry('hand_detector'), r":1: ros__parameters of 'hand_detector' are nothing"),
    ('ros__parameters:\n  a: 1\n', r':1: ros__parameters stands under no node'),
])
def test_what_is_no_parameter_file_is_told_with_its_line(file, tables, text, told):
    path = file(text)
    with pytest.raises(ParameterFileError, match=f'robot.yaml{told}'):
        find_faults(path, tables, NODES)
    with pytest.raises(ParameterFileError, match=f'robot.yaml{told}'):
        check_parameter_file(path)


def test_binary_and_missing_files_are_told(tmp_path):
    path = tmp_path / 'video.mp4'
    path.write_bytes(b'\xff\xfe\xbf')
    for each in (path, tmp_path / 'none.yaml', tmp_path):
        with pytest.raises(ParameterFileError, match=f'{each.name}.* cannot be read'):
            check_parameter_file(each)


def test_our_own_file_passes_and_a_replay_refuses_all_kinds_of_slips(file):
    check_parameter_file(config_path('default.yaml'))
    check_parameter_file(None)
    text = entry('/**/overlai', 'a: 1') + entry('overlay', 'jpeg_qualty: 1', 'jpeg_quality: 101')
    with pytest.raises(ParameterFileError) as told:
        check_parameter_file(file(text))
    assert [line.partition(':')[2].split(':')[0] for line in str(told.value).splitlines()] == [
        '1', '6', '7']


def test_without_ros_a_file_is_read_and_said_not_to_be_checked(file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'ros2_hand_action.nodes.parameter_check', None)
    check_parameter_file(file(entry('hand_detector', 'max_hand: 2')))
    assert 'names in ' in capsys.readouterr().err
    with pytest.raises(ParameterFileError, match='no YAML'):
        check_parameter_file(file('{'))


def test_every_node_says_what_it_can_be_set_to():
    for name in NODES:
        names = [parameter.name for parameter in load_parameters(name)]
        assert len(names) == len(set(names)) > 3
        for parameter in load_parameters(name):
            assert parameter.find_fault(parameter.default) == '', parameter

import re
from pathlib import Path

import pytest

from ros2_hand_action.commanding.command_map import Call, Move, Policy, Publish, Zone
from ros2_hand_action.commanding.map_file import load_command_map
from ros2_hand_action.commanding.velocity import Velocity
from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.records import Handedness, Phase
from ros2_hand_action.resources import config_path

HEAD = """control: {claim: {gesture: thumbs_up}}
velocity: {limits: {linear: {x: 0.5}}, acceleration: {linear: {x: 1}}}
commands:
"""
GOOD = '- {name: go, when: {gesture: fist}, velocity: {linear: {x: 0.5}}}\n'


@pytest.fixture
def load(tmp_path):
    def load(text: str):
        path = tmp_path / 'map.yaml'
        path.write_text(text)
        return load_command_map(path)

    return load


def test_the_example_says_what_it_shows():
    commands = load_command_map(config_path('commands.yaml'))
    assert commands.control.policy is Policy.CLAIM and commands.control.claim.hold_ns == 5 * 10**8
    assert commands.velocity.limits == Velocity(linear_x=0.4, angular_z=1.0)
    assert commands.velocity.deceleration == commands.velocity.acceleration
    assert commands.safety.timeout_ns == 130_000_000
    kinds = [type(binding.command) for binding in commands.bindings]
    assert kinds == [Move] * 4 + [Call, Publish]
    assert commands.bindings[0].condition.zone is Zone.RIGHT
    assert commands.bindings[0].where.endswith('commands.yaml:24')
    assert commands.gestures == {'fist', 'two', 'ok', 'stop', 'thumbs_up'}


def test_conditions_hold_all_that_is_asked_for(load):
    commands = load(HEAD + """- name: go
  when: {gesture: fist, hand: left, hold_s: 0.25, zone: centre, raised: true, phase: ended}
  call: {service: a, type: std_srvs/srv/Trigger}
""")
    condition = commands.bindings[0].condition
    assert condition.handedness is Handedness.LEFT and condition.phase is Phase.ENDED
    assert condition.hold_ns == 250_000_000
    assert condition.zone is Zone.CENTRE and condition.raised is True


def test_what_the_example_says_of_actions_can_be_switched_on(tmp_path):
    path = tmp_path / 'map.yaml'
    lines = config_path('commands.yaml').read_text(encoding='utf-8').splitlines()
    path.write_text('\n'.join(
        line.replace('# ', '', 1) if re.match(r'  # (stop_actions|- name|  )', line) else line
        for line in lines
    ))
    commands = load_command_map(path)
    assert commands.safety.stop_actions == ('fall_floor',)
    assert [type(each.command) for each in commands.reactions] == [Call, Publish]
    assert commands.reactions[0].hold_ns == 2 * 10**9
    assert commands.actions == {'fall_floor'}


ACTION = """- name: help
  when: {action: fall_floor}
  call: {service: help, type: std_srvs/srv/Trigger}
"""


def test_actions_are_read(load):
    commands = load(HEAD + GOOD + ACTION.replace('fall_floor', 'walk, phase: held, hold_s: 1'))
    (reaction,) = commands.reactions
    assert (reaction.action, reaction.phase, reaction.hold_ns) == ('walk', Phase.HELD, 10**9)
    assert reaction.where.endswith('map.yaml:5')
    assert [each.name for each in commands.commands] == ['go', 'help']
    assert commands.actions == {'walk'} and 'walk' not in commands.gestures


@pytest.mark.parametrize(
    ('text', 'line', 'reason'),
    [
        ('', None, 'the file is empty'),
        ('a: [1', 1, 'no YAML'),
        ('- 1', 1, 'must be a mapping'),
        (HEAD, 3, "needs 'commands'"),
        ('command:\n' + HEAD + GOOD, 1, 'did you mean commands'),
        (HEAD + GOOD + 'commands: []', 5, "has 'commands' twice"),
        (HEAD + '- {when: {gesture: fist}, velocity: {linear: {x: 0.5}}}', 4, "lacks 'name'"),
        (HEAD + '- {name: a, when: {gesture: fist}}', 4, 'exactly one of velocity, publish, call'),
        (HEAD + GOOD.replace('fist', 'none'), 4, 'means no gesture'),
        (HEAD + GOOD.replace('fist', 'stop'), 4, 'stops the robot and nothing else'),
        (HEAD + GOOD.replace('fist', '5'), 4, 'gesture must be a text, not 5'),
        (HEAD + GOOD.replace('0.5', '0.51'), 4, r'linear_x is 0\.51, above its limit of 0\.5'),
        (HEAD + GOOD.replace('0.5', '-0.51'), 4, 'above its limit'),
        (HEAD + GOOD.replace('0.5', '.nan'), 4, 'x is nan'),
        (HEAD + GOOD.replace('0.5', '0'), 4, 'the velocity is zero'),
        (HEAD + GOOD.replace('0.5', 'true'), 4, 'x must be a number, not True'),
        (HEAD + GOOD.replace('x', 'y'), 4, r'linear_y is 0\.5, above its limit of 0:'),
        (HEAD + GOOD.replace('x', 'w'), 4, "linear takes no 'w'"),
        (HEAD + GOOD.replace('fist', 'fist, phase: started'), 4, 'leave phase out'),
        (HEAD + GOOD.replace('fist', 'fist, zone: up'), 4, "zone is 'up': choose one of left"),
        (HEAD + GOOD.replace('fist', 'fist, hold_s: -1'), 4, 'hold_s is -1, must be from 0 to 60'),
        (HEAD + GOOD.replace('gesture: fist', 'action: walk'), 4,
         "command 'go' would let an action move the robot"),
        (HEAD + ACTION.replace('fall_floor', 'walk, gesture: ok'), 5, 'gesture and an action'),
        (HEAD + ACTION.replace('fall_floor', 'other'), 5, 'means no action'),
        (HEAD + ACTION.replace('fall_floor', '7'), 5, 'action must be a text, not 7'),
        (HEAD + ACTION.replace('fall_floor', 'walk, zone: left'), 5, "when takes no 'zone'"),
        (HEAD + ACTION.replace('fall_floor', 'walk, hold_s: 99'), 5, 'from 0 to 60'),
        (HEAD + '- name: a\n  when: {action: walk}\n  publish:\n    topic: t\n'
         '    type: std_msgs/msg/String\n    value: {data: "{gesture}"}', 9,
         'braces that name none of command, action, person'),
        (HEAD + GOOD.replace('go', 'help') + ACTION, 5, "name 'help' is that of .*:4, too"),
        (HEAD.replace('gesture: thumbs_up', 'action: walk') + GOOD, 1, 'by gestures, not actions'),
        ('safety: {stop_actions: fall_floor}\n' + HEAD + GOOD, 1, 'must be a list of texts'),
        ('safety: {stop_actions: [other]}\n' + HEAD + GOOD, 1, 'means no action'),
        ('safety: {action_age_s: 0}\n' + HEAD + GOOD, 1, 'action_age_s is 0, must be from'),
        (HEAD + GOOD + GOOD, 5, "name 'go' is that of .*:4, too"),
        (HEAD + GOOD + GOOD.replace('go', 'run'), 5, 'has the very condition of .*:4'),
        (HEAD + '- name: a\n  when: {gesture: ok}\n  call: {service: s, type: Trigger}', 6,
         'choose one of std_srvs/srv/Trigger, std_srvs/srv/SetBool'),
        (HEAD + '- name: a\n  when: {gesture: ok}\n'
         '  call: {service: s, type: std_srvs/srv/Trigger, data: true}', 6, 'takes no data'),
        (HEAD + '- name: a\n  when: {gesture: ok}\n'
         '  call: {service: s, type: std_srvs/srv/SetBool}', 6, "lacks 'data'"),
        (HEAD + '- name: a\n  when: {gesture: ok}\n  publish: {topic: t, type: String}', 6,
         'not of the form PACKAGE/msg/NAME'),
        (HEAD + '- name: a\n  when: {gesture: ok}\n  publish:\n    topic: t\n'
         '    type: std_msgs/msg/String\n    value: {data: "{who}"}', 9, 'braces that name none'),
        (HEAD + '- name: a\n  when: {gesture: ok}\n  publish:\n    topic: t\n'
         '    type: std_msgs/msg/String\n    value: {data: "{gesture.x}"}', 9, 'braces'),
        (HEAD.replace('{claim: {gesture: thumbs_up}}', '{policy: best}') + GOOD, 1,
         'choose one of claim, nearest, id'),
        (HEAD.replace('{claim: {gesture: thumbs_up}}', '{}') + GOOD, 1, "lacks 'gesture'"),
        (HEAD.replace('thumbs_up}', 'stop}') + GOOD, 1, 'stops the robot'),
        (HEAD.replace('{linear: {x: 1}}', '{}') + GOOD, 2, 'limit but no acceleration'),
        (HEAD.replace('0.5', '-0.5') + GOOD, 2, 'limits must not be negative'),
        ('safety: {timeout_s: 5}\n' + HEAD + GOOD, 1, 'timeout_s is 5, must be from 0.02 to 1'),
        (HEAD + GOOD.replace('when', 'whne'), 4, "lacks 'when': is 'whne' meant"),
        (HEAD + GOOD.replace('gesture', 'gestrue'), 4, "lacks 'gesture': is 'gestrue' meant"),
        (HEAD + GOOD.replace('0.5', '9' * 401), 4, 'must be from -100 to 100'),
        (HEAD + GOOD.replace('0.5', '.inf'), 4, 'x is inf'),
        (HEAD.replace('up}', 'up, phase: ended}') + GOOD, 1, "claim takes no 'phase'"),
        (HEAD + GOOD.replace('fist', 'thumbs_up'), 4, "'thumbs_up' claims control"),
        ('velocity: {topic: bad topic!}\n' + HEAD.replace('velocity:', 'x:') + GOOD, 1,
         "topic is 'bad topic!', no name in ROS"),
        (HEAD + ACTION.replace('service: help', 'service: 1st'), 6, 'no name in ROS'),
        (HEAD + '- name: a\n  when: {gesture: ok}\n'
         '  publish: {topic: a//b, type: std_msgs/msg/Empty}', 6, 'no name in ROS'),
        (HEAD + '- name: a\n  when: {gesture: ok}\n  publish:\n    topic: other\n'
         '    type: geometry_msgs/msg/Twist\n    value: {linear: {x: 5.0}}', 8,
         'no velocity by publish'),
        (HEAD + '- name: a\n  when: {action: walk}\n  publish:\n    topic: other\n'
         '    type: geometry_msgs/msg/TwistStamped', 8, 'no velocity by publish'),
        ('safety: {stop_gestures: []}\n' + HEAD + GOOD, 1, 'must be a list of texts'),
        ('safety: {stop_gestures: stop}\n' + HEAD + GOOD, 1, 'must be a list of texts'),
    ],
)
def test_wrong_maps_are_refused_with_line_and_reason(load, text, line, reason):
    place = 'map.yaml:' + (rf'{line}: ' if line else ' ')
    with pytest.raises(ConfigError, match=place + '.*' + reason):
        load(text)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="'no.yaml' cannot be read"):
        load_command_map(Path('no.yaml'))
    path = tmp_path / 'map.yaml'
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ConfigError, match='cannot be read: it is no text, so name a YAML file'):
        load_command_map(path)

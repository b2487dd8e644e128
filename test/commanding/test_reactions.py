"""What people do stops the robot and sets commands off, and never moves it."""

import pytest
from world import MS, START_NS, World, make_person

from ros2_hand_action.commanding.decisions import State
from ros2_hand_action.commanding.stamps import Now
from ros2_hand_action.errors import HandActionError
from ros2_hand_action.perception.records import ActionEvent, Phase

SECOND_NS = 10**9
MAP = """
safety: {stop_actions: [fall_floor], action_age_s: 1.0}
control: {claim: {gesture: thumbs_up}}
velocity: {limits: {linear: {x: 0.5}}, acceleration: {linear: {x: 1}}}
commands:
  - {name: forward, when: {gesture: fist}, velocity: {linear: {x: 0.5}}}
  - name: help
    when: {action: fall_floor, hold_s: 2.0}
    call: {service: help, type: std_srvs/srv/Trigger}
  - name: tell
    when: {action: fall_floor}
    publish: {topic: t, type: std_msgs/msg/String, value: {data: "{action} of {person}"}}
  - name: remind
    when: {action: fall_floor, phase: held}
    publish: {topic: t, type: std_msgs/msg/String, value: {data: "{command}"}}
  - name: over
    when: {action: fall_floor, phase: ended}
    publish: {topic: t, type: std_msgs/msg/String}
  - name: follow
    when: {action: walk}
    call: {service: follow, type: std_srvs/srv/Trigger}
"""


class Floor(World):
    """The world, in which people do something."""

    def act(self, phase: Phase, *, label='fall_floor', body_id='p9', for_s=0.0, age_s=0.0):
        """Let the recogniser tell what somebody has done for so long."""
        stamp_ns = START_NS + self.time_ms * MS - round(age_s * SECOND_NS)
        event = ActionEvent(
            phase, label, body_id, 0.9, stamp_ns - round(for_s * SECOND_NS), stamp_ns
        )
        fired = self.commander.observe_action(event, self.now)
        return [firing.binding.name for firing in fired]


@pytest.fixture
def world(tmp_path) -> Floor:
    path = tmp_path / 'map.yaml'
    path.write_text(MAP)
    return Floor(path)


def test_the_robot_stands_as_long_as_anybody_lies_and_needs_a_gesture_anew(world):
    world.drive('fist')
    begun_ms = world.time_ms
    world.act(Phase.STARTED)
    world.run(60.0)  # silence is no end
    assert world.stopped_after_ms(begun_ms) <= 10
    assert world.decision.state is State.STOPPED
    assert world.decision.reason == 'fall_floor of p9'
    world.act(Phase.ENDED, for_s=60.0)
    world.run(2.0)
    assert not world.is_moving and world.decision.state is State.READY
    world.drive('fist')


def test_a_gesture_that_begins_during_the_fall_moves_nothing_after_it(world):
    world.claim()
    world.act(Phase.STARTED)
    world.show('h1', 'fist')
    world.run(1.0)
    world.act(Phase.ENDED, for_s=1.0)
    world.run(2.0)
    assert not any(not each.velocity.is_zero for _, each in world.decisions)


@pytest.mark.parametrize('told', [
    {'phase': Phase.HELD},  # the commander came later
    {'phase': Phase.STARTED, 'age_s': 30.0},
    {'phase': Phase.STARTED, 'age_s': -30.0},  # of the future
    {'phase': Phase.STARTED, 'body_id': ''},  # the whole image
])
def test_a_stop_needs_no_more_than_to_be_told(world, told):
    world.drive('fist')
    world.act(**told)
    world.run(0.1)
    assert not world.is_moving and world.decision.state is State.STOPPED


def test_two_falls_are_over_when_both_are(world):
    world.act(Phase.STARTED, body_id='p1')
    world.act(Phase.STARTED, body_id='p2')
    world.act(Phase.ENDED, body_id='p1')
    world.run(0.1)
    assert world.decision.reason == 'fall_floor of p2'
    world.act(Phase.ENDED, body_id='p2')
    world.run(0.1)
    assert world.decision.state is not State.STOPPED


def test_reset_ends_the_stop_of_an_action_whose_end_nobody_told(world):
    world.act(Phase.STARTED)
    world.run(0.1)
    world.commander.reset_emergency(world.now)
    world.run(0.1)
    assert world.decision.state is not State.STOPPED
    world.act(Phase.HELD)
    world.run(0.1)
    assert world.decision.state is State.STOPPED  # it is still seen


def test_a_pressed_emergency_stop_keeps_the_stop_of_an_action(world):
    world.act(Phase.STARTED)
    world.commander.emergency.observe(True, world.now)
    with pytest.raises(HandActionError):
        world.commander.reset_emergency(world.now)
    world.commander.emergency.observe(False, world.now)
    assert world.commander._reactions.stop_reason


def test_commands_of_a_stop_action_are_anybodys_and_come_once(world):
    assert world.act(Phase.STARTED) == ['tell']
    assert world.act(Phase.STARTED, body_id='') == ['tell']
    assert world.act(Phase.HELD, for_s=1.0) == ['remind']
    assert world.act(Phase.HELD, for_s=2.0) == ['help', 'remind']
    assert world.act(Phase.HELD, for_s=3.0) == ['remind']
    assert world.act(Phase.ENDED, for_s=4.0) == ['over']
    assert world.act(Phase.STARTED) == ['tell']


def test_people_whose_end_nobody_told_are_forgotten_in_the_end(world):
    """A recogniser that died ends nothing, and the next one gives other ids."""
    for number in range(1000):
        world.act(Phase.STARTED, label='walk', body_id=f'p{number}')
    assert len(world.commander._reactions._lasting) <= 64
    world.act(Phase.STARTED, body_id='p999')
    assert world.act(Phase.HELD, for_s=2.0, body_id='p999') == ['help', 'remind']


def test_texts_name_the_action_and_the_person(world):
    event = ActionEvent(Phase.STARTED, 'fall_floor', 'p9', 0.9, START_NS, START_NS)
    (firing,) = world.commander.observe_action(event, world.now)
    assert firing.fields == {'command': 'tell', 'action': 'fall_floor', 'person': 'p9'}
    assert firing.cause == 'fall_floor of p9'


def test_what_began_before_the_commander_did_is_only_held(world):
    assert world.act(Phase.HELD, for_s=5.0) == ['remind']


@pytest.mark.parametrize('age_s', [1.1, -0.2])
def test_what_is_late_or_of_the_future_sets_nothing_off(world, age_s):
    assert world.act(Phase.STARTED, age_s=age_s) == []


def test_other_actions_are_those_of_the_person_in_control(world):
    world.bodies = [make_person('p1', 2.0)]
    world.claim('h1', body_id='p1')
    assert world.act(Phase.STARTED, label='walk', body_id='p2') == []
    assert world.act(Phase.STARTED, label='walk', body_id='') == []
    assert world.act(Phase.STARTED, label='walk', body_id='p1') == ['follow']
    assert world.act(Phase.HELD, label='walk', body_id='p1', for_s=1.0) == []
    assert world.decision.state is State.READY


def test_nothing_is_set_off_in_an_emergency_stop_or_on_a_fault(world):
    world.commander.emergency.observe(True, Now(START_NS, 0))
    assert world.act(Phase.STARTED) == []
    world.commander.emergency.observe(False, world.now)
    world.commander.reset_emergency(world.now)
    world.commander.fault = 'another type'
    assert world.act(Phase.STARTED) == []

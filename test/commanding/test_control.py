"""Who is in control, and gestures that fire once."""

from dataclasses import replace

import pytest
from world import World, make_person

from ros2_hand_action.commanding.decisions import State
from ros2_hand_action.errors import HandActionError
from ros2_hand_action.perception.labels import NONE

HEAD = """velocity: {limits: {linear: {x: 0.5}}, acceleration: {linear: {x: 10}}}
commands:
  - {name: go, when: {gesture: fist}, velocity: {linear: {x: 0.5}}}
"""


@pytest.fixture
def make_world(tmp_path):
    def make(options: str, commands: str = '', **arguments) -> World:
        path = tmp_path / 'map.yaml'
        path.write_text(f'{options}\n{HEAD}{commands}')
        return World(path, **arguments)

    return make


def test_the_nearest_person_is_in_control_by_metres(make_world):
    world = make_world('control: {policy: nearest}')
    world.bodies = [make_person('p1', 4.0), make_person('p2', 2.0)]
    world.show('h1', 'fist', body_id='p1', x_px=100.0, size_px=90.0)  # large, yet far
    world.show('h2', NONE, body_id='p2', x_px=500.0, size_px=60.0)
    world.run(1.0)
    assert world.decision.person == 'p2' and not world.is_moving
    world.show('h2', 'fist')
    world.run_until_moving()


def test_two_people_about_as_near_are_nobody(make_world):
    world = make_world('control: {policy: nearest}')
    world.show('h1', 'fist', x_px=100.0)
    world.run_until_moving()
    world.show('h2', NONE, x_px=500.0, size_px=55.0)
    since_ms = world.time_ms
    world.run(1.0)
    assert world.stopped_after_ms(since_ms) <= 100
    assert world.decision.state is State.IDLE
    assert 'nobody is clearly nearest' in world.decision.reason


def test_who_comes_clearly_nearer_takes_over_after_a_stop(make_world):
    world = make_world('control: {policy: nearest}')
    world.show('h1', 'fist', x_px=100.0)
    world.run_until_moving()
    world.show('h2', 'fist', x_px=500.0, size_px=120.0)
    world.run(1.0)
    assert world.decision.person == 'h2' and world.is_moving
    stops = [each for _, each in world.decisions if each.reason == 'control went from h1 to h2']
    assert stops and all(each.velocity.is_zero for each in stops)


def test_only_the_chosen_person_is_in_control(make_world):
    world = make_world('control: {policy: id}', person_id='p2')
    world.show('h1', 'fist', x_px=100.0, body_id='p1')
    world.run(1.0)
    assert world.decision.state is State.IDLE
    world.show('h2', 'fist', x_px=500.0, body_id='p2')
    world.run_until_moving()
    assert world.decision.person == 'p2'


def test_nobody_is_chosen_by_default(make_world):
    world = make_world('control: {policy: id}')
    world.show('h1', 'fist')
    world.run(1.0)
    assert world.decision.state is State.IDLE


def test_control_is_given_back_by_a_gesture(make_world):
    world = make_world(
        'control: {claim: {gesture: thumbs_up}, release: {gesture: ok, hold_s: 0.5}}'
    )
    world.drive()
    world.show('h1', 'ok')
    world.run(1.5)
    assert world.decision.person == '' and world.decision.reason == 'control was given back'


def test_a_hand_may_get_to_know_its_body(make_world):
    world = make_world('control: {claim: {gesture: thumbs_up}}')
    world.drive()
    world.bodies = [make_person('p1', 2.0)]
    world.hands['h1'].body_id = 'p1'
    world.run(0.5)
    assert world.is_moving and world.decision.person == 'p1'


def test_raised_needs_a_body(make_world):
    world = make_world('control: {policy: nearest}', """
  - {name: up, when: {gesture: two, raised: true}, velocity: {linear: {x: 0.4}}}
""")
    world.show('h1', 'two', y_px=100.0)
    world.run(1.0)
    assert not world.is_moving
    world.bodies = [make_person('p1', 2.0, shoulder_y_px=200.0)]
    world.show('h1', NONE, body_id='p1')
    world.run(0.5)
    world.show('h1', 'two')
    world.run_until_moving()
    world.hands['h1'].y_px = 260.0
    since_ms = world.time_ms
    world.run(0.5)
    assert world.stopped_after_ms(since_ms) <= 200


def fired(world: World) -> list[str]:
    return [firing.binding.name for firing in world.fired]


def call(name: str, condition: str) -> str:
    return (
        f'  - {{name: {name}, when: {{{condition}}}, '
        'call: {service: a, type: std_srvs/srv/Trigger}}\n'
    )


def test_commands_fire_once_by_phase_and_hold(make_world):
    world = make_world(
        'control: {policy: nearest}',
        call('at once', 'gesture: ok') + call('later', 'gesture: ok, hold_s: 0.6')
        + call('never', 'gesture: ok, hold_s: 9') + call('after', 'gesture: ok, phase: ended')
        + call('again', 'gesture: ok, phase: held')
        + call('left', 'gesture: ok, hand: left'),
    )
    world.show('h1', 'ok')
    world.run(0.4)
    assert fired(world) == ['at once']
    world.run(1.0)
    assert fired(world).count('later') == 1 and fired(world).count('again') == 2
    world.show('h1', NONE)
    world.run(1.0)
    assert [name for name in fired(world) if name != 'again'] == ['at once', 'later', 'after']
    assert world.fired[0].fields == {
        'command': 'at once', 'gesture': 'ok', 'hand_id': 'h1', 'person': 'h1',
        'handedness': 'right',
    }


def test_commands_do_not_fire_for_a_hand_that_is_gone(make_world):
    world = make_world('control: {policy: nearest}', call('after', 'gesture: ok, phase: ended'))
    world.show('h1', 'ok')
    world.run(1.0)
    del world.hands['h1']
    world.run(1.0)
    assert fired(world) == []


def test_commands_of_stop_gestures_are_anybodys_but_wait_in_an_emergency(make_world):
    world = make_world(
        'control: {claim: {gesture: thumbs_up}}', call('halted', 'gesture: stop')
    )
    world.show('h3', 'stop')
    world.run(0.5)
    assert fired(world) == ['halted']
    world.commander.emergency.observe(True, world.now)
    world.show('h3', NONE)
    world.run(0.5)
    world.show('h3', 'stop')
    world.run(0.5)
    assert fired(world) == ['halted']


def test_emergency_stop_that_must_be_heard(make_world):
    world = make_world('control: {policy: nearest}\nsafety: {emergency_stop_timeout_s: 0.3}')
    world.show('h1', 'fist')
    world.run(0.5)
    assert world.decision.state is State.EMERGENCY  # not heard yet, but nothing to reset
    world.commander.emergency.observe(False, world.now)
    world.show('h1', NONE)
    world.run(0.2)
    world.commander.emergency.observe(False, world.now)
    world.run(0.5)
    assert world.decision.reason == 'emergency stop: nothing heard from its topic for 0.3 s'
    with pytest.raises(HandActionError, match='not heard from'):
        world.commander.emergency.reset(world.now)
    world.commander.emergency.observe(False, world.now)
    world.run(0.1)
    assert world.decision.state is State.EMERGENCY
    world.commander.emergency.reset(world.now)
    world.run(0.1)
    assert world.decision.state is not State.EMERGENCY


def test_pressed_emergency_stop_cannot_be_reset(make_world):
    world = make_world('control: {policy: nearest}')
    world.commander.emergency.observe(True, world.now)
    with pytest.raises(HandActionError, match='still pressed'):
        world.commander.emergency.reset(world.now)


def test_slow_images_do_not_move(make_world):
    world = make_world('control: {policy: nearest}')
    world.latency_ms = 160
    world.show('h1', 'fist')
    world.run(2.0)
    assert all(each.velocity.is_zero for _, each in world.decisions)
    assert world.decision.state is State.BLIND


def test_two_hands_of_one_id_stop(make_world):
    world = make_world('control: {policy: nearest}')
    world.show('h1', 'fist', x_px=100.0)
    world.run_until_moving()
    world.hands['other'] = replace(world.hands['h1'], x_px=500.0)
    since_ms = world.time_ms
    world.run(0.5)
    assert world.stopped_after_ms(since_ms) <= 60
    assert world.decision.reason == 'two hands have the same id'


def test_why_it_stood_still_is_forgotten_when_control_is_taken():
    world = World()
    world.show('h1', 'stop')
    world.run(1.0)
    assert world.decision.reason == 'stop shown by h1'
    world.claim('h1')
    assert world.decision.reason == ''

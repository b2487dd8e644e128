"""Gestures drive a simulated robot through a course; every fault ends in a stop."""

import math
from dataclasses import replace

import pytest
from world import EXAMPLE, MS, START_NS, Shown, World, make_person

from ros2_hand_action.commanding.decisions import State
from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.perception.records import Phase

LIMIT_MS = 200
LEFT_PX, CENTRE_PX, RIGHT_PX = 100.0, 320.0, 540.0


@pytest.fixture
def world() -> World:
    return World()


def turn(world: World, zone_px: float, heading_rad: float) -> None:
    """Hold a fist at a side of the image until the robot heads that way."""
    world.glide('h1', zone_px)
    world.show('h1', 'fist')
    for _ in range(1000):
        world.run(0.01)
        if abs(world.robot.heading_rad - heading_rad) < 0.09:
            break
    world.show('h1', NONE)
    world.run(0.5)
    assert not world.is_moving


def forward(world: World, seconds: float) -> None:
    """Hold a fist in the middle of the image."""
    world.glide('h1', CENTRE_PX)
    world.show('h1', 'fist')
    world.run_until_moving()
    world.run(seconds)
    world.show('h1', NONE)
    world.run(0.5)


def test_gestures_drive_through_a_course(world):
    """Along two sides of a square, to the left at its corner, and backwards out of it."""
    world.claim()
    world.show('h1', NONE)
    forward(world, 4.0)
    assert world.robot.x_m == pytest.approx(1.2, abs=0.12)
    turn(world, RIGHT_PX, math.pi / 2)
    assert world.robot.heading_rad == pytest.approx(math.pi / 2, abs=0.12)
    forward(world, 4.0)
    assert world.robot.y_m == pytest.approx(1.2, abs=0.15)
    turn(world, LEFT_PX, 0.0)
    world.glide('h1', CENTRE_PX)
    world.show('h1', 'two')
    world.run(2.0)
    assert world.decision.reason == 'back'
    world.show('h1', 'stop')
    world.run(0.5)
    assert not world.is_moving
    assert world.robot.x_m < 1.1
    assert {each.binding.name for each in world.fired} == {'say stop'}


def test_velocity_rises_by_the_ramp_and_ends_at_once(world):
    world.drive()
    world.run(0.5)
    speeds = [each.velocity.linear_x for _, each in world.decisions]
    rises = [after - before for before, after in zip(speeds, speeds[1:])]
    assert max(rises) <= 0.5 * 0.010 + 1e-9
    assert max(speeds) == pytest.approx(0.3)
    world.show('h1', 'stop')
    world.run(0.3)
    speeds = [each.velocity.linear_x for _, each in world.decisions]
    assert min(after - before for before, after in zip(speeds, speeds[1:])) <= -0.29


def freeze(world):
    world.camera_runs = False


def freeze_stamps(world):
    world.frozen_stamp_ns = START_NS + world.time_ms * MS


def jump_ahead(world):
    world.stamp_offset_ms = 5000


def jump_back(world):
    world.stamp_offset_ms = -5000


def step_back(world):
    world.stamp_offset_ms = -100


def set_clock_ahead(world):
    world.clock_offset_ms = 3600_000


def set_clock_back(world):
    world.clock_offset_ms = -3600_000


def kill_node(world):
    world.classifier_runs = False


def lose_hand(world):
    del world.hands['h1']


def release(world):
    world.show('h1', NONE)


def swap_to_a_far_hand(world):
    world.show('h1', x_px=60.0, y_px=60.0)
    world.hands['h1'].label = 'fist'


def swap_sides(world):
    world.hands['h1'].handedness = type(world.hands['h1'].handedness).LEFT


def come_near(world):
    world.show('h2', NONE, x_px=350.0)


def claim_too(world):
    world.show('h2', 'thumbs_up', x_px=60.0)
    world.run(1.0)


def stranger_stops(world):
    world.show('h2', 'stop', x_px=60.0)


def replace_model(world):
    world.labels = ('fist', NONE)


def late_images(world):
    world.latency_ms = 400


def slow_down(world):
    world.period_ms = 10_000  # 0.1 images a second


def publish_twice(world):
    world.twin = 0, None


def start_another_camera(world):
    world.twin = 5, [Shown('h1', 'fist', x_px=60.0, y_px=60.0)]


def press_emergency(world):
    world.commander.emergency.observe(True, world.now)


def garble_emergency(world):
    world.commander.emergency.observe(None, world.now)


def report_fault(world):
    world.commander.fault = 'wrong topic'


IMMEDIATE = (press_emergency, garble_emergency, report_fault)
FAULTS = (
    freeze, freeze_stamps, jump_ahead, jump_back, step_back, set_clock_ahead, set_clock_back,
    kill_node, lose_hand, release, swap_to_a_far_hand, swap_sides, come_near, stranger_stops,
    replace_model, late_images, slow_down, publish_twice, start_another_camera, *IMMEDIATE,
)


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize('period_ms', [10, 16, 33, 66])
def test_every_fault_ends_in_a_stop(world, fault, period_ms):
    world.period_ms = period_ms
    world.drive()
    fault(world)
    since_ms = world.time_ms
    world.run(2.0)
    assert world.stopped_after_ms(since_ms) <= (20 if fault in IMMEDIATE else LIMIT_MS)
    assert world.decision.reason
    assert world.robot.path[-1] == world.robot.path[-100]


@pytest.mark.parametrize('period_ms', [10_000, 1000, 200])
def test_a_camera_that_is_too_slow_moves_nothing(world, period_ms):
    world.period_ms = period_ms
    for label in ('thumbs_up', 'fist'):
        world.show('h1', label)
        world.run(30.0)
    assert not any(not each.velocity.is_zero for _, each in world.decisions)


def test_two_who_claim_stop_the_robot(world):
    world.drive()
    since_ms = world.time_ms
    claim_too(world)
    world.run(1.0)
    assert 500 <= world.stopped_after_ms(since_ms) <= 500 + LIMIT_MS
    assert 'two people claim control: h1, h2' in [each.reason for _, each in world.decisions]


@pytest.mark.parametrize('fault', [freeze, kill_node])
def test_motion_needs_a_new_gesture_after_a_stop(world, fault):
    world.drive()
    before = world.camera_runs, world.classifier_runs
    fault(world)
    world.run(0.3)
    world.camera_runs, world.classifier_runs = before
    world.run(0.4)
    assert not world.is_moving  # the fist is still there
    world.show('h1', NONE)
    world.run(0.5)
    world.show('h1', 'fist')
    world.run_until_moving()


def test_a_short_flicker_does_not_stop(world):
    world.drive()
    world.show('h1', NONE)
    world.run(0.06)
    world.show('h1', 'fist')
    since = len(world.decisions)
    world.run(1.0)
    assert all(not each.velocity.is_zero for _, each in world.decisions[since:])


def test_emergency_stop_latches_until_reset(world):
    world.drive()
    press_emergency(world)
    world.run(0.5)
    assert world.decision.state is State.EMERGENCY
    world.commander.emergency.observe(False, world.now)
    world.run(0.5)
    assert world.decision.state is State.EMERGENCY
    world.commander.emergency.reset(world.now)
    world.run(0.5)
    assert world.decision.state is State.IDLE  # control has to be claimed anew
    world.show('h1', NONE)
    world.run(0.5)
    world.drive()


@pytest.mark.parametrize('score', [0.45, 0.6])
@pytest.mark.parametrize('least_probability', [0.5, 0.8])
def test_nothing_moves_while_a_stop_lasts(tmp_path, score, least_probability):
    """However little is left of it, and whatever probability other gestures need."""
    path = tmp_path / 'commands.yaml'
    wanted = f'safety:\n  least_probability: {least_probability}\n'
    path.write_text(EXAMPLE.read_text().replace('safety:\n', wanted, 1))
    world = World(path)
    world.drive(x_px=320.0)
    world.show('h2', 'stop', x_px=560.0)
    world.run(0.5)
    world.show('h2', 'stop', score=score)
    world.run(0.3)
    world.show('h1', NONE)
    world.run(0.6)
    since = len(world.decisions)
    world.show('h1', 'fist')
    world.run(1.5)
    assert all(each.velocity.is_zero for _, each in world.decisions[since:])
    assert world.decision.reason == 'stop shown by h2'
    world.show('h2', NONE)
    world.run(0.5)
    world.show('h1', NONE)
    world.run(0.6)
    world.show('h1', 'fist')
    world.run_until_moving()


@pytest.mark.parametrize('score', [0.3, 0.5])
def test_a_stop_counts_in_a_single_image_with_any_probability(world, score):
    world.drive()
    world.show('h2', 'stop', x_px=560.0, score=score)
    world.run(0.034)
    world.show('h2', NONE, score=0.95)
    world.run(0.1)
    assert not world.is_moving


def test_a_stop_that_is_not_the_likeliest_in_an_image_still_lasts(world):
    world.drive(x_px=320.0)
    world.show('h2', 'stop', x_px=560.0)
    world.run(0.5)
    world.show('h1', NONE)
    world.run(0.6)
    world.commander.observe_gestures = _without_stops(world.commander.observe_gestures)
    world.show('h1', 'fist')
    world.run(1.5)
    assert not world.is_moving


def test_a_stop_ends_with_its_hand(world):
    """Though no ENDED comes, as from a classifier that died."""
    world.drive(x_px=320.0)
    world.show('h2', 'stop', x_px=560.0)
    world.run(0.5)
    del world.hands['h2']
    world.commander.observe_event = _without_ends(world.commander.observe_event)
    world.show('h1', NONE)
    world.run(1.0)
    world.show('h1', 'fist')
    world.run_until_moving()


def _without_stops(observe):
    """The images tell nothing of stop gestures, only the events do."""
    def observe_others(gestures, **rest):
        return observe(
            [replace(each, label=NONE) if each.label == 'stop' else each for each in gestures],
            **rest,
        )

    return observe_others


def _without_ends(observe):
    return lambda event, now: () if event.phase is Phase.ENDED else observe(event, now)


def test_strangers_command_nothing(world):
    world.claim('h1')
    world.show('h1', NONE)
    world.show('h2', 'fist', x_px=60.0)
    world.run(2.0)
    world.show('h2', 'ok')
    world.run(2.0)
    assert all(each.velocity.is_zero for _, each in world.decisions)
    assert world.fired == []


def test_nobody_in_control_moves_nothing(world):
    world.show('h1', 'fist')
    world.run(2.0)
    assert all(each.velocity.is_zero for _, each in world.decisions)
    assert world.decision.state is State.IDLE


def test_control_is_lost_with_the_person(world):
    world.claim()
    del world.hands['h1']
    world.run(1.0)
    assert world.decision.person == ''
    world.show('h7', 'fist')
    world.run(2.0)
    assert all(each.velocity.is_zero for _, each in world.decisions)


def test_both_hands_of_a_person_are_in_control_where_the_body_is_known(world):
    world.bodies = [make_person('p1', 2.0)]
    world.claim('h1', body_id='p1', x_px=200.0)
    assert world.decision.person == 'p1'
    world.show('h1', NONE)
    world.show('h2', 'fist', body_id='p1', x_px=400.0)
    world.run_until_moving()
    world.show('h1', 'two')
    since_ms = world.time_ms
    world.run(1.0)  # two hands ask for different motions
    assert not world.is_moving
    assert world.stopped_after_ms(since_ms) < 400


def test_hand_that_goes_to_another_body_stops(world):
    world.bodies = [make_person('p1', 2.0), make_person('p2', 2.0)]
    world.drive(body_id='p1')
    world.hands['h1'].body_id = 'p2'
    since_ms = world.time_ms
    world.run(1.0)
    assert world.stopped_after_ms(since_ms) <= LIMIT_MS
    assert 'went from person p1 to p2' in world.decision.reason


def test_images_without_the_gesture_stop_sooner_than_no_images(world):
    world.drive()
    since_ms = world.time_ms
    release(world)
    world.run(0.5)
    assert world.stopped_after_ms(since_ms) <= 80 + 33 + world.latency_ms + 20
    assert world.decision.reason in ("no image asks for 'forward' any more", 'fist ended')

import os
import re
import signal
import time

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, Twist, TwistStamped
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy
from std_msgs.msg import Bool, Header, String
from std_srvs.srv import SetBool, Trigger

from ros2_hand_action.msg import (
    ActionArray,
    ActionEvent,
    Gesture,
    GestureArray,
    GestureEvent,
    HandArray,
)
from ros2_hand_action.nodes.conversions import stamp_from_ns
from ros2_hand_action.nodes.emergency_input import read_flag
from ros2_hand_action.nodes.gesture_commander import GestureCommanderNode
from ros2_hand_action.nodes.topics import LATCHED_QOS
from ros2_hand_action.nodes.wire import write_hands
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.replay.processes import NodeProcess

NAME = '/gesture_commander'
LIMITS = """
control: {policy: nearest}
velocity:
  limits: {linear: {x: 0.5}, angular: {z: 1.0}}
  acceleration: {linear: {x: 100}, angular: {z: 100}}
  zero_s: 0.3
"""
FORWARD = """
  - {name: forward, when: {gesture: fist}, velocity: {linear: {x: 0.5}}}
"""


class Camera:
    """Publishes what detector and classifier would, of one hand, stamped now."""

    def __init__(self, probe, hand) -> None:
        self._probe, self._hand = probe, hand
        self.hands = probe.publisher(HandArray, 'hands')
        self.events = probe.publisher(GestureEvent, 'gesture_events', 50)
        self.gestures = probe.publisher(GestureArray, 'gestures')
        self.labels = list(GESTURES)
        self.offset_ns = 0

    def send(self, label: str, phase: int | None = None) -> None:
        now_ns = time.time_ns() + self.offset_ns
        header = Header(stamp=stamp_from_ns(now_ns), frame_id='camera')
        self.hands.publish(write_hands((self._hand,), header, width_px=640, height_px=480))
        if phase is not None:
            self.events.publish(GestureEvent(
                header=header, phase=phase, label=label, hand_id='h1', score=0.9,
                start=stamp_from_ns(now_ns - 200_000_000), duration=Duration(nanosec=200_000_000),
            ))
        gesture = Gesture(
            hand_id='h1', label=label, score=0.9,
            probabilities=np.full(len(self.labels), 1 / len(self.labels), np.float32),
        )
        self.gestures.publish(
            GestureArray(header=header, labels=self.labels, gestures=[gesture])
        )

    def show(self, label: str, until, what: str) -> None:
        """Show a gesture until something comes of it."""
        self.send(label)
        self._probe.wait(lambda: self.send(label, GestureEvent.STARTED) or until(), what)


@pytest.fixture
def write_map(tmp_path):
    def write(commands: str, options: str = LIMITS) -> str:
        path = tmp_path / 'map.yaml'
        path.write_text(f'{options}\ncommands:{commands}')
        return str(path)

    return write


@pytest.fixture
def start(start_nodes, probe, hand, write_map):
    def start(commands: str = FORWARD, options: str = LIMITS, **parameters):
        node = start_nodes(
            GestureCommanderNode, commands=write_map(commands, options), **parameters
        )
        camera = Camera(probe, hand)
        probe.wait(
            lambda: node.is_active
            and all(p.get_subscription_count() for p in
                    (camera.hands, camera.events, camera.gestures)),
            'an active commander',
        )
        return node, camera

    return start


def drive(probe, camera, velocities) -> None:
    """Move, by messages as they come from a camera."""
    camera.show('fist', lambda: velocities and speed(velocities[-1]) == 0.5, 'motion')


def speed(message) -> float:
    return (message.twist if isinstance(message, TwistStamped) else message).linear.x


def test_moves_while_the_gesture_is_shown_and_falls_silent_after_zeros(start, probe):
    velocities = probe.listen(Twist, 'cmd_vel')
    _, camera = start()
    probe.wait(lambda: velocities and speed(velocities[-1]) == 0.0, 'a standstill at the start')
    drive(probe, camera, velocities)
    probe.wait(lambda: speed(velocities[-1]) == 0.0, 'zero')  # nothing is sent: the camera froze
    before = len(velocities)
    probe.wait_for_value(NAME, 'state', 'no fresh images')
    assert "no image asked for 'forward' for 0.13 s" in probe.values(NAME)['reason']
    end = probe.node.get_clock().now().nanoseconds + 500_000_000
    probe.wait(lambda: probe.node.get_clock().now().nanoseconds > end, 'half a second')
    count = len(velocities)
    assert count > before  # zeros for a while
    probe.wait_for_value(NAME, 'person in control', '')
    assert len(velocities) == count  # then silence
    assert not any(speed(each) for each in velocities[before:])


def test_stamped_velocities_carry_time_and_frame(start, probe):
    velocities = probe.listen(TwistStamped, 'base/cmd_vel')
    options = LIMITS.replace(
        'velocity:', 'velocity:\n  topic: base/cmd_vel\n  type: twist_stamped\n  frame_id: base'
    )
    _, camera = start(options=options)
    drive(probe, camera, velocities)
    moving = next(each for each in velocities if speed(each))
    assert moving.header.frame_id == 'base'
    assert abs(moving.header.stamp.sec - time.time()) < 60


@pytest.mark.parametrize('transition', ['deactivate', 'shutdown'])
def test_zero_is_the_last_word_of_a_node_that_ends(start, probe, transition):
    velocities = probe.listen(Twist, 'cmd_vel')
    node, camera = start()
    drive(probe, camera, velocities)
    task = node.executor.create_task(getattr(node, f'trigger_{transition}'))
    probe.wait(task.done, transition)
    probe.wait(lambda: speed(velocities[-1]) == 0.0, 'zero')


def test_zero_is_the_last_word_of_a_process_that_is_asked_to_end(
    probe, hand, write_map, tmp_path
):
    options = LIMITS + 'safety: {timeout_s: 1.0}'
    velocities = probe.listen(Twist, 'cmd_vel')
    camera = Camera(probe, hand)
    arguments = ('--nodes', 'gesture_commander', '--commands', write_map(FORWARD, options))
    with NodeProcess(arguments, tmp_path / 'log') as process:
        drive(probe, camera, velocities)
        os.kill(process.pid, signal.SIGTERM)
        probe.wait(lambda: speed(velocities[-1]) == 0.0, 'zero')
        probe.wait(lambda: not probe.node.count_publishers('cmd_vel'), 'the end')
        assert speed(velocities[-1]) == 0.0
    assert 'Traceback' not in process.log_tail()


def test_zero_where_deciding_fails(start, probe, monkeypatch, capfd):
    velocities = probe.listen(Twist, 'cmd_vel')
    node, camera = start()
    drive(probe, camera, velocities)
    with monkeypatch.context() as patch:
        def fail(_now):
            raise RuntimeError('boom')

        patch.setattr(node._commander, 'tick', fail)
        camera.send('fist')
        probe.wait(lambda: speed(velocities[-1]) == 0.0, 'zero')
    assert 'cannot decide: unforeseen RuntimeError: boom' in capfd.readouterr().err


def test_unusable_message_stops_at_once(start, probe):
    velocities = probe.listen(Twist, 'cmd_vel')
    _, camera = start(options=LIMITS + 'safety: {timeout_s: 1.0}')
    drive(probe, camera, velocities)
    camera.gestures.publish(
        GestureArray(labels=list(GESTURES), gestures=[Gesture(hand_id='h1', handedness=9)])
    )
    probe.wait(lambda: speed(velocities[-1]) == 0.0, 'zero')
    probe.wait(lambda: 'cannot be used' in probe.values(NAME).get('reason', ''), 'the reason')


def test_stamps_of_the_future_stop(start, probe):
    velocities = probe.listen(Twist, 'cmd_vel')
    _, camera = start(options=LIMITS + 'safety: {timeout_s: 1.0}')
    drive(probe, camera, velocities)
    camera.offset_ns = 10**9
    camera.send('fist')
    probe.wait(lambda: speed(velocities[-1]) == 0.0, 'zero')
    probe.wait(lambda: 'in the future' in probe.values(NAME).get('reason', ''), 'the reason')


def test_emergency_stop_latches_until_reset_by_the_service(start, probe):
    velocities = probe.listen(Twist, 'cmd_vel')
    stop = probe.publisher(Bool, 'emergency_stop', LATCHED_QOS)
    stop.publish(Bool(data=True))  # before the commander begins
    node, camera = start()
    status = probe.wait_for_value(NAME, 'state', 'emergency stop')
    assert status.level == DiagnosticStatus.WARN
    client = probe.node.create_client(Trigger, f'{NAME}/reset_emergency_stop')
    probe.wait(client.service_is_ready, 'the service')
    future = client.call_async(Trigger.Request())
    probe.wait(future.done, 'an answer')
    assert not future.result().success and 'still pressed' in future.result().message
    for _ in range(5):
        camera.send('fist', GestureEvent.STARTED)
    stop.publish(Bool(data=False))
    probe.wait(lambda: node._commander.emergency._is_pressed is False, 'release')
    assert not any(speed(each) for each in velocities)
    future = client.call_async(Trigger.Request())
    probe.wait(future.done, 'an answer')
    assert future.result().success
    drive(probe, camera, velocities)


def test_only_who_latches_the_emergency_stop_is_asked_to(start, probe):
    """A plain publisher was once warned, in its own log, of a subscription it cannot serve."""
    plain = probe.publisher(Bool, 'emergency_stop')
    node, _ = start()

    def latching() -> int:
        asked = probe.node.get_subscriptions_info_by_topic('/emergency_stop')
        durabilities = [info.qos_profile.durability for info in asked]
        return durabilities.count(DurabilityPolicy.TRANSIENT_LOCAL)

    probe.wait(plain.get_subscription_count, 'the commander')
    plain.publish(Bool(data=False))
    probe.wait(lambda: node._commander.emergency._heard_ns, 'the message')
    assert latching() == 0
    late = probe.publisher(Bool, 'emergency_stop', LATCHED_QOS)
    late.publish(Bool(data=True))
    probe.wait_for_value(NAME, 'state', 'emergency stop')
    probe.wait(lambda: latching() == 1, 'the subscription to who latches')
    probe.node.destroy_publisher(late)
    probe.wait(lambda: latching() == 0, 'its end')


def test_emergency_topic_of_another_type_is_a_fault(start, probe):
    probe.publisher(String, 'emergency_stop')
    start()
    status = probe.wait_for_value(NAME, 'state', 'fault')
    assert status.level == DiagnosticStatus.ERROR
    assert 'it must be std_msgs/msg/Bool' in status.message


def test_serialised_flags():
    plain = b'\0\1\0\0'
    assert read_flag(plain + b'\0') is False
    assert read_flag(plain + b'\1\0\0\0') is True
    assert [read_flag(data) for data in (b'', plain, plain + b'\2', b'\7\1\0\0\0')] == [None] * 4


def test_messages_of_any_type_and_services(start, probe):
    said = probe.listen(String, 'said')
    goals = probe.listen(PoseStamped, 'goal')
    asked: list[bool] = []

    def answer(request, response):
        asked.append(request.data)
        response.success = True
        return response

    probe.node.create_service(SetBool, 'lights', answer)
    node, camera = start("""
  - name: say
    when: {gesture: ok}
    publish: {topic: said, type: std_msgs/msg/String, value: {data: "{gesture} of {person}"}}
  - name: go
    when: {gesture: ok}
    publish:
      topic: goal
      type: geometry_msgs/msg/PoseStamped
      value: {header: {frame_id: map}, pose: {position: {x: 1}}}
  - name: lights
    when: {gesture: ok}
    call: {service: lights, type: std_srvs/srv/SetBool, data: true}
""")
    probe.wait(
        lambda: all(client.service_is_ready() for client in node._outputs._clients.values())
        and node.count_subscribers('goal') and node.count_subscribers('said'), 'the receivers'
    )
    camera.show('ok', lambda: said and goals and asked, 'all three')
    assert said[0].data == 'ok of h1'
    assert goals[0].header.frame_id == 'map' and goals[0].pose.position.x == 1.0
    assert abs(goals[0].header.stamp.sec - time.time()) < 60
    assert asked[0] is True


def test_dry_run_says_what_it_would_do(start, probe, capfd):
    commands = FORWARD + """
  - {name: say, when: {gesture: fist},
     publish: {topic: said, type: std_msgs/msg/String, value: {data: hello}}}
"""
    logged = ['']

    def has_logged() -> bool:
        logged[0] += capfd.readouterr().err
        return 'moving, forward' in logged[0] and "would do 'say'" in logged[0]

    _, camera = start(commands, dry_run=True)
    camera.show('fist', has_logged, 'the log')
    assert 'dry run: moving, forward, h1' in logged[0]
    assert probe.node.count_publishers('cmd_vel') == probe.node.count_publishers('said') == 0


@pytest.mark.parametrize(
    ('commands', 'cause'),
    [
        ('', r"map\.yaml:\d+: the command map needs 'commands'"),
        ('\n  - {name: a, when: {gesture: fist}, velocity: {linear: {x: 9}}}',
         r'map\.yaml:9: linear_x is 9, above its limit of 0\.5'),
        ('\n  - {name: a, when: {action: walk}, velocity: {linear: {x: 0.1}}}',
         r"map\.yaml:9: command 'a' would let an action move the robot"),
        ('\n  - {name: a, when: {gesture: ok},\n'
         '     publish: {topic: t, type: no_msgs/msg/Thing}}',
         r"map\.yaml:9: message type 'no_msgs/msg/Thing' cannot be imported"),
        ('\n  - {name: a, when: {gesture: ok},\n'
         '     publish: {topic: t, type: std_msgs/msg/Bool, value: {data: 3}}}',
         r"map\.yaml:9: 3 does not fit the field 'data'"),
        ('\n  - {name: a, when: {gesture: ok},\n'
         '     publish: {topic: /cmd_vel, type: std_msgs/msg/Bool}}',
         r"map\.yaml:9: topic '/cmd_vel' is that of the velocities"),
    ],
)
def test_wrong_maps_are_refused_at_configure(start_nodes, probe, write_map, commands, cause):
    start_nodes(GestureCommanderNode, commands=write_map(commands))
    status = probe.wait(
        lambda: (s := probe.status(NAME)) and s.level == DiagnosticStatus.ERROR and s, 'an error'
    )
    assert re.search(cause, status.message), status.message


def test_map_has_to_be_given(start_nodes, probe):
    start_nodes(GestureCommanderNode)
    probe.wait(
        lambda: (s := probe.status(NAME)) and "commands is ''" in s.message, 'what is missing'
    )


def test_labels_that_the_classifier_lacks_are_told(start, probe):
    _, camera = start()
    camera.labels = ['stop', 'none']
    camera.send('none')
    probe.wait(
        lambda: (s := probe.status(NAME)) and 'knows no fist' in s.message
        and s.level != DiagnosticStatus.OK, 'a warning',
    )


def test_images_that_are_always_too_old_are_told(start, probe):
    _, camera = start()
    camera.offset_ns = -150_000_000
    probe.wait(
        lambda: camera.send('fist') or ((s := probe.status(NAME))
        and s.level == DiagnosticStatus.WARN
        and 's old. Images that become gestures more than 0.13 s' in s.message), 'a warning',
    )


def test_topics_that_nobody_publishes_are_told(start, probe):
    _, camera = start()
    probe.node.destroy_publisher(camera.events)
    probe.wait(
        lambda: (s := probe.status(NAME)) and s.level != DiagnosticStatus.OK
        and "nobody publishes 'gesture_events', start gesture_classifier" in s.message,
        'a warning',
    )


def test_an_action_stops_the_robot_and_calls_until_it_ends(start, probe):
    velocities = probe.listen(Twist, 'cmd_vel')
    actions = probe.publisher(ActionEvent, 'action_events', 50)
    asked: list[Trigger.Request] = []

    def answer(request, response):
        asked.append(request)
        response.success = True
        return response

    probe.node.create_service(Trigger, 'help', answer)
    node, camera = start(FORWARD + """
  - {name: help, when: {action: fall_floor}, call: {service: help, type: std_srvs/srv/Trigger}}
""", LIMITS + 'safety: {timeout_s: 1.0, stop_actions: [fall_floor]}')
    (client,) = node._outputs._clients.values()
    probe.wait(lambda: client.service_is_ready() and actions.get_subscription_count(), 'both')
    drive(probe, camera, velocities)
    header = Header(stamp=stamp_from_ns(time.time_ns()))
    actions.publish(ActionEvent(
        header=header, phase=ActionEvent.STARTED, label='fall_floor', start=header.stamp,
    ))
    probe.wait(lambda: speed(velocities[-1]) == 0.0 and asked, 'zero and a call')
    status = probe.wait_for_value(NAME, 'state', 'stopped by an action')
    assert status.level == DiagnosticStatus.WARN
    count = len(velocities)
    for _ in range(5):
        camera.send('fist', GestureEvent.STARTED)
    probe.wait(lambda: len(velocities) > count + 80, 'zeros that go on')  # beyond zero_s, 0.3 s
    assert not any(speed(each) for each in velocities[count:])
    actions.publish(ActionEvent(
        header=header, phase=ActionEvent.ENDED, label='fall_floor', start=header.stamp,
    ))
    drive(probe, camera, velocities)
    assert len(asked) == 1


def test_unusable_action_event_stops_at_once(start, probe):
    velocities = probe.listen(Twist, 'cmd_vel')
    actions = probe.publisher(ActionEvent, 'action_events', 50)
    _, camera = start(options=LIMITS + 'safety: {timeout_s: 1.0, stop_actions: [fall_floor]}')
    probe.wait(actions.get_subscription_count, 'the subscription')
    drive(probe, camera, velocities)
    actions.publish(ActionEvent(phase=9, label='fall_floor'))
    probe.wait(lambda: speed(velocities[-1]) == 0.0, 'zero')
    probe.wait(lambda: 'cannot be used' in probe.values(NAME).get('reason', ''), 'the reason')


def test_actions_that_nobody_can_see_are_told(start, probe):
    start(options=LIMITS + 'safety: {stop_actions: [fall_flor]}')
    probe.wait(
        lambda: (s := probe.status(NAME)) and 'start action_recognizer' in s.message
        and s.level != DiagnosticStatus.OK, 'that nobody publishes them',
    )
    probe.publisher(ActionEvent, 'action_events', 50)
    actions = probe.publisher(ActionArray, 'actions')
    probe.wait(actions.get_subscription_count, 'the subscription')
    actions.publish(ActionArray(labels=['walk', 'fall_floor']))
    probe.wait(
        lambda: 'action recogniser knows no fall_flor' in probe.status(NAME).message
        and 'start action_recognizer' not in probe.status(NAME).message, 'the wrong name',
    )


def test_a_map_without_actions_does_not_listen_to_them(start, probe):
    node, _ = start()
    assert not any('action' in each.topic_name for each in node.subscriptions)


def test_another_person_can_be_put_in_control(start, probe):
    velocities = probe.listen(Twist, 'cmd_vel')
    node, camera = start(options=LIMITS.replace('nearest', 'id'))
    for _ in range(5):
        camera.send('fist', GestureEvent.STARTED)
    assert not any(speed(each) for each in velocities)
    task = node.executor.create_task(
        node.set_parameters, [Parameter('person_id', value='h1')]
    )
    probe.wait(task.done, 'the change')  # and from now on the robot may move
    drive(probe, camera, velocities)

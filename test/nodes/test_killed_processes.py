"""`kill -9` of each process of the whole system, which drives a robot by a real hand."""

import time

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Twist
from graph import Graph
from sensor_msgs.msg import CompressedImage, Image

from ros2_hand_action.errors import HandActionError
from ros2_hand_action.models.store import media_path
from ros2_hand_action.msg import GestureArray, GestureEvent, HandArray
from ros2_hand_action.nodes.launch_arguments import SYSTEM_ARGUMENTS
from ros2_hand_action.nodes.launch_plan import plan_processes

DEADLINE_S = 60.0
WITH_HAND, EMPTY, RATE_HZ = 22, 5, 10
TWO_X_PX = slice(112, 192)
"""Columns of the photo that show the hand with two fingers."""
MANAGER = '/lifecycle_manager'

MAP = """
safety: {timeout_s: 0.5}
control: {policy: nearest}
velocity: {limits: {linear: {x: 0.5}}, acceleration: {linear: {x: 10}}}
commands:
  - {name: forward, when: {gesture: two, hold_s: 1.6}, velocity: {linear: {x: 0.5}}}
"""
"""The gesture is held so long that the zeros before it are heard, however late one listens."""
PARAMETERS = f"""
/**/video_source:
  ros__parameters: {{loop: true, rate_hz: {RATE_HZ}.0, wait_for_subscribers: 0}}
/**/hand_detector:
  ros__parameters: {{model: lite}}
"""
TOPICS = {
    'video_source': (Image, 'image'),
    'hand_detector': (HandArray, 'hands'),
    'gesture_classifier': (GestureArray, 'gestures'),
    'gesture_commander': (Twist, 'cmd_vel'),
    'overlay': (CompressedImage, 'overlay/image/compressed'),
}
"""Node -> what it publishes, sources first."""
SEEING = ('video_source', 'hand_detector', 'gesture_classifier')


@pytest.fixture(scope='module')
def make_graph(hand_models, tmp_path_factory):
    """Return a function that starts the system before pictures of a hand that comes and goes."""
    graphs = []

    def make(**arguments: str) -> Graph:
        folder = tmp_path_factory.mktemp('graph')
        try:
            photo = cv2.imread(str(media_path('five_hands')))
        except HandActionError as error:
            pytest.skip(str(error))
        empty = np.full((240, 320, 3), np.median(photo, axis=(0, 1)), np.uint8)
        shown = empty.copy()
        hand = photo[:, TWO_X_PX]
        shown[: len(hand), 120:120 + hand.shape[1]] = hand[:240]
        (folder / 'pictures').mkdir()
        for index in range(WITH_HAND + EMPTY):
            picture = shown if index < WITH_HAND else empty
            cv2.imwrite(str(folder / 'pictures' / f'{index}.png'), picture)
        (folder / 'map.yaml').write_text(MAP)
        (folder / 'parameters.yaml').write_text(PARAMETERS)
        given = {
            'params_file': str(folder / 'parameters.yaml'), 'manager': 'true',
            'video': str(folder / 'pictures'), 'commands': str(folder / 'map.yaml'),
        }
        values = {each.name: each.default for each in SYSTEM_ARGUMENTS} | given | arguments
        plans = plan_processes(values, state_folder=str(folder))
        graphs.append(Graph(plans, folder / 'parameters.yaml', folder))
        return graphs[-1]

    yield make
    for graph in graphs:
        graph.close()


@pytest.fixture(scope='module')
def graph(make_graph) -> Graph:
    """Run one process for each node."""
    return make_graph()


@pytest.fixture
def words(probe) -> list[tuple[int, float]]:
    """Listen to velocities and when they were sent: what the dead said may come late."""
    said: list[tuple[int, float]] = []
    probe.node.create_subscription(
        Twist, 'cmd_vel',
        lambda twist, info: said.append((info['source_timestamp'], twist.linear.x)), 100,
    )
    return said


@pytest.fixture
def heard(probe) -> dict[str, list]:
    """Listen to all that the nodes publish."""
    return {name: probe.listen(*topic) for name, topic in TOPICS.items()}


def wait_until_active(probe) -> None:
    probe.wait(
        lambda: (s := probe.status(MANAGER)) and s.level == DiagnosticStatus.OK
        and s.message == 'all active', 'all nodes active', DEADLINE_S,
    )


def wait_for_motion(probe, velocities) -> None:
    probe.wait(lambda: velocities and velocities[-1].linear.x == 0.5, 'motion', DEADLINE_S)


def wait_for_news(probe, heard, names) -> None:
    counts = {name: len(heard[name]) for name in names}
    probe.wait(
        lambda: all(len(heard[name]) > count for name, count in counts.items()),
        f'news of {", ".join(names)}', DEADLINE_S,
    )


def kill(probe, graph, name: str) -> None:
    """Kill a process, and wait until another one is there."""
    before = graph.pids
    graph.processes[name].kill()
    probe.wait(lambda: graph.pids[name] != before[name], f'another {name}')
    del before[name]
    assert graph.pids.items() >= before.items(), 'the others live on'


def hear_first_word(probe, words, killed_ns: int) -> None:
    """Wait for the first velocity that was sent after the kill: zero."""
    def later() -> list[float]:
        return [speed for sent_ns, speed in words if sent_ns > killed_ns]

    probe.wait(later, 'a velocity of the new process', DEADLINE_S)
    probe.wait(lambda: later()[0] == 0.0, 'zero as the first word', 0.1)


def restarts(probe) -> dict[str, str]:
    """Return how often each node was started again, as far as it has told."""
    return {name: probe.values(f'/{name}').get('restarts', '') for name in TOPICS}


def count_restarts(probe) -> dict[str, str]:
    """Return the restarts once every node has told its own."""
    probe.wait(lambda: all(restarts(probe).values()), 'word of every node', DEADLINE_S)
    return restarts(probe)


def wait_until_back(probe, graph, name: str, counts: dict[str, str]) -> None:
    """Wait until this node, and no other one, was started once more, and all are active."""
    expected = {**counts, name: str(int(counts[name]) + 1)}
    probe.wait(lambda: restarts(probe) == expected, f'{name} back, alone', DEADLINE_S)
    probe.wait(
        lambda: probe.status(f'/{name}').message not in ('unconfigured', 'inactive'),
        f'{name} at work', DEADLINE_S,
    )
    wait_until_active(probe)
    assert 'Traceback' not in ''.join(map(graph.log, graph.processes))


@pytest.mark.parametrize('name', [*SEEING, 'overlay'])
def test_others_go_on_and_the_killed_one_comes_back(probe, graph, heard, name):
    wait_until_active(probe)
    counts, velocities = count_restarts(probe), heard['gesture_commander']
    wait_for_motion(probe, velocities)
    kill(probe, graph, name)
    if name in SEEING:
        probe.wait(lambda: velocities[-1].linear.x == 0.0, 'a robot that stands')
        wait_for_news(probe, heard, SEEING[: SEEING.index(name)])
    else:
        wait_for_news(probe, heard, SEEING)
    wait_until_back(probe, graph, name, counts)
    wait_for_news(probe, heard, TOPICS)


def test_a_commander_that_comes_back_stands_until_a_gesture_begins(probe, graph, heard, words):
    wait_until_active(probe)
    events = probe.listen(GestureEvent, 'gesture_events', 50)
    counts, velocities = count_restarts(probe), heard['gesture_commander']
    wait_for_motion(probe, velocities)
    kill(probe, graph, 'gesture_commander')
    begun = len(events)
    killed_ns = time.time_ns()
    wait_for_news(probe, heard, SEEING)
    hear_first_word(probe, words, killed_ns)
    velocities.clear()
    wait_for_motion(probe, velocities)
    assert any(each.phase == GestureEvent.STARTED for each in events[begun:])
    wait_until_back(probe, graph, 'gesture_commander', counts)


def test_nodes_work_on_without_a_manager_and_the_next_one_takes_them_as_they_are(
    probe, graph, heard
):
    wait_until_active(probe)
    kill(probe, graph, 'lifecycle_manager')
    old = probe.status(MANAGER)
    wait_for_news(probe, heard, TOPICS)
    probe.wait(lambda: probe.status(MANAGER) is not old, 'another manager', DEADLINE_S)
    wait_until_active(probe)
    told = probe.values(MANAGER)
    assert {told[f'{name} brought up'] for name in TOPICS} == {'0'}


def test_one_process_for_all_nodes_comes_back(probe, make_graph, graph, heard):
    graph.close()
    graph.processes.clear()
    composed = make_graph(composition='true')
    velocities = heard['gesture_commander']
    wait_for_motion(probe, velocities)
    pid = composed.processes['hand-action'].kill()
    probe.wait(lambda: composed.pids['hand-action'] != pid, 'another process')
    velocities.clear()
    wait_for_motion(probe, velocities)
    wait_until_active(probe)
    assert 'Traceback' not in composed.log('hand-action')

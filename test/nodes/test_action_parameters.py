"""What the parameters of action_recognizer make of events, by images and by rarer clips."""

import numpy as np
import pytest

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.nodes.action_parameters import EVENT_PARAMETERS
from ros2_hand_action.perception.action_event_options import ActionEventOptions
from ros2_hand_action.perception.action_events import ActionEventMachine
from ros2_hand_action.perception.action_recognition import make_action
from ros2_hand_action.perception.action_settings import read_event_options
from ros2_hand_action.perception.records import Phase

DEFAULTS = {parameter.name: parameter.default for parameter in EVENT_PARAMETERS}
LABELS = ('walk', 'fall_floor', 'other')
SECOND_NS = 1_000_000_000


def phases_by_answer(options: ActionEventOptions, interval_ns: int, labels) -> list[list[Phase]]:
    """Return the events after each answer, one an interval; '' is an answer without the person."""
    machine = ActionEventMachine(options)
    found = []
    for index, label in enumerate(labels):
        row = np.array([label == each for each in LABELS], np.float32)
        stamp_ns = SECOND_NS + index * interval_ns
        actions = [make_action('p1', row, LABELS, clip_start_ns=0, clip_end_ns=stamp_ns)]
        events = machine.process(actions if label else [], stamp_ns=stamp_ns, labels=LABELS)
        found.append([event.phase for event in events])
    return found


def test_defaults_of_the_parameters_are_those_of_the_options():
    assert read_event_options(DEFAULTS) == ActionEventOptions()


@pytest.mark.parametrize('rate_hz', [0.5, 2, 10])
def test_second_of_two_clips_starts_an_action_whatever_the_rate(rate_hz):
    interval_ns = round(SECOND_NS / rate_hz)
    options = read_event_options(DEFAULTS, interval_ns=interval_ns)
    labels = ['walk'] * 8 + ['other'] * 20
    phases = phases_by_answer(options, interval_ns, labels)
    started = next(index for index, each in enumerate(phases) if Phase.STARTED in each)
    ended = next(index for index, each in enumerate(phases) if Phase.ENDED in each)
    assert started <= max(1, round(0.4 * rate_hz))
    assert 8 + 0.7 * rate_hz <= ended <= 9 + max(1, round((0.4 + 0.7) * rate_hz))


def test_one_clip_without_the_person_does_not_end_an_action():
    options = read_event_options(DEFAULTS, interval_ns=SECOND_NS)
    phases = phases_by_answer(options, SECOND_NS, ['walk'] * 4 + [''] + ['walk'] * 3)
    assert not any(Phase.ENDED in each for each in phases)


def test_contradictions_are_refused():
    with pytest.raises(ConfigError, match='end_threshold 0.9'):
        read_event_options({**DEFAULTS, 'end_threshold': 0.9})

"""What a line cannot say, in Python: `replay` gives everything that was seen."""

import pytest

from ros2_hand_action.perception.records import Phase


@pytest.fixture
def result(replay):
    """Return the replay; it is the one of five_hands.replay.yaml, which is made only once."""
    return replay('demo:five_hands', start_s=4, duration_s=3)


def test_every_gesture_that_starts_ends(result):
    """A robot that obeys until ENDED must not obey for ever."""
    lasting = set()
    for event in result.events:
        if event.phase is Phase.STARTED:
            lasting.add((event.hand_id, event.label))
        elif event.phase is Phase.ENDED:
            lasting.remove((event.hand_id, event.label))
    assert not lasting


def test_hands_come_from_the_right(result):
    """The camera moves to the right, so hands enter there."""
    first = {}
    for frame in result.clip.frames:
        for hand in frame.hands or ():
            first.setdefault(hand.track_id, hand.box_px)
    newest = result.hand_ids[-1]
    assert first[newest][2] > 0.8 * result.clip.width_px


def test_the_stop_is_seen_early(result):
    """Lines work here, too."""
    result.expect('between 0 and 2.4 s: gesture stop STARTED right hand')

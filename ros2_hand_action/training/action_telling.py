"""What a node tells of clips of pose sequences: the networks' answer under the same two rules.

Nobody walks in place (`action_pose.keep_in_place`), and falls are told only of people who are
down (`action_stance.withhold_falls`).
"""

from collections.abc import Sequence

import numpy as np

from ros2_hand_action.perception.action_events import ActionEventMachine
from ros2_hand_action.perception.action_pose import keep_in_place
from ros2_hand_action.perception.action_recognition import make_action
from ros2_hand_action.perception.action_stance import Stance, StanceWatch
from ros2_hand_action.perception.labels import ACTIONS
from ros2_hand_action.training.action_playback import make_people
from ros2_hand_action.training.action_sequences import PoseSequence
from ros2_hand_action.training.action_views import View, show

_SECOND_NS = 1_000_000_000
_JOIN_S = 0.1


def find_stances(sequence: PoseSequence, view: View) -> list[Stance]:
    """Return the stance at each of a sequence's moments, as a camera sees it.

    What the source shows of the person `before`, with a gap that no camera would have left, is
    looked at first, as if the sequence went on from there.
    """
    return _watch(sequence, view, StanceWatch())[0]


def _watch(
    sequence: PoseSequence, view: View, watch: StanceWatch
) -> tuple[list[Stance], float]:
    """Return the stances, and how much later than its own the sequence's stamps were taken."""
    shift_s = 1 - float(sequence.stamps_s[0])
    if sequence.before is not None:
        _, earlier_s = _watch(sequence.before, view, watch)
        shift_s = float(sequence.before.stamps_s[-1] - sequence.stamps_s[0]) + earlier_s + _JOIN_S
    people = make_people(*show(sequence, view))
    stances = [
        watch.update([person], stamp_ns=round((stamp_s + shift_s) * _SECOND_NS))[person.track_id]
        for stamp_s, person in zip(sequence.stamps_s, people)
    ]
    return stances, shift_s


def tell(
    probabilities: np.ndarray, worlds: np.ndarray, stances: Sequence[Stance]
) -> np.ndarray:
    """Return the probabilities (n, labels) that a node tells of clips.

    Parameters
    ----------
    probabilities : np.ndarray
        (n, labels): those of the networks.
    worlds : np.ndarray
        (n, SAMPLES, 3): way of the pelvis, as `action_features.clip_features` takes it.
    stances : Sequence[Stance]
        (n,): at the end of each clip.
    """
    rows = keep_in_place(probabilities, worlds, ACTIONS)
    actions = [
        make_action(str(place), row, ACTIONS, clip_start_ns=0, clip_end_ns=0)
        for place, row in enumerate(rows)
    ]
    told = ActionEventMachine().withhold_falls(
        actions, labels=ACTIONS,
        stances={str(place): stance for place, stance in enumerate(stances)},
    )
    return np.array([action.probabilities for action in told]).reshape(-1, len(ACTIONS))

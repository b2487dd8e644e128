"""How often two versions of a network lead to the same answers on the same images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ros2_hand_action.models.catalogue import Model
from ros2_hand_action.perception.detection_metrics import match_boxes
from ros2_hand_action.perception.records import Action, Body, Gesture, Hand
from ros2_hand_action.replay.recording import RecordedFrame

_Count = tuple[int, int]


@dataclass(frozen=True)
class Agreement:
    """How many answers are the same.

    Attributes
    ----------
    what, rule : str
        The kind of answers, and when two are the same.
    same, of : int
        Answers that are the same, and all that either version gave.
    """

    what: str
    rule: str
    same: int
    of: int

    def format(self) -> str:
        """Return it as a sentence without its end."""
        if not self.of:
            return f'no {self.what} were found, in fp32 or int8'
        share = f'{100 * self.same / self.of:.1f} % ({self.same} of {self.of})'
        return f'{share} of the {self.what} {self.rule}'


def find_agreement(
    model: Model, before: Sequence[RecordedFrame], after: Sequence[RecordedFrame]
) -> Agreement:
    """Compare what the nodes answer in two runs over the same images.

    Of a network that finds hands or bodies, or their landmarks, boxes are compared (intersection
    over union at least 0.5); of one that names gestures or actions, the winning labels.
    """
    what, rule, compare = _COMPARISONS[model.about]
    counts = [compare(first, second) for first, second in zip(before, after, strict=True)]
    same, of = np.sum(counts, axis=0) if counts else (0, 0)
    return Agreement(what, rule, int(same), int(of))


def _compare_boxes(
    first: Sequence[Hand | Body], second: Sequence[Hand | Body]
) -> _Count:
    boxes = [np.reshape([each.box_px for each in found], (-1, 4)) for found in (first, second)]
    right = match_boxes(boxes[1], np.array([each.score for each in second]), boxes[0])
    same = int(right.sum())
    return same, len(first) + len(second) - same


def _compare_labels(
    first: Sequence[Gesture | Action], second: Sequence[Gesture | Action]
) -> _Count:
    same = sum(one.label == other.label for one, other in zip(first, second))
    return same, max(len(first), len(second))


def _compare_hands(first: RecordedFrame, second: RecordedFrame) -> _Count:
    return _compare_boxes(first.hands or (), second.hands or ())


def _compare_bodies(first: RecordedFrame, second: RecordedFrame) -> _Count:
    return _compare_boxes(first.bodies or (), second.bodies or ())


def _compare_gestures(first: RecordedFrame, second: RecordedFrame) -> _Count:
    return _compare_labels(first.gestures or (), second.gestures or ())


def _compare_actions(first: RecordedFrame, second: RecordedFrame) -> _Count:
    return _compare_labels(first.actions or (), second.actions or ())


_SAME_BOX = 'that fp32 or int8 finds are found by both'
_SAME_LABEL = 'have the same winning label as in fp32'
_HANDS = ('hands', _SAME_BOX, _compare_hands)
_BODIES = ('bodies', _SAME_BOX, _compare_bodies)
_COMPARISONS: dict[str, tuple[str, str, Callable[[RecordedFrame, RecordedFrame], _Count]]] = {
    'hand detection': _HANDS, 'hand landmarks': _HANDS,
    'body detection': _BODIES, 'body landmarks': _BODIES,
    'gestures': ('gestures', _SAME_LABEL, _compare_gestures),
    'actions': ('actions', _SAME_LABEL, _compare_actions),
}
"""By the task of a network in the catalogue."""

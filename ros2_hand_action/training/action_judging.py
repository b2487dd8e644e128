"""Judge a recogniser of actions on people held back, by what a node tells of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.action_features import SAMPLES, find_known
from ros2_hand_action.perception.action_stance import Stance
from ros2_hand_action.perception.labels import ACTIONS, FALL
from ros2_hand_action.training.action_sequences import PoseSequence
from ros2_hand_action.training.action_telling import find_stances, tell
from ros2_hand_action.training.action_training import (
    FOLDS,
    LEAST_SEEN_S,
    ActionHead,
    ActionTrainingOptions,
    ClipSamples,
    deal_folds,
    learn_actions,
)
from ros2_hand_action.training.action_views import View, look, shows_label

_HOP_S = 0.2
_TINY_S = 1e-6
NOT_JUDGED = 'not judged'
"""Stands for a label where no clip of a sequence shows the sequence's own."""


@dataclass(frozen=True)
class Judgement:
    """What is told of one sequence as one camera sees it.

    Attributes
    ----------
    sequence : PoseSequence
    truth : str
    probabilities : np.ndarray
        (clips, labels): one row for each clip in it that shows its label, in order of time.
    weight : float
        Share of the sequence's one vote that this view has.
    is_fall_told : bool
        Whether any clip in it is told as a fall, of a fall: any that shows it.
    """

    sequence: PoseSequence
    truth: str
    probabilities: np.ndarray
    weight: float = 1.0
    is_fall_told: bool = False

    @property
    def label(self) -> str:
        """The label of the mean probabilities, NOT_JUDGED without a clip."""
        if not len(self.probabilities):
            return NOT_JUDGED
        return ACTIONS[int(self.probabilities.mean(axis=0).argmax())]


def judge(
    head: ActionHead, sequences: Sequence[PoseSequence], views: Sequence[View]
) -> list[Judgement]:
    """Judge each sequence from each view by all of its clips that show its label.

    Whether a fall is told is asked of all clips of those that are none. As a node tells it
    (`action_telling`); what is known in the image only is judged so, from the first view. A
    sequence that shows its label at no moment is left out.
    """
    seen = [
        (sequence, _find_clips(sequence, view))
        for sequence in sequences if sequence.active.any()
        for view in _choose_views(sequence, views)
    ]
    clips = [clip for _, found in seen for clip in found]
    joints = np.array([clip.joints for clip in clips]).reshape(-1, SAMPLES, 13, 2)
    worlds = np.array([clip.world for clip in clips]).reshape(-1, SAMPLES, 3)
    named = head.probabilities(joints, worlds) if clips else np.empty((0, len(ACTIONS)))
    told, start = tell(named, worlds, [clip.stance for clip in clips]), 0
    judgements = []
    for sequence, found in seen:
        rows, start = told[start:start + len(found)], start + len(found)
        shown = rows[[clip.is_shown for clip in found]] if found else rows
        asked = shown if sequence.label == FALL else rows
        judgements.append(Judgement(
            sequence, sequence.label, shown, 1 / len(_choose_views(sequence, views)),
            bool((asked.argmax(axis=1) == ACTIONS.index(FALL)).any()),
        ))
    return judgements


class _Clip(NamedTuple):
    joints: np.ndarray
    world: np.ndarray
    stance: Stance
    is_shown: bool


def _choose_views(sequence: PoseSequence, views: Sequence[View]) -> Sequence[View]:
    if sequence.joints.shape[-1] == 3:
        return views
    return [replace(views[0], is_placed=False)]


def _find_clips(sequence: PoseSequence, view: View) -> list[_Clip]:
    """Return the clips of a sequence that show enough of the body, and which show its label."""
    stances, clips = find_stances(sequence, view), []
    for end_s in list_ends(sequence):
        joints, world = look(sequence, end_s, view)
        if find_known(joints[None])[0]:
            place = int(np.searchsorted(sequence.stamps_s, end_s + _TINY_S)) - 1
            clips.append(_Clip(joints, world, stances[place], shows_label(sequence, end_s)))
    return clips


def list_ends(sequence: PoseSequence) -> list[float]:
    """Return the ends of the clips by which a sequence is judged: every fifth of a second."""
    first, last = (float(stamp) for stamp in sequence.stamps_s[[0, -1]])
    earliest = min(first + LEAST_SEEN_S, last)
    return [last - _HOP_S * hop for hop in range(int((last - earliest) / _HOP_S) + 1)][::-1]


def cross_validate_actions(
    sequences: Sequence[PoseSequence], samples: ClipSamples, options: ActionTrainingOptions,
    views: Sequence[View], progress: Callable[[float], object] = lambda share: None,
) -> list[Judgement]:
    """Learn on all but one part of the people and judge those, for each of FOLDS parts."""
    folds = deal_folds(sequences)
    judgements: list[Judgement] = []
    for fold in range(FOLDS):
        learnt = samples.folds != fold
        head = learn_actions(
            ClipSamples(
                samples.features[learnt], samples.targets[learnt], samples.folds[learnt]
            ),
            options, progress,
        )
        held_back = [s for s in sequences if folds[s.group] == fold]
        judgements += judge(head, held_back, views)
    return judgements

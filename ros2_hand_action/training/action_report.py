"""What a recogniser of actions gets right of people whom it has never seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ros2_hand_action.perception.gesture_metrics import ClassificationReport
from ros2_hand_action.perception.labels import ACTIONS, FALL, OTHER
from ros2_hand_action.training.action_training import Judgement
from ros2_hand_action.training.action_views import View

JUDGING_VIEWS = (
    View(is_placed=True), View(is_placed=False),
    View(azimuth=1.2, pitch=0.1), View(azimuth=-2.3, pitch=0.1, is_placed=False),
)
"""Sequences in 3D are judged as seen by the camera that took them and by two others, with
positions in metres and without."""

MADE = 'made'
"""Sources whose motion is computed or changed begin with it; they count in no total."""

_REAL_BACKGROUND = ('jhmdb', 'utd', 'kard')


@dataclass(frozen=True)
class ActionReport:
    """How often each source's sequences were named what.

    Attributes
    ----------
    counts : dict
        (source, true label) -> int64 (labels,): how often it was named what.
    false_falls : float
        Share of the sequences of JHMDB, UTD-MHAD and KARD that were named a fall.
    false_fall_clips : float
        Share of the single clips in them.
    """

    counts: dict[tuple[str, str], np.ndarray]
    false_falls: float
    false_fall_clips: float

    @property
    def total(self) -> ClassificationReport:
        """All sources whose motion is real, or computed for want of any (cycling)."""
        confusion = np.zeros((len(ACTIONS), len(ACTIONS)), np.int64)
        for (source, truth), row in self.counts.items():
            if not source.startswith(MADE):
                confusion[ACTIONS.index(truth)] += row
        return ClassificationReport(ACTIONS, confusion)

    @property
    def macro_recall(self) -> float:
        """Mean recall over the labels but `other`."""
        scores = self.total.per_class
        return float(np.mean([scores[label].recall for label in ACTIONS if label != OTHER]))

    def format(self) -> str:
        """Return the tables as text."""
        lines = [self.total.format(), f'macro recall without {OTHER} {self.macro_recall:.3f}']
        lines.append(
            f'named a fall of JHMDB, UTD-MHAD and KARD: {100 * self.false_falls:.2f} % of the '
            f'sequences, {100 * self.false_fall_clips:.2f} % of the clips'
        )
        lines.append('recall by source: ' + ', '.join(
            f'{source} {label} {row[ACTIONS.index(label)]}/{row.sum()}'
            for (source, label), row in sorted(self.counts.items())
        ))
        return '\n'.join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            'macro_recall': self.macro_recall,
            'false_falls': self.false_falls,
            'false_fall_clips': self.false_fall_clips,
            **self.total.to_json(),
            'sources': {
                f'{source} {label}': row.tolist()
                for (source, label), row in sorted(self.counts.items())
            },
        }


def report_actions(judgements: Sequence[Judgement]) -> ActionReport:
    """Count what the judgements say."""
    counts: dict[tuple[str, str], np.ndarray] = {}
    falls, fall_clips = [], []
    for judgement in judgements:
        sequence, label = judgement.sequence, judgement.label
        key = (sequence.source + (f' {sequence.action}' if sequence.label == FALL else ''),
               judgement.truth)
        row = counts.setdefault(key, np.zeros(len(ACTIONS), np.int64))
        row[ACTIONS.index(label)] += 1
        if sequence.source in _REAL_BACKGROUND:
            falls.append(label == FALL)
            fall_clips.append(judgement.probabilities.argmax(axis=1) == ACTIONS.index(FALL))
    return ActionReport(
        counts, float(np.mean(falls)) if falls else 0.0,
        float(np.mean(np.concatenate(fall_clips))) if fall_clips else 0.0,
    )

"""What a recogniser of actions gets right of people whom it has never seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ros2_hand_action.perception.gesture_metrics import ClassificationReport
from ros2_hand_action.perception.labels import ACTIONS, FALL, OTHER
from ros2_hand_action.training.action_training import NOT_JUDGED, Judgement
from ros2_hand_action.training.action_views import View

JUDGING_VIEWS = (
    View(is_placed=True), View(is_placed=False),
    View(azimuth=1.2, pitch=0.1), View(azimuth=-2.3, pitch=0.1, is_placed=False),
)
"""Sequences in 3D are judged as seen by the camera that took them and by two others, with
positions in metres and without."""

MADE = 'made'
"""Sources whose motion is computed or changed begin with it; they count in no total."""

_COMPUTED = ('still',)
"""Sources whose motion is computed for want of any that is real."""
_REAL_BACKGROUND = ('jhmdb', 'utd', 'kard')
_ANSWERS = (*ACTIONS, NOT_JUDGED)


@dataclass(frozen=True)
class ActionReport:
    """What each source's sequences were named; each has one vote, shared by its views.

    Attributes
    ----------
    votes : dict
        (source, true label) -> float64 (labels + 1,): votes for each label, and of those that
        were not judged, as no clip shows their label: they count as missed.
    false_falls : dict
        Source -> share of the sequences of JHMDB, UTD-MHAD and KARD that were named a fall; ''
        is that of all three.
    false_fall_clips : float
        Share of the single clips in them.
    """

    votes: dict[tuple[str, str], np.ndarray]
    false_falls: dict[str, float]
    false_fall_clips: float

    @property
    def total(self) -> ClassificationReport:
        """All sources whose motion is real, or computed for want of any (cycling)."""
        return self._add(lambda source: not source.startswith(MADE))

    @property
    def macro_recall(self) -> float:
        """Mean recall over the labels but `other`; NaN where no sequence has one of them."""
        return _macro_recall(self.total)

    @property
    def real_macro_recall(self) -> float:
        """The same over those labels of which there is real motion."""
        return _macro_recall(self._add(
            lambda source: not source.startswith((MADE, *_COMPUTED))
        ))

    def _add(self, is_counted: Callable[[str], bool]) -> ClassificationReport:
        confusion = np.zeros((len(_ANSWERS), len(_ANSWERS)))
        for (source, truth), row in self.votes.items():
            if is_counted(source):
                confusion[ACTIONS.index(truth)] += row
        return ClassificationReport(_ANSWERS, confusion)

    def format(self) -> str:
        """Return the tables as text."""
        names = [name for name in self.false_falls if name]
        each = ', '.join(f'{name} {100 * self.false_falls[name]:.2f} %' for name in names)
        lines = [
            self.total.format(),
            f'macro recall without {OTHER} {self.macro_recall:.3f}, of real motion '
            f'{self.real_macro_recall:.3f}',
            f'named a fall of JHMDB, UTD-MHAD and KARD: {100 * self.false_falls[""]:.2f} % of the '
            f'sequences ({each}), {100 * self.false_fall_clips:.2f} % of the clips',
            'source               label       sequences  right  recall  not judged',
        ]
        for (source, label), row in sorted(self.votes.items()):
            right, count = row[ACTIONS.index(label)], row.sum()
            lines.append(
                f'{source:<20} {label:<10} {count:10.0f} {right:6.2f}  {right / count:6.3f} '
                f'{row[-1]:11.2f}'
            )
        return '\n'.join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            'macro_recall': _known(self.macro_recall),
            'real_macro_recall': _known(self.real_macro_recall),
            'false_falls': self.false_falls[''],
            'false_falls_by_source': {k: v for k, v in self.false_falls.items() if k},
            'false_fall_clips': self.false_fall_clips,
            **self.total.to_json(),
            'sources': {
                f'{source} {label}': row.tolist()
                for (source, label), row in sorted(self.votes.items())
            },
        }


def report_actions(judgements: Sequence[Judgement]) -> ActionReport:
    """Count what the judgements say."""
    votes: dict[tuple[str, str], np.ndarray] = {}
    for judgement in judgements:
        sequence = judgement.sequence
        key = (sequence.source + (f' {sequence.action}' if sequence.label == FALL else ''),
               judgement.truth)
        row = votes.setdefault(key, np.zeros(len(_ANSWERS)))
        row[_ANSWERS.index(judgement.label)] += judgement.weight
    background = [
        each for each in judgements
        if each.sequence.source in _REAL_BACKGROUND and each.label != NOT_JUDGED
    ]
    falls = {'': _count_falls(background)}
    for source in _REAL_BACKGROUND:
        falls[source] = _count_falls([e for e in background if e.sequence.source == source])
    clips = [each.probabilities.argmax(axis=1) == ACTIONS.index(FALL) for each in background]
    weights = [np.full(len(each.probabilities), each.weight) for each in background]
    share = (
        float(np.average(np.concatenate(clips), weights=np.concatenate(weights)))
        if clips else 0.0
    )
    return ActionReport(votes, falls, share)


def _count_falls(judgements: Sequence[Judgement]) -> float:
    if not judgements:
        return 0.0
    return float(np.average(
        [judgement.label == FALL for judgement in judgements],
        weights=[judgement.weight for judgement in judgements],
    ))


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None  # JSON has no NaN


def _macro_recall(report: ClassificationReport) -> float:
    scores = report.per_class
    recalls = [
        scores[label].recall for label in ACTIONS if label != OTHER and scores[label].support
    ]
    return float(np.mean(recalls)) if recalls else float('nan')

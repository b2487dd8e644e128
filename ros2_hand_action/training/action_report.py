"""What a recogniser of actions gets right of people whom it has never seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ros2_hand_action.perception.gesture_metrics import ClassificationReport
from ros2_hand_action.perception.labels import ACTIONS, FALL, OTHER
from ros2_hand_action.training.action_judging import NOT_JUDGED, Judgement
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
        Source -> share of the sequences of JHMDB, UTD-MHAD and KARD in which a fall is told at
        any time; '' is that of all three.
    false_fall_means : float
        Share of those whose mean is a fall, as the votes are counted.
    fall_trials : dict
        Recorded trial of a real fall -> whether a fall is told at any time while it shows one.
    """

    votes: dict[tuple[str, str], np.ndarray]
    false_falls: dict[str, float]
    false_fall_means: float
    fall_trials: dict[str, bool]

    @property
    def total(self) -> ClassificationReport:
        """All sources whose motion is real, or computed for want of any (cycling)."""
        return self._add(lambda source: not source.startswith(MADE))

    @property
    def macro_recall(self) -> float:
        """Mean recall over the labels but `other`; NaN where no sequence has one of them.

        A fall is an event: what counts is in how many trials it is told.
        """
        return self._average(self.total)

    @property
    def real_macro_recall(self) -> float:
        """The same over those labels of which there is real motion."""
        return self._average(self._add(
            lambda source: not source.startswith((MADE, *_COMPUTED))
        ))

    @property
    def votes_macro_recall(self) -> float:
        """The same where each part of a trial between gaps of the file has a vote, as `votes`."""
        return _mean(_list_recalls(self.total))

    def _average(self, report: ClassificationReport) -> float:
        recalls = _list_recalls(report)
        if self.fall_trials:
            recalls[FALL] = _mean(self.fall_trials)
        return _mean(recalls)

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
            f'{self.real_macro_recall:.3f}; falls by trial: told in '
            f'{sum(self.fall_trials.values())} of {len(self.fall_trials)}',
            f'macro recall with the votes of the table {self.votes_macro_recall:.3f}',
            'a fall told at any time of JHMDB, UTD-MHAD and KARD: '
            f'{100 * self.false_falls[""]:.2f} % of the sequences ({each}); by the mean '
            f'{100 * self.false_fall_means:.2f} %',
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
            'votes_macro_recall': _known(self.votes_macro_recall),
            'fall_trials': len(self.fall_trials),
            'fall_trials_told': sum(self.fall_trials.values()),
            'false_falls': self.false_falls[''],
            'false_falls_by_source': {k: v for k, v in self.false_falls.items() if k},
            'false_fall_means': self.false_fall_means,
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
    background = [each for each in judgements if each.sequence.source in _REAL_BACKGROUND]
    falls = {'': _weigh(background, lambda each: each.is_fall_told)}
    for source in _REAL_BACKGROUND:
        own = [each for each in background if each.sequence.source == source]
        falls[source] = _weigh(own, lambda each: each.is_fall_told)
    trials: dict[str, bool] = {}
    for each in judgements:
        if each.truth == FALL and not each.sequence.source.startswith(MADE):
            name = each.sequence.trial or each.sequence.name
            trials[name] = trials.get(name, False) or each.is_fall_told
    return ActionReport(votes, falls, _weigh(background, lambda e: e.label == FALL), trials)


def _weigh(judgements: Sequence[Judgement], is_so: Callable[[Judgement], bool]) -> float:
    """Return the share of the votes of which something is so."""
    if not judgements:
        return 0.0
    weights = [judgement.weight for judgement in judgements]
    return float(np.average([is_so(judgement) for judgement in judgements], weights=weights))


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None  # JSON has no NaN


def _list_recalls(report: ClassificationReport) -> dict[str, float]:
    scores = report.per_class
    return {
        label: scores[label].recall
        for label in ACTIONS if label != OTHER and scores[label].support
    }


def _mean(values: Mapping[str, float]) -> float:
    return float(np.mean(list(values.values()))) if values else float('nan')

"""Precision, recall and F1 of a classifier, from pairs of true and predicted labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.labels import NONE


class ClassScore(NamedTuple):
    """How well one label is found; 0 where a ratio has nothing to divide by."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ClassificationReport:
    """A confusion matrix and what follows from it.

    Attributes
    ----------
    labels : tuple of str
        Rows and columns of `confusion`, in order.
    confusion : np.ndarray
        int64 (n, n): [true label, predicted label], counts.
    """

    labels: tuple[str, ...]
    confusion: np.ndarray

    @property
    def per_class(self) -> dict[str, ClassScore]:
        """Scores of every label, in the order of `labels`."""
        hits = np.diag(self.confusion)
        support = self.confusion.sum(axis=1)
        predicted = self.confusion.sum(axis=0)
        return {
            label: ClassScore(
                precision=_ratio(hits[i], predicted[i]),
                recall=_ratio(hits[i], support[i]),
                f1=_ratio(2 * hits[i], support[i] + predicted[i]),
                support=int(support[i]),
            )
            for i, label in enumerate(self.labels)
        }

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the labels that are present in the truth; 0 without any."""
        present = [score.f1 for score in self.per_class.values() if score.support]
        return float(np.mean(present)) if present else 0.0

    @property
    def accuracy(self) -> float:
        """Share of pairs that agree, 0 to 1."""
        return _ratio(np.trace(self.confusion), self.confusion.sum())

    def to_json(self) -> dict[str, Any]:
        """Return plain values: macro_f1, accuracy, labels, per_class and confusion."""
        return {
            'macro_f1': self.macro_f1,
            'accuracy': self.accuracy,
            'labels': list(self.labels),
            'per_class': {name: score._asdict() for name, score in self.per_class.items()},
            'confusion': self.confusion.tolist(),
        }

    def format(self) -> str:
        """Return both tables as text: a row per true label."""
        width = max(map(len, (*self.labels, 'true label')))
        cell = max(6, *(len(label) + 1 for label in self.labels))
        header = ''.join(f'{label:>{cell}}' for label in self.labels)
        lines = [f'{"true label":<{width}}  precision  recall     f1  count | predicted:{header}']
        for row, (label, score) in zip(self.confusion, self.per_class.items()):
            counts = ''.join(f'{count:>{cell}}' for count in row)
            lines.append(
                f'{label:<{width}}  {score.precision:9.3f}  {score.recall:6.3f}'
                f'  {score.f1:5.3f}  {score.support:5d} |           {counts}'
            )
        lines.append(f'macro F1 {self.macro_f1:.3f}, accuracy {self.accuracy:.3f}')
        return '\n'.join(lines)


def compare(
    *, truth: Sequence[str], predicted: Sequence[str], labels: Iterable[str]
) -> ClassificationReport:
    """Count pairs of labels; one that is not among `labels` counts as 'none'.

    Raises
    ------
    DatasetError
        If the two sequences differ in length.
    """
    if len(truth) != len(predicted):
        raise DatasetError(f'{len(truth)!r} true labels but {len(predicted)!r} predicted ones')
    names = tuple(labels)
    if NONE not in names:
        names += (NONE,)
    index = {name: i for i, name in enumerate(names)}
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    for true_label, predicted_label in zip(truth, predicted):
        row = index.get(true_label, index[NONE])
        confusion[row, index.get(predicted_label, index[NONE])] += 1
    return ClassificationReport(names, confusion)


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else 0.0

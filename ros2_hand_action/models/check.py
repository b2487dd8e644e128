"""Which of several documented conventions a network was made for, told by labelled examples.

Published programs feed the same network in different ways, and the wrong way gives answers that
look right. Each convention is a choice for each of some factors, such as the order of the
channels; every example is put through all of them, and the scores are compared in pairs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from ros2_hand_action.errors import DatasetError

LEAST_EXAMPLES = 6
"""Fewer decide nothing."""
_SIGMAS = 2.0
"""Margin over its standard error from which a choice is decided."""
_LEAST_MARGIN = 0.01

Example = TypeVar('Example', contravariant=True)


class Outcome(NamedTuple):
    """What all conventions made of one example.

    Attributes
    ----------
    scores : np.ndarray
        (conventions,): higher is better, in logarithms.
    figures : np.ndarray
        (conventions,): what is printed, such as 1 for right and 0 for wrong.
    """

    scores: np.ndarray
    figures: np.ndarray


class ConventionJudge(Protocol[Example]):
    """Puts examples through a network by every convention."""

    @property
    def factors(self) -> tuple[str, ...]:
        """What is to be chosen."""

    @property
    def conventions(self) -> tuple[tuple[str, ...], ...]:
        """A choice for each factor."""

    @property
    def figure(self) -> str:
        """What the mean of `Outcome.figures` is."""

    def judge(self, example: Example) -> Outcome | None:
        """Return the outcome; None where the example cannot be used."""

    def fits(self, figure: float) -> bool:
        """Return whether a network that is fed in the right way has such a mean figure."""


class Choice(NamedTuple):
    """The best choice for one factor.

    Attributes
    ----------
    factor, value : str
    other : str
        The best of the other choices.
    margin, error : float
        Mean lead over it and its standard error, in logarithms of probability or distance.
    is_decided : bool
    """

    factor: str
    value: str
    other: str
    margin: float
    error: float
    is_decided: bool


@dataclass(frozen=True)
class Verdict:
    """What the examples say.

    Attributes
    ----------
    factors, conventions, figure
        As of the judge.
    scores, figures : np.ndarray
        (examples, conventions).
    unused : int
        Examples that could not be used.
    has_fit : bool
        Whether the winner is good enough to be the right one.
    """

    factors: tuple[str, ...]
    conventions: tuple[tuple[str, ...], ...]
    figure: str
    scores: np.ndarray
    figures: np.ndarray
    unused: int
    has_fit: bool

    @property
    def winner(self) -> tuple[str, ...]:
        """The convention with the best mean score."""
        return self.conventions[int(self.scores.mean(axis=0).argmax())]

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The winner's choice for each factor against the best convention with another."""
        return tuple(map(self._choose, range(len(self.factors))))

    @property
    def is_decisive(self) -> bool:
        """Whether every choice is decided, and the winner fits."""
        return self.has_fit and all(choice.is_decided for choice in self.choices)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        means, figures = self.scores.mean(axis=0), self.figures.mean(axis=0)
        return {
            'winner': dict(zip(self.factors, self.winner)),
            'decisive': self.is_decisive,
            'fits': self.has_fit,
            'choices': [
                {**choice._asdict(), 'error': choice.error if np.isfinite(choice.error) else None}
                for choice in self.choices
            ],
            'examples': len(self.scores), 'unused': self.unused, 'figure': self.figure,
            'conventions': [
                {**dict(zip(self.factors, each)), 'score': float(mean), 'value': float(figure)}
                for each, mean, figure in zip(self.conventions, means, figures)
            ],
        }

    def format(self) -> str:
        """Return a table of the conventions, best first, and what it means."""
        means, figures = self.scores.mean(axis=0), self.figures.mean(axis=0)
        widths = [max(map(len, column)) for column in zip(self.factors, *self.conventions)]
        names = '  '.join(name.ljust(width) for name, width in zip(self.factors, widths))
        lines = [f'{names}  {"score":>8}  {self.figure}']
        for place in np.argsort(-means, kind='stable'):
            cells = '  '.join(
                value.ljust(width) for value, width in zip(self.conventions[place], widths)
            )
            lines.append(f'{cells}  {means[place]:8.3f}  {figures[place]:.3f}')
        lines += map(self._describe, self.choices)
        lines.append(f'{len(self.scores)} examples, {self.unused} could not be used')
        if len(self.scores) < LEAST_EXAMPLES:
            lines.append(f'NOT DECISIVE: give at least {LEAST_EXAMPLES} examples')
        elif not self.has_fit:
            lines.append('NOT DECISIVE: no convention fits; are the labels and the network right?')
        else:
            lines.append('decisive' if self.is_decisive else 'NOT DECISIVE: give more examples')
        return '\n'.join(lines)

    def _choose(self, factor: int) -> Choice:
        winner = self.winner
        means = self.scores.mean(axis=0)
        best = self.conventions.index(winner)
        others = [
            place for place, each in enumerate(self.conventions)
            if each[factor] != winner[factor]
        ]
        rival = max(others, key=lambda place: float(means[place]))
        leads = self.scores[:, best] - self.scores[:, rival]
        error = float(leads.std(ddof=1) / np.sqrt(len(leads))) if len(leads) > 1 else np.inf
        margin = float(leads.mean())
        return Choice(
            self.factors[factor], winner[factor], self.conventions[rival][factor], margin, error,
            len(leads) >= LEAST_EXAMPLES and margin > max(_SIGMAS * error, _LEAST_MARGIN),
        )

    @staticmethod
    def _describe(choice: Choice) -> str:
        decided = '' if choice.is_decided else ': not decided'
        return (
            f'{choice.factor}: {choice.value}, ahead of {choice.other} by '
            f'{choice.margin:.3f} +- {choice.error:.3f}{decided}'
        )


def check_conventions(
    judge: ConventionJudge[Example], examples: Iterable[Example]
) -> Verdict:
    """Put all examples through all conventions.

    Raises
    ------
    DatasetError
        If not one of the examples can be used.
    """
    outcomes: list[Outcome] = []
    unused = 0
    for example in examples:
        outcome = judge.judge(example)
        if outcome is None:
            unused += 1
        else:
            outcomes.append(outcome)
    if not outcomes:
        raise DatasetError(
            f'none of {unused} examples can be used: give pictures that show hands or people, '
            'labelled as docs/tensorrt.md says'
        )
    figures = np.stack([outcome.figures for outcome in outcomes]).astype(np.float64)
    scores = np.stack([outcome.scores for outcome in outcomes]).astype(np.float64)
    best = int(scores.mean(axis=0).argmax())
    return Verdict(
        judge.factors, judge.conventions, judge.figure, scores, figures, unused,
        judge.fits(float(figures[:, best].mean())),
    )


def judge_probabilities(rows: Sequence[np.ndarray], places: Sequence[int]) -> Outcome:
    """Return the outcome of a classifier.

    Parameters
    ----------
    rows : sequence of np.ndarray
        Probabilities (labels,) by each convention.
    places : sequence of int
        Where the true label is in each.
    """
    right = np.array([row[place] for row, place in zip(rows, places)])
    named = np.array([int(row.argmax()) == place for row, place in zip(rows, places)])
    return Outcome(np.log(np.maximum(right, 1e-4)), named.astype(np.float64))

"""How well hands are found in labelled pictures."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.detection_metrics import (
    DetectionReport,
    match_boxes,
    summarise,
)
from ros2_hand_action.perception.hands import HandDetector
from ros2_hand_action.training.box_dataset import BoxedPicture
from ros2_hand_action.training.dataset import load_picture

TAIL_SCORE = 0.01
"""Detections down to this score count for the average precision."""


class PictureResult(NamedTuple):
    """One picture's true hands, and the scores (n,) and rightness (n,) of its detections."""

    path: Path
    true_boxes: int
    scores: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class HandEvaluation:
    """What a detector found in labelled pictures.

    Attributes
    ----------
    threshold : float
        Score that the detector works with: precision, recall, misses and false alarms are
        counted at it. The average precision uses every detection.
    results : tuple of PictureResult
    unreadable : tuple of Path
        Pictures that could not be opened; they are not among the results.
    """

    threshold: float
    results: tuple[PictureResult, ...]
    unreadable: tuple[Path, ...]

    @property
    def report(self) -> DetectionReport:
        """Figures of all pictures together."""
        return summarise(
            np.concatenate([result.scores for result in self.results]),
            np.concatenate([result.right for result in self.results]),
            sum(result.true_boxes for result in self.results),
            threshold=self.threshold,
        )

    @property
    def missed(self) -> dict[str, int]:
        """Picture -> hands that were not found in it; only those with any, most first."""
        counts = {
            result.path.name: result.true_boxes
            - int(np.sum(result.right & (result.scores >= self.threshold)))
            for result in self.results
        }
        most_first = sorted(counts.items(), key=lambda item: -item[1])
        return {name: count for name, count in most_first if count}

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what is undefined is None."""
        figures = {
            name: None if value != value else value for name, value in asdict(self.report).items()
        }
        return {
            'ap50': figures.pop('average_precision'),
            **figures,
            'threshold': self.threshold,
            'pictures': len(self.results),
            'missed': self.missed,
            'unreadable': [str(path) for path in self.unreadable],
        }

    def format(self) -> str:
        """Return the figures as text."""
        report, missed = self.report, self.missed
        lines = [
            f'{len(self.results)} pictures, {report.true_boxes} hands',
            f'average precision at IoU 0.5   {report.average_precision:.4f}',
            f'at the score {self.threshold:.2f} and above:',
            f'  precision {report.precision:.3f}   recall {report.recall:.3f}',
            f'  found {report.found}, missed {report.true_boxes - report.found}, '
            f'false alarms {report.false_alarms} '
            f'({report.false_alarms / len(self.results):.2f} per picture)',
        ]
        lines += [f'  missed {count} in {name}' for name, count in list(missed.items())[:10]]
        if len(missed) > 10:
            lines.append(f'  and some in {len(missed) - 10} more pictures')
        return '\n'.join(lines)


def evaluate_hands(
    pictures: Iterable[BoxedPicture], *, detector: HandDetector, threshold: float
) -> HandEvaluation:
    """Find the hands of every picture and compare them with its boxes.

    Parameters
    ----------
    pictures : iterable of BoxedPicture
    detector : HandDetector
        With a `min_score` near 0, so that the precision-recall curve has its tail.
    threshold : float
        Score at which precision and recall are counted.

    Raises
    ------
    DatasetError
        If not one of the pictures can be read.
    """
    results, unreadable = [], []
    for picture in pictures:
        frame = load_picture(picture.path)
        if frame is None:
            unreadable.append(picture.path)
            continue
        hands = detector.detect(frame)
        boxes = np.reshape([hand.box_px for hand in hands], (-1, 4))
        scores = np.array([hand.score for hand in hands])
        right = match_boxes(boxes, scores, picture.boxes_px)
        results.append(PictureResult(picture.path, len(picture.boxes_px), scores, right))
    if not results:
        raise DatasetError(f'none of the {len(unreadable)!r} pictures can be read')
    return HandEvaluation(threshold, tuple(results), tuple(unreadable))

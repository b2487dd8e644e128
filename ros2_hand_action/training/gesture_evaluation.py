"""How well the gestures of whole pictures are named, hands found by the detector itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.gesture_metrics import ClassificationReport, compare
from ros2_hand_action.perception.gestures import GestureClassifier, frame_gesture
from ros2_hand_action.perception.hands import HandDetector
from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.training.dataset import LabelledPicture, load_picture


class PictureResult(NamedTuple):
    """One picture's label as given, the label predicted for it, and the hands found in it."""

    path: Path
    label: str
    predicted: str
    hands: int


@dataclass(frozen=True)
class GestureEvaluation:
    """What a classifier said of labelled pictures.

    Attributes
    ----------
    labels : tuple of str
        The classifier's own; a picture's label outside them counts as 'none'.
    results : tuple of PictureResult
    unreadable : tuple of Path
        Pictures that could not be opened; they are not among the results.
    """

    labels: tuple[str, ...]
    results: tuple[PictureResult, ...]
    unreadable: tuple[Path, ...]

    @property
    def report(self) -> ClassificationReport:
        """Confusion of the classifier's labels."""
        return compare(
            truth=[result.label for result in self.results],
            predicted=[result.predicted for result in self.results],
            labels=self.labels,
        )

    @property
    def outside(self) -> dict[str, tuple[int, int]]:
        """For each label that counts as 'none': pictures, and how many were named a gesture."""
        counts: dict[str, tuple[int, int]] = {}
        for result in self.results:
            if result.label == NONE or result.label not in self.labels:
                total, named = counts.get(result.label, (0, 0))
                counts[result.label] = (total + 1, named + (result.predicted != NONE))
        return counts

    @property
    def without_hand(self) -> tuple[Path, ...]:
        """Pictures in which no hand was found."""
        return tuple(result.path for result in self.results if not result.hands)

    def to_json(self) -> dict[str, Any]:
        """Return plain values: those of the report, and what was said of each picture."""
        return {
            **self.report.to_json(),
            'counted_as_none': {
                label: {'pictures': total, 'named_a_gesture': named, 'share': named / total}
                for label, (total, named) in self.outside.items()
            },
            'pictures': len(self.results),
            'without_hand': len(self.without_hand),
            'unreadable': [str(path) for path in self.unreadable],
            'predictions': [
                {**result._asdict(), 'path': str(result.path)} for result in self.results
            ],
        }

    def format(self) -> str:
        """Return the report as text."""
        missed = f'no hand found in {len(self.without_hand)} of {len(self.results)} pictures'
        lines = [self.report.format(), missed]
        lines += [
            f'{label!r} (counts as {NONE!r}): {named} of {total} named a gesture'
            f' ({named / total:.1%})'
            for label, (total, named) in self.outside.items()
        ]
        return '\n'.join(lines)


def evaluate_gestures(
    pictures: Iterable[LabelledPicture], *, detector: HandDetector, classifier: GestureClassifier
) -> GestureEvaluation:
    """Name the gesture of every picture: that of its most confident hand that shows one.

    Raises
    ------
    DatasetError
        If not one of the pictures can be read.
    """
    [evaluation] = evaluate_classifiers(pictures, detector=detector, classifiers=[classifier])
    return evaluation


def evaluate_classifiers(
    pictures: Iterable[LabelledPicture],
    *,
    detector: HandDetector,
    classifiers: Sequence[GestureClassifier],
) -> list[GestureEvaluation]:
    """Evaluate several classifiers as `evaluate_gestures` does, on the same hands."""
    results: list[list[PictureResult]] = [[] for _ in classifiers]
    unreadable = []
    for picture in pictures:
        frame = load_picture(picture.path)
        if frame is None:
            unreadable.append(picture.path)
            continue
        hands = detector.detect(frame)
        for own, classifier in zip(results, classifiers, strict=True):
            predicted = frame_gesture(classifier.classify(hands, frame))
            own.append(PictureResult(picture.path, picture.label, predicted, len(hands)))
    if not any(results):
        named = ', '.join(repr(str(path)) for path in unreadable[:3])
        raise DatasetError(f'none of {len(unreadable)!r} pictures can be read, such as {named}')
    return [
        GestureEvaluation(classifier.labels, tuple(own), tuple(unreadable))
        for own, classifier in zip(results, classifiers, strict=True)
    ]

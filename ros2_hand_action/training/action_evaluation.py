"""How well the actions of whole videos are named, reported as on NVIDIA's model card."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ros2_hand_action.errors import DatasetError, HandActionError
from ros2_hand_action.perception.gesture_metrics import ClassificationReport
from ros2_hand_action.perception.labels import OTHER
from ros2_hand_action.training.action_dataset import ActionVideo, order_labels
from ros2_hand_action.training.action_judges import VideoJudge


class VideoResult(NamedTuple):
    """A video's label as given, and what was said of its middle clip and of all of it."""

    path: Path
    label: str
    center: str
    conv: str


class Unreadable(NamedTuple):
    """A video that could not be judged, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class ActionEvaluation:
    """What a recogniser said of labelled videos.

    Attributes
    ----------
    labels : tuple of str
        Those of the videos and those that were said, the recogniser's in its order.
    results : tuple of VideoResult
    unreadable : tuple of Unreadable
        Not among the results.
    """

    labels: tuple[str, ...]
    results: tuple[VideoResult, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def center(self) -> ClassificationReport:
        """Confusion of the middle clips."""
        return self._report([result.center for result in self.results])

    @property
    def conv(self) -> ClassificationReport:
        """Confusion of the means over the segments."""
        return self._report([result.conv for result in self.results])

    def to_json(self) -> dict[str, Any]:
        """Return plain values.

        `center` and `conv` are accuracies; `recall` and `confusion` (labels x labels, counts,
        rows are the truth) those of the middle clips, `conv_recall` and `conv_confusion` of the
        means. Each recall is there as `recall.LABEL`, too.
        """
        center, conv = self.center, self.conv
        recall = _recall(center)
        return {
            'center': center.accuracy,
            'conv': conv.accuracy,
            'labels': list(self.labels),
            'recall': recall,
            **{f'recall.{label}': value for label, value in recall.items()},
            'confusion': center.confusion.tolist(),
            'conv_recall': _recall(conv),
            'conv_confusion': conv.confusion.tolist(),
            'videos': len(self.results),
            'unreadable': {str(path): reason for path, reason in self.unreadable},
            'predictions': [
                {**result._asdict(), 'path': str(result.path)} for result in self.results
            ],
        }

    def format(self) -> str:
        """Return both reports as text."""
        center, conv = self.center, self.conv
        return (
            f'middle clip of each of {len(self.results)} videos:\n{center.format()}\n'
            f'mean over the segments of each video:\n{conv.format()}\n'
            f'center {center.accuracy:.2%}, conv {conv.accuracy:.2%}'
        )

    def _report(self, predicted: Sequence[str]) -> ClassificationReport:
        index = {label: place for place, label in enumerate(self.labels)}
        confusion = np.zeros((len(index), len(index)), np.int64)
        for result, label in zip(self.results, predicted):
            confusion[index[result.label], index[label]] += 1
        return ClassificationReport(self.labels, confusion)


def evaluate_actions(
    videos: Sequence[ActionVideo],
    judge: VideoJudge,
    *,
    closed: bool = False,
    progress: Iterable[ActionVideo] | None = None,
) -> ActionEvaluation:
    """Name what each video shows and compare it with its label.

    A label that the recogniser does not have counts as 'other', where it has that.

    Parameters
    ----------
    closed : bool
        Choose among the videos' labels only, as a network that knows no others does.
    progress : iterable of ActionVideo, optional
        The videos wrapped in a progress bar.

    Raises
    ------
    DatasetError
        If not one of the videos can be judged, or a label is not among the recogniser's.
    """
    among = {_known(video.label, judge) for video in videos} if closed else set(judge.labels)
    chosen = np.array([label in among for label in judge.labels])
    results, unreadable = [], []
    for video in videos if progress is None else progress:
        label = _known(video.label, judge)
        try:
            rows = judge.judge(video)
        except HandActionError as error:
            unreadable.append(Unreadable(video.path, str(error)))
            continue
        center, conv = (judge.labels[int(np.where(chosen, row, -1).argmax())] for row in rows)
        results.append(VideoResult(video.path, label, center, conv))
    if not results:
        raise DatasetError(
            f'none of {len(unreadable)} videos can be judged, such as: {unreadable[0].reason}'
            if unreadable else 'there is no video to judge'
        )
    said = {label for result in results for label in result[1:]}
    return ActionEvaluation(order_labels(said, judge.labels), tuple(results), tuple(unreadable))


def _known(label: str, judge: VideoJudge) -> str:
    if label in judge.labels:
        return label
    if OTHER in judge.labels:
        return OTHER
    raise DatasetError(
        f'videos are labelled {label!r}, which is none of {judge.labels!r}: rename their folder, '
        'or set the labels in the order of the network'
    )


def _recall(report: ClassificationReport) -> dict[str, float]:
    """Return the recall of each label that occurs in the truth."""
    return {
        label: score.recall for label, score in report.per_class.items() if score.support
    }

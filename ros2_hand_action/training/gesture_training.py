"""From labelled pictures to a gesture classifier and how far it can be trusted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ros2_hand_action.errors import DatasetError, did_you_mean
from ros2_hand_action.perception.gesture_metrics import ClassificationReport, compare
from ros2_hand_action.perception.hand_landmarks import HandLandmarks
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.training.dataset import LabelledPicture, count_labels, load_picture
from ros2_hand_action.training.gesture_head import HandSamples, HeadOptions, learn_head
from ros2_hand_action.training.hand_views import HandViewer

LEAST_PICTURES = 3
"""Pictures of a label without which nothing is learnt."""

WANTED_PICTURES = 10
"""Pictures of a label below which the result is doubtful."""

FOLDS = 4
_NONE_HANDS = 4
"""Most hands that are taken from a picture in which no hand shows a gesture."""


@dataclass(frozen=True)
class TrainingSet:
    """Hands of labelled pictures.

    Attributes
    ----------
    labels : tuple of str
        'none' last.
    samples : HandSamples
    used : tuple of LabelledPicture
        `HandSamples.pictures` counts in it.
    without_hand : tuple of LabelledPicture
        Pictures in which no hand was found.
    unreadable : tuple of Path
    """

    labels: tuple[str, ...]
    samples: HandSamples
    used: tuple[LabelledPicture, ...]
    without_hand: tuple[LabelledPicture, ...]
    unreadable: tuple[Path, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Pictures of each label in which a hand was found."""
        found = count_labels(picture.label for picture in self.used)
        return {label: found.get(label, 0) for label in self.labels}


def order_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the labels to learn: those of `GESTURES` first and in its order, 'none' last."""
    found = set(labels) - {NONE}
    known = [label for label in GESTURES if label in found]
    return (*known, *sorted(found - set(known)), NONE)


def rename_none(
    pictures: Iterable[LabelledPicture], others: Sequence[str]
) -> list[LabelledPicture]:
    """Return the pictures with every label among `others` replaced by 'none'.

    Raises
    ------
    DatasetError
        If no picture has one of these labels.
    """
    pictures = list(pictures)
    known = sorted({picture.label for picture in pictures})
    for label in others:
        if label not in known:
            raise DatasetError(
                f'no picture has the label {label!r}{did_you_mean(label, known)}: the labels are '
                f'{", ".join(known)}'
            )
    return [
        picture._replace(label=NONE) if picture.label in others else picture
        for picture in pictures
    ]


def collect_hands(
    pictures: Iterable[LabelledPicture], *, labels: Sequence[str], viewer: HandViewer, seed: int
) -> TrainingSet:
    """Look at the best hand of each picture, and at every hand where the label is 'none'."""
    seen: list[HandLandmarks] = []
    owners: list[int] = []
    used: list[LabelledPicture] = []
    without_hand, unreadable = [], []
    for number, picture in enumerate(pictures):
        frame = load_picture(picture.path)
        if frame is None:
            unreadable.append(picture.path)
            continue
        random = np.random.default_rng((seed, number))
        regions = viewer.find_regions(frame)[:_NONE_HANDS if picture.label == NONE else 1]
        views = [viewer.view(frame, region, random) for region in regions]
        views = [view for view in views if len(view.presence)]
        if not views:
            without_hand.append(picture)
            continue
        seen += views
        owners += [len(used)] * sum(len(view.presence) for view in views)
        used.append(picture)
    return TrainingSet(
        tuple(labels), _stack(seen, owners, used, labels), tuple(used),
        tuple(without_hand), tuple(unreadable),
    )


def check_training_set(data: TrainingSet) -> list[str]:
    """Return warnings about labels with few pictures.

    Raises
    ------
    DatasetError
        If there is no gesture, or a label has too few pictures to learn anything.
    """
    if len(data.labels) < 2:
        raise DatasetError(f'there is no gesture to learn among the labels {data.labels!r}')
    few = {label: count for label, count in data.counts.items() if count < LEAST_PICTURES}
    if few:
        raise DatasetError(
            f'too few pictures with a hand: {few!r}; every label, {NONE!r} too, needs at least '
            f'{LEAST_PICTURES}, better {WANTED_PICTURES} or more'
        )
    return [
        f'{label!r} has only {count} pictures with a hand: {WANTED_PICTURES} or more, of several '
        'people and places, are better'
        for label, count in data.counts.items() if count < WANTED_PICTURES
    ]


def cross_validate(
    data: TrainingSet, options: HeadOptions, progress: Callable[[float], object]
) -> ClassificationReport:
    """Learn on all but one part of the pictures and judge that part, for each of FOLDS parts.

    A picture's label is that of the mean probabilities of its views.
    """
    samples = data.samples
    targets = np.array([data.labels.index(picture.label) for picture in data.used])
    fold_of_picture = _deal(targets, options.network.seed)
    predicted = np.zeros(len(targets), np.int64)
    for fold in range(FOLDS):
        held_back = fold_of_picture[samples.pictures] == fold
        head = learn_head(samples.take(~held_back), data.labels, options, progress)
        judged = samples.take(held_back)
        total = np.zeros((len(targets), len(data.labels)))
        np.add.at(total, judged.pictures, head.probabilities(judged))
        predicted[fold_of_picture == fold] = total[fold_of_picture == fold].argmax(axis=1)
    return compare(
        truth=[data.labels[i] for i in targets],
        predicted=[data.labels[i] for i in predicted],
        labels=data.labels,
    )


def _deal(targets: np.ndarray, seed: int) -> np.ndarray:
    """Return the fold of each picture, every label dealt out evenly."""
    random = np.random.default_rng(seed)
    folds = np.empty(len(targets), np.int64)
    for target in np.unique(targets):
        index = random.permutation(np.nonzero(targets == target)[0])
        folds[index] = np.arange(len(index)) % FOLDS
    return folds


def _stack(
    seen: list[HandLandmarks], owners: list[int], used: list[LabelledPicture],
    labels: Sequence[str],
) -> HandSamples:
    pictures = np.array(owners, np.int64)
    index = {label: place for place, label in enumerate(labels)}
    targets = np.array([index[picture.label] for picture in used], np.int64)
    empty = [np.empty((0, 21, 3))]
    return HandSamples(
        np.concatenate(empty + [view.landmarks_px for view in seen]).astype(np.float32),
        np.concatenate(empty + [view.landmarks_m for view in seen]).astype(np.float32),
        targets[pictures] if len(pictures) else targets,
        pictures,
    )

"""The figure of a task with one version of a network or another, on labelled pictures."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ros2_hand_action.inference.session import EXACT
from ros2_hand_action.inference.substituting import open_instead
from ros2_hand_action.models.catalogue import Model
from ros2_hand_action.models.store import onnx_path
from ros2_hand_action.perception.gestures import (
    GESTURE_NET_INPUT,
    GestureClassifier,
    GestureClassifierOptions,
    create_gesture_classifier,
)
from ros2_hand_action.perception.hand_options import HandDetectorOptions
from ros2_hand_action.perception.hands import create_hand_detector, find_hand_model
from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.replay.parameter_file import make_options, read_node_parameters
from ros2_hand_action.resources import config_path
from ros2_hand_action.training.box_dataset import BOXES_FILE, read_boxed_pictures
from ros2_hand_action.training.dataset import has_labels, read_labelled_pictures
from ros2_hand_action.training.gesture_evaluation import evaluate_classifiers
from ros2_hand_action.training.hand_evaluation import TAIL_SCORE, evaluate_hands

Show = Callable[[Iterable[Any]], Iterable[Any]]
"""Passes pictures on, and shows how many have passed."""


class Figure(NamedTuple):
    """A figure, and the pictures that it was taken of."""

    value: float
    pictures: int


class PrecisionTask(ABC):
    """A task on labelled pictures that a network has a part in.

    Parameters
    ----------
    model : Model
        The network.

    Attributes
    ----------
    figure : str
        What is measured.
    """

    figure: str

    def __init__(self, model: Model) -> None:
        self._network = onnx_path(model)
        variant = find_hand_model(model.name) or HandDetectorOptions.model
        self._hands = HandDetectorOptions(model=variant)

    def measure(
        self, files: Sequence[Path], show: Show = lambda pictures: pictures
    ) -> list[Figure]:
        """Return the figure with each file in the network's place, in whatever precision it is.

        Raises
        ------
        DatasetError
            If not one of the pictures can be read.
        ModelError
            If a network that the task needs is missing.
        """
        figures = []
        for file in files:
            with open_instead(self._network, file):
                figures.append(self._measure(show))
        return figures

    @abstractmethod
    def _measure(self, show: Show) -> Figure:
        """Return the figure."""


class GestureTask(PrecisionTask):
    """Macro F1 of the gestures of whole pictures, as `hand-action gestures evaluate` has it."""

    figure = 'macro F1'

    def __init__(self, model: Model, source: Path, params: Path | None) -> None:
        super().__init__(model)
        self._names_gestures = model.about == 'gestures'
        path = params or config_path('default.yaml')
        values = read_node_parameters(path, 'gesture_classifier')
        self._options = make_options(GestureClassifierOptions, values)
        if GESTURE_NET_INPUT in {entry.name for entry in model.inputs}:
            self._options = replace(self._options, model=model.name)
        self._pictures = read_labelled_pictures(source)

    @property
    def knows_labels(self) -> bool:
        """Whether a picture shows a gesture that the classifier knows."""
        with create_gesture_classifier(self._options, EXACT) as classifier:
            known = set(classifier.labels) - {NONE}
        return not known.isdisjoint(picture.label for picture in self._pictures)

    def measure(
        self, files: Sequence[Path], show: Show = lambda pictures: pictures
    ) -> list[Figure]:
        """Return the figures; where no network of hands changes, hands are looked for once."""
        if not self._names_gestures:
            return super().measure(files, show)
        with ExitStack() as stack:
            classifiers = []
            for file in files:
                with open_instead(self._network, file):
                    classifiers.append(create_gesture_classifier(self._options, EXACT))
                stack.enter_context(classifiers[-1])
            return self._evaluate(classifiers, show)

    def _measure(self, show: Show) -> Figure:
        with create_gesture_classifier(self._options, EXACT) as classifier:
            [figure] = self._evaluate([classifier], show)
        return figure

    def _evaluate(self, classifiers: Sequence[GestureClassifier], show: Show) -> list[Figure]:
        with create_hand_detector(self._hands, EXACT) as detector:
            found = evaluate_classifiers(
                show(self._pictures), detector=detector, classifiers=classifiers
            )
        return [Figure(each.report.macro_f1, len(each.results)) for each in found]


class HandTask(PrecisionTask):
    """Average precision of hands at an overlap of 0.5, as `hand-action hands evaluate` has it."""

    figure = 'AP50'

    def __init__(self, model: Model, source: Path) -> None:
        super().__init__(model)
        self._pictures = read_boxed_pictures(source)

    def _measure(self, show: Show) -> Figure:
        options = replace(self._hands, min_score=TAIL_SCORE)
        with create_hand_detector(options, EXACT) as detector:
            found = evaluate_hands(
                show(self._pictures), detector=detector, threshold=self._hands.min_score
            )
        return Figure(found.report.average_precision, len(found.results))


def choose_task(
    model: Model, source: Path, params: Path | None = None
) -> PrecisionTask | None:
    """Return the task that a source has labels for and a network a part in, None without one.

    Parameters
    ----------
    model : Model
    source : Path
        A folder with boxes.csv for networks of hands, with labels.csv or a folder of pictures per
        label for those and networks of gestures; whatever else has no labels.
    params : Path, optional
        Parameter file of the nodes, which may choose the gesture classifier.

    Raises
    ------
    ConfigError, DatasetError
        If the parameters, or boxes.csv or labels.csv, cannot be used.
    """
    is_of_hands = model.about.startswith('hand')
    if is_of_hands and (source / BOXES_FILE).is_file():
        return HandTask(model, source)
    if (is_of_hands or model.about == 'gestures') and has_labels(source):
        task = GestureTask(model, source, params)
        return task if task.knows_labels else None
    return None

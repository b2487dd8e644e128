"""What a network is fed when a bag, video or folder of pictures is seen."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.observing import observe
from ros2_hand_action.inference.substituting import open_instead
from ros2_hand_action.models.catalogue import Model
from ros2_hand_action.models.store import onnx_path
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT
from ros2_hand_action.replay.bag import is_bag
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.pipeline import Pipeline, PipelineOptions
from ros2_hand_action.replay.recording import RecordedFrame
from ros2_hand_action.replay.sources import PICTURE_SUFFIXES
from ros2_hand_action.training.dataset import (
    has_labels,
    load_picture,
    read_labelled_pictures,
)

_Image = tuple[Frame, CameraModel | None, DepthImage | None]
_SEED = 0


class FeedSampler:
    """An even sample of all rows that a network was fed, of bounded size.

    Parameters
    ----------
    size : int
        Largest number of samples.
    """

    def __init__(self, size: int) -> None:
        self._size, self._seen = size, 0
        self._rng = np.random.default_rng(_SEED)
        self.samples: list[dict[str, np.ndarray]] = []

    def take(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Consider each row of the inputs (reservoir sampling, Vitter's algorithm R)."""
        for row in range(len(next(iter(feeds.values())))):
            self._seen += 1
            place = len(self.samples) if self._seen <= self._size else (
                int(self._rng.integers(self._seen))
            )
            if place < self._size:
                sample = {name: array[row:row + 1].copy() for name, array in feeds.items()}
                self.samples[place:place + 1] = [sample]


def collect_feeds(
    model: Model, source: Path, *, size: int, params: Path | None = None,
    on_answer: Callable[[RecordedFrame], object] = lambda answer: None,
) -> list[dict[str, np.ndarray]]:
    """Return up to `size` inputs that a network, in single precision, sees in a source; see `see`.

    `on_answer` is called with what the nodes answer to each image.

    Raises
    ------
    MediaError
        If the source cannot be read.
    ModelError
        If the pipeline does not use the network.
    """
    sampler, path = FeedSampler(size), onnx_path(model)
    with observe(path, sampler.take), open_instead(path, path):
        for answer in see(model, source, params=params):
            on_answer(answer)
    if not sampler.samples:
        raise ModelError(
            f'{model.name!r} was not used on {str(source)!r}: it shows no hand or person, or the '
            'parameters choose another network: give a file that chooses it as --params'
        )
    return sampler.samples


def see(
    model: Model, source: Path, *, params: Path | None = None
) -> Iterator[RecordedFrame]:
    """Let the nodes that a network belongs to see a source, and yield what they answer.

    Pictures of a folder, or of its folders if it has none itself, are taken as strangers to each
    other, images of bags and videos as a stream. The nodes run as `params`, a parameter file of
    theirs, says; it has to choose the network where config/default.yaml does not.

    Raises
    ------
    MediaError
        If the source cannot be read.
    """
    is_gesture_net = GESTURE_NET_INPUT in {entry.name for entry in model.inputs}
    options = PipelineOptions(
        bodies=model.about.startswith('body'), actions=model.about == 'actions', params=params,
        gesture_model=model.name if is_gesture_net else None,
    )
    apart = source.is_dir() and not is_bag(source)
    with Pipeline(options) as pipeline, ExitStack() as stack:
        for image in _images(source, stack):
            if apart:
                pipeline.reset()
            yield pipeline.process(*image).frame


def _images(source: Path, stack: ExitStack) -> Iterator[_Image]:
    """Yield the images of a source that can be used, with their camera and depth."""
    if _has_pictures_in_folders(source):
        for picture in read_labelled_pictures(source):
            frame = load_picture(picture.path)
            if frame is not None:  # as those who judge labelled pictures, who name them
                yield frame, None, None
        return
    for image in stack.enter_context(open_input(source)):
        if image.frame is not None:
            yield image.frame, image.camera, image.depth


def _has_pictures_in_folders(source: Path) -> bool:
    """Return whether a folder holds pictures in folders of its own only."""
    if not source.is_dir() or is_bag(source):
        return False
    return has_labels(source) and not any(
        path.suffix.lower() in PICTURE_SUFFIXES for path in source.iterdir()
    )

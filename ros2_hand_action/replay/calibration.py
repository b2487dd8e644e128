"""What a network is fed when a bag, video or folder of pictures is seen."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.observing import observe
from ros2_hand_action.models.catalogue import Model
from ros2_hand_action.models.store import onnx_path
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT
from ros2_hand_action.replay.bag import is_bag
from ros2_hand_action.replay.inputs import open_input
from ros2_hand_action.replay.pipeline import Pipeline, PipelineOptions

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
    on_image: Callable[[], object] = lambda: None,
) -> list[dict[str, np.ndarray]]:
    """Return up to `size` inputs that a network sees in a source.

    Pictures of a folder are taken as strangers to each other, images of bags and videos as a
    stream. The nodes run as `params`, a parameter file of theirs, says; it has to choose the
    network where config/default.yaml does not.

    Raises
    ------
    MediaError
        If the source cannot be read.
    ModelError
        If the pipeline does not use the network.
    """
    sampler = FeedSampler(size)
    apart = source.is_dir() and not is_bag(source)
    is_gesture_net = GESTURE_NET_INPUT in {entry.name for entry in model.inputs}
    options = PipelineOptions(
        bodies=model.about.startswith('body'), actions=model.about == 'actions', params=params,
        gesture_model=model.name if is_gesture_net else None,
    )
    with observe(onnx_path(model), sampler.take), open_input(source) as images:
        with Pipeline(options) as pipeline:
            for image in images:
                on_image()
                if apart:
                    pipeline.reset()
                if image.frame is not None:
                    pipeline.process(image.frame, image.camera, image.depth)
    if not sampler.samples:
        raise ModelError(
            f'{model.name!r} was not used on {str(source)!r}: it shows no hand or person, or the '
            'parameters choose another network: give a file that chooses it as --params'
        )
    return sampler.samples

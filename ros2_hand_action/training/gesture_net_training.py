"""Learn the open GestureNet: its last layers, on what a network that knows hands sees in crops."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ros2_hand_action.inference.batches import MAX_BATCH, run_in_batches
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gesture_net_crop import (
    SIDE_PX,
    find_regions,
    write_hand_crops,
)
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT
from ros2_hand_action.perception.labels import GESTURES, NONE
from ros2_hand_action.training.gesture_net_crops import CropOptions, CropSet, vary_crop
from ros2_hand_action.training.gesture_net_file import FEATURES, PRESET
from ros2_hand_action.training.network import Layer, NetworkOptions, train_network

_TINY = 1e-3


@dataclass(frozen=True)
class NetOptions:
    """How the network is learnt.

    Attributes
    ----------
    views : int
        Looks at each crop: the first as it is, the others varied.
    none_weight : float
        How much more a hand of 'none' counts than others.
    crops : CropOptions
    network : NetworkOptions
        Of the fully connected layers.
    """

    views: int = 5
    none_weight: float = 1.0
    crops: CropOptions = field(default_factory=CropOptions)
    network: NetworkOptions = field(
        default_factory=lambda: NetworkOptions(hidden=(256, 128), epochs=20, dropout=0.2)
    )


def see_crops(
    crops: CropSet,
    features: InferenceSession,
    options: NetOptions,
    progress: Callable[[int], object] = lambda count: None,
) -> np.ndarray:
    """Return what the backbone sees, float32 (views, n, features).

    The same crops and options give the same features.

    Parameters
    ----------
    crops : CropSet
    features : InferenceSession
        From `gesture_net_file.build_features`.
    options : NetOptions
    progress : callable
        Called with the number of looks just taken.
    """
    seen = []
    for view in range(options.views):
        for places in _batches(len(crops.pixels)):
            inputs = np.stack([_look(crops, place, view, options) for place in places])
            seen.append(run_in_batches(features, inputs, name=GESTURE_NET_INPUT)[FEATURES])
            progress(len(places))
    return np.concatenate(seen).reshape(options.views, len(crops.pixels), -1)


def learn_layers(
    seen: np.ndarray,
    targets: np.ndarray,
    options: NetOptions,
    progress: Callable[[float], object] = lambda share: None,
) -> tuple[Layer, ...]:
    """Learn the fully connected layers; `progress` is called with the share just done.

    Parameters
    ----------
    seen : np.ndarray
        (views, n, features): from `see_crops`.
    targets : np.ndarray
        int64 (n,): index in `GESTURES`.
    options : NetOptions
    """
    rows = seen.reshape(-1, seen.shape[-1])
    mean, scale = rows.mean(axis=0), 1 / (rows.std(axis=0) + _TINY)
    all_targets = np.tile(targets, len(seen))
    is_none = all_targets == GESTURES.index(NONE)
    layers = train_network(
        inputs=lambda index, random: (rows[index] - mean) * scale,
        targets=all_targets,
        weights=np.where(is_none, options.none_weight, 1.0),
        input_size=rows.shape[1],
        label_count=len(GESTURES),
        options=options.network,
        progress=progress,
    )
    first = Layer(
        layers[0].weight * scale[:, None], layers[0].bias - (mean * scale) @ layers[0].weight
    )
    return (first, *layers[1:])


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, MAX_BATCH):
        yield range(start, min(start + MAX_BATCH, count))


def _look(crops: CropSet, place: int, view: int, options: NetOptions) -> np.ndarray:
    """Return a crop as the network takes it, float32 (3, SIDE_PX, SIDE_PX)."""
    pixels = crops.pixels[place]
    if not view:
        frame = Frame(pixels, PixelOrder.RGB)
        blob = np.empty((1, 3, SIDE_PX, SIDE_PX), np.float32)
        box = np.array([[0, 0, frame.width_px, frame.height_px]])
        write_hand_crops(frame, find_regions(box, frame, PRESET), PRESET, blob)
        only: np.ndarray = blob[0]
        return only
    random = np.random.default_rng((options.network.seed, view, place))
    background = crops.pixels[random.integers(len(crops.pixels))]
    varied = vary_crop(pixels, background, SIDE_PX, random, options.crops)
    return PRESET.normalize(varied.transpose(2, 0, 1))

"""Learn the open GestureNet: its layers, on what a network that knows hands sees in crops."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ros2_hand_action.inference.batches import MAX_BATCH
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.frame import Frame, PixelOrder
from ros2_hand_action.perception.gesture_net_crop import SIDE_PX, find_regions, write_hand_crops
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT
from ros2_hand_action.perception.hand_landmarks import LANDMARKS
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_head import HandSamples, HeadOptions, learn_head
from ros2_hand_action.training.gesture_net_crops import CropOptions, CropSet, vary_crop
from ros2_hand_action.training.gesture_net_file import HAND, PRESET, ROTATION
from ros2_hand_action.training.network import Layer, NetworkOptions

Progress = Callable[[int], object]
"""Called with the number of crops or looks just done."""


@dataclass(frozen=True)
class NetOptions:
    """How the network is learnt.

    Attributes
    ----------
    views : int
        Looks at each crop: the first as it is, the others varied.
    seed : int
        Of the looks and of the direction.
    crops : CropOptions
    direction : NetworkOptions
        Of the layers that say where a hand points.
    head : HeadOptions
        Of the layers that name gestures. 'none' weighs more than with the landmark head: on crops
        held back that leaves a third of the false alarms.
    heads : int
        How often these are learnt, from other random numbers each time: their mean varies less.
    """

    views: int = 3
    seed: int = 0
    crops: CropOptions = field(default_factory=CropOptions)
    direction: NetworkOptions = field(
        default_factory=lambda: NetworkOptions(hidden=(128, 64))
    )
    head: HeadOptions = field(default_factory=lambda: HeadOptions(none_weight=4.0))
    heads: int = 3


def see_hands(
    crops: CropSet, hands: InferenceSession, options: NetOptions,
    progress: Progress = lambda count: None,
) -> HandSamples:
    """Return the hands that the network sees in crops, `views` times n of them.

    Their extras are the presence. The same crops and options give the same hands.

    Parameters
    ----------
    crops : CropSet
    hands : InferenceSession
        From `GestureNetBuilder.build_hands`.
    options : NetOptions
    progress : Progress
    """
    places = np.arange(len(crops.pixels))
    seen = []
    for view in range(options.views):
        for batch in batches(places):
            inputs = np.stack([look_at(crops, place, view, options).blob for place in batch])
            seen.append(run_hands(hands, {GESTURE_NET_INPUT: inputs}))
            progress(len(batch))
    landmarks_px, landmarks_m, presence = (np.concatenate(parts) for parts in zip(*seen))
    owners = np.tile(places, options.views)
    return HandSamples(
        landmarks_px, landmarks_m, crops.targets[owners], owners, presence[:, None]
    )


def learn_heads(
    seen: HandSamples, options: NetOptions,
    progress: Callable[[float], object] = lambda share: None,
) -> list[tuple[Layer, ...]]:
    """Learn the layers that name gestures, `options.heads` times; in half precision's numbers."""
    heads = []
    for number in range(options.heads):
        network = replace(options.head.network, seed=options.seed + number)
        head = replace(options.head, network=network)
        learnt = learn_head(
            seen, GESTURES, head, lambda share: progress(share / options.heads)
        )
        heads.append(round_layers(learnt.layers))
    return heads


def round_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return layers whose weights half precision holds: they take half the space in a file."""
    return tuple(
        Layer(weight.astype(np.float16).astype(np.float32), bias) for weight, bias in layers
    )


def run_hands(
    session: InferenceSession, feeds: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return landmarks (n, 21, 3) as they lie in the crops, in pixels, in metres; presence (n,).

    Pixels are those of the turned crop, its corner the origin that is turned about.
    """
    outputs = session.run(feeds)
    landmarks, world, presence = (outputs[name] for name in HAND)
    points = np.stack([landmarks, world]).reshape(2, -1, LANDMARKS, 3)
    points[..., :2] = points[..., :2] @ outputs[ROTATION]
    return points[0], points[1], presence[:, 0]


class Look(NamedTuple):
    """A crop as the network takes it.

    Attributes
    ----------
    blob : np.ndarray
        float32 (3, SIDE_PX, SIDE_PX).
    turn : np.ndarray
        (2, 2): what directions of the crop, as columns, became.
    random : np.random.Generator
        For what else is to be drawn.
    """

    blob: np.ndarray
    turn: np.ndarray
    random: np.random.Generator


def look_at(crops: CropSet, place: int, view: int, options: NetOptions) -> Look:
    """Return a look at one crop: the first is as it is, the others are varied by the seed."""
    random = np.random.default_rng((options.seed, view, place))
    pixels = crops.pixels[place]
    if not view:
        return Look(cut_crop(pixels), np.eye(2), random)
    background = crops.pixels[random.integers(len(crops.pixels))]
    varied, turn = vary_crop(pixels, background, SIDE_PX, random, options.crops)
    return Look(PRESET.normalize(varied.transpose(2, 0, 1)), turn, random)


def cut_crop(pixels: np.ndarray) -> np.ndarray:
    """Return a whole crop as it comes from a detector, float32 (3, SIDE_PX, SIDE_PX)."""
    frame = Frame(pixels, PixelOrder.RGB)
    blob = np.empty((1, 3, SIDE_PX, SIDE_PX), np.float32)
    box = np.array([[0, 0, frame.width_px, frame.height_px]])
    write_hand_crops(frame, find_regions(box, frame, PRESET), PRESET, blob)
    only: np.ndarray = blob[0]
    return only


def batches(places: np.ndarray) -> Iterator[np.ndarray]:
    """Yield places as many at a time as go through a network at once."""
    for start in range(0, len(places), MAX_BATCH):
        yield places[start:start + MAX_BATCH]

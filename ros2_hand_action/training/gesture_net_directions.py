"""Learn where the hands in crops point, so that the open GestureNet can turn them upright."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.inference.session import InferenceSession
from ros2_hand_action.perception.gesture_features import KNUCKLES
from ros2_hand_action.perception.gestures import GESTURE_NET_INPUT
from ros2_hand_action.training.gesture_net_crops import CropSet
from ros2_hand_action.training.gesture_net_file import (
    APPEARANCE,
    DIRECTION,
    DIRECTIONS,
)
from ros2_hand_action.training.gesture_net_training import (
    NetOptions,
    Progress,
    batches,
    cut_crop,
    look_at,
    round_layers,
    run_hands,
)
from ros2_hand_action.training.network import (
    Layer,
    NetworkOptions,
    fold_standardisation,
    train_network,
)

_QUARTERS = DIRECTIONS[[0, 4, 12, 8]]
"""Up, right, left, down: where hands are looked for, likely ones first."""
_TINY = 1e-3
_SURE = 0.8
"""Presence times cosine between where the hand was looked for and where it was: known."""


class Directions(NamedTuple):
    """Where the hands of n crops point.

    Attributes
    ----------
    vectors : np.ndarray
        (n, 2): x and y, of length 1.
    known : np.ndarray
        bool (n,): where that is sure.
    """

    vectors: np.ndarray
    known: np.ndarray


def find_directions(
    crops: CropSet, view: InferenceSession, progress: Progress = lambda count: None
) -> Directions:
    """Find where the hands point: each quarter turn is tried, then the best one's finding.

    Parameters
    ----------
    crops : CropSet
    view : InferenceSession
        From `GestureNetBuilder.build_view`.
    progress : Progress
    """
    count = len(crops.pixels)
    vectors, best = np.tile(_QUARTERS[0], (count, 1)), np.full(count, -1.0)
    for quarter in (*_QUARTERS, None):
        for places in batches(np.nonzero(best < _SURE)[0]):
            tried = vectors[places] if quarter is None else np.tile(quarter, (len(places), 1))
            found, sureness = _look_along(crops, places, tried, view)
            is_better = sureness > best[places]
            vectors[places[is_better]] = found[is_better]
            best[places[is_better]] = sureness[is_better]
            progress(int((best[places] >= _SURE).sum()))
    progress(int((best < _SURE).sum()))
    return Directions(vectors, best >= _SURE)


def learn_directions(
    crops: CropSet, directions: Directions, appearance: InferenceSession, options: NetOptions,
    progress: Progress = lambda count: None,
) -> tuple[Layer, ...]:
    """Learn where hands point from looks at them, turned by any number of quarters.

    Parameters
    ----------
    crops : CropSet
    directions : Directions
    appearance : InferenceSession
        From `GestureNetBuilder.build_appearance`.
    options : NetOptions
    progress : Progress

    Raises
    ------
    DatasetError
        If no direction is known.
    """
    known = np.nonzero(directions.known)[0]
    if not len(known):
        raise DatasetError('no picture shows a hand: give crops of hands, from edge to edge')
    seen, targets = [], []
    for view in range(options.views):
        for places in batches(known):
            looks = [look_at(crops, place, view, options) for place in places]
            vectors = [look.turn @ directions.vectors[place] for look, place in zip(looks, places)]
            quarters = [int(look.random.integers(4)) for look in looks]
            inputs = [np.rot90(look.blob, k, (1, 2)) for look, k in zip(looks, quarters)]
            seen.append(appearance.run({GESTURE_NET_INPUT: np.stack(inputs)})[APPEARANCE])
            targets += [
                _name_direction(vector, quarter) for vector, quarter in zip(vectors, quarters)
            ]
            progress(len(places))
    network = replace(options.direction, seed=options.seed)
    return _learn_layers(np.concatenate(seen), np.array(targets), network)


def _look_along(
    crops: CropSet, places: np.ndarray, tried: np.ndarray, view: InferenceSession
) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions (n, 2) of hands looked for along `tried`, and how sure they are."""
    inputs = np.stack([cut_crop(crops.pixels[place]) for place in places])
    feeds = {GESTURE_NET_INPUT: inputs, DIRECTION: tried.astype(np.float32)}
    landmarks_px, _, presence = run_hands(view, feeds)
    knuckles = (landmarks_px[:, KNUCKLES] - landmarks_px[:, :1]).mean(axis=1)[:, :2]
    found = knuckles / np.linalg.norm(knuckles, axis=1, keepdims=True)
    return found, presence * np.einsum('nc,nc->n', found, tried)


def _name_direction(vector: np.ndarray, quarter: int) -> int:
    """Return which of DIRECTIONS a vector is, turned left by quarters as np.rot90 does."""
    x, y = vector
    for _ in range(quarter):
        x, y = y, -x
    return int((DIRECTIONS @ (x, y)).argmax())


def _learn_layers(
    rows: np.ndarray, targets: np.ndarray, options: NetworkOptions
) -> tuple[Layer, ...]:
    """Learn a classifier of rows (n, d) as they come: its first layer standardises them."""
    mean, scale = rows.mean(axis=0), 1 / (rows.std(axis=0) + _TINY)
    layers = train_network(
        inputs=lambda index, random: (rows[index] - mean) * scale,
        targets=targets,
        weights=np.ones(len(rows)),
        input_size=rows.shape[1],
        label_count=len(DIRECTIONS),
        options=options,
    )
    return round_layers(fold_standardisation(layers, mean, scale))

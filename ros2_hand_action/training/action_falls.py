"""Falls out of UP-Fall's 3D skeletons, in the order of time.

The published file keeps up to 100 poses of each trial, sorted by the names of the images as text
(1, 10, 100, 101, ..., 11, 110, ...), and images without a person are missing. The numbers are
found again by the smoothest motion among all that this order allows.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ros2_hand_action.perception.action_features import JOINTS
from ros2_hand_action.perception.labels import FALL
from ros2_hand_action.perception.skeleton import BLAZEPOSE
from ros2_hand_action.training.action_sequences import PoseSequence, _items

RATE_HZ = 18.0
"""Images a second of UP-Fall's cameras."""
_LONGEST_TRIAL = 199
_BEAM, _MOST_MISSING = 200, 6
_MISSING_COST = 0.01
_MOST_COST = 3.0
"""Of a whole trial, in image heights per image: above it the order is not to be trusted."""
_ASPECT = 4 / 3
_LEAST_DROP = 0.12
_LARGEST_GAP_S, _LEAST_POSES = 0.4, 6


class _Guess(NamedTuple):
    """Numbers given to the first rows; `last` and `numbers`: newest row and number of a class."""

    cost: float
    place: int
    last: tuple[int, ...]
    numbers: tuple[int, ...]
    given: tuple[int, ...]


def read_falls(path: Path) -> list[PoseSequence]:
    """Return the trials whose order in time could be found again.

    Active moments: from when the pelvis leaves its height of standing, to the end.
    """
    sequences = []
    places = [BLAZEPOSE.index(name) for name in JOINTS]
    for key, rows in _items(path):
        points = rows[:, :99].reshape(-1, len(BLAZEPOSE), 3)[:, places, :2] * (_ASPECT, 1)
        cost, numbers = find_order(points)
        if cost > _MOST_COST:
            continue
        order = np.argsort(numbers)
        joints = points[order].astype(np.float64)
        subject = key[key.index('S') + 1:key.index('A')].strip('_')
        whole = PoseSequence(
            name=f'upfall {key}', source='upfall', group=f'upfall{subject}', label=FALL,
            action='', stamps_s=numbers[order] / RATE_HZ, joints=joints,
            active=_find_fallen(joints),
        )
        sequences += split_at_gaps(whole, _LARGEST_GAP_S)
    return sequences


def split_at_gaps(sequence: PoseSequence, gap_s: float) -> list[PoseSequence]:
    """Return the parts of a sequence between longer gaps; `action`: whether a fall is seen."""
    cuts = np.nonzero(np.diff(sequence.stamps_s) > gap_s)[0] + 1
    parts: list[PoseSequence] = []
    before: PoseSequence | None = None
    for number, index in enumerate(np.split(np.arange(len(sequence.stamps_s)), cuts)):
        active = sequence.active[index]
        kind = 'fall' if active.any() and not active[:3].any() else 'lie'
        before = replace(
            sequence, name=f'{sequence.name} {number}', stamps_s=sequence.stamps_s[index],
            joints=sequence.joints[index], active=active, trial=sequence.name,
            action=kind if active.any() else 'stand', before=before,
        )
        if len(index) >= _LEAST_POSES:
            parts.append(before)
    return parts


def find_order(points: np.ndarray) -> tuple[float, np.ndarray]:
    """Return how rough the motion is, and the image number (n,) of each row of (n, k, 2).

    A beam search over the names that may be missing. A pose is compared with the newest one of
    the same class of numbers (1 to 9, 10 to 19, 20 to 99, 100 and more): within these the order
    as text is that in time.
    """
    names = sorted(range(1, _LONGEST_TRIAL + 1), key=str)
    kinds = [0 if n < 10 else 1 if n < 20 else 2 if n < 100 else 3 for n in names]
    gaps = np.abs(points[:, None] - points[None]).mean(axis=(2, 3)).tolist()
    guesses = [_Guess(0.0, -1, (-1,) * 4, (0,) * 4, ())]
    for row in range(len(points)):
        left = len(names) - (len(points) - 1 - row)
        best: dict[tuple[int, tuple[int, ...]], _Guess] = {}
        for guess in guesses:
            for place in range(guess.place + 1, min(guess.place + 2 + _MOST_MISSING, left)):
                new = _extend(guess, row, place, names[place], kinds[place], gaps[row])
                key = (place, new.last)
                if key not in best or new.cost < best[key].cost:
                    best[key] = new
        guesses = sorted(best.values())[:_BEAM]
    return guesses[0].cost, np.array(guesses[0].given)


def _extend(
    guess: _Guess, row: int, place: int, number: int, kind: int, gaps: list[float]
) -> _Guess:
    cost = guess.cost + _MISSING_COST * (place - guess.place - 1)
    before = kind if guess.last[kind] >= 0 else kind - 1
    if kind < 3 and before >= 0 and guess.last[before] >= 0:
        apart = number - guess.numbers[before] if before == kind or kind == 2 else 1
        cost += gaps[guess.last[before]] / max(apart, 1) ** 0.5
    elif kind == 3 and guess.last[3] >= 0:
        cost += gaps[guess.last[3]] / (number - guess.numbers[3]) ** 0.5
    last, numbers = list(guess.last), list(guess.numbers)
    last[kind], numbers[kind] = row, number
    return _Guess(cost, place, tuple(last), tuple(numbers), (*guess.given, number))


def _find_fallen(joints: np.ndarray) -> np.ndarray:
    """Return when (t,) the head is lower than it stands by more than a part of that height."""
    head = joints[:, 0, 1]
    ankles = joints[:5, 11:13, 1].mean()
    standing = ankles - np.median(head[:5])
    active: np.ndarray = head - np.median(head[:5]) > _LEAST_DROP * standing
    return active

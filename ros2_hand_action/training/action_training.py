"""Learn a recogniser of actions from pose sequences."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.action_features import (
    FEATURE_COUNT,
    clip_features,
    find_known,
    mirror_clips,
)
from ros2_hand_action.perception.action_pose import PoseActionOptions
from ros2_hand_action.perception.labels import ACTIONS, FALL, OTHER
from ros2_hand_action.training.action_sequences import PoseSequence
from ros2_hand_action.training.action_synthesis import (
    make_crouch,
    make_cyclist,
    make_fall,
    make_gait,
    make_landing,
)
from ros2_hand_action.training.action_views import (
    CLIP_S,
    draw_view,
    label_clip,
    look,
    move_along,
)
from ros2_hand_action.training.network import (
    Layer,
    NetworkOptions,
    predict_logits,
    softmax,
    train_network,
)

FOLDS = 5
LARGEST = 5.0
"""Standardised features are cut here: what no training clip showed decides nothing."""
LEAST_SEEN_S = PoseActionOptions.warm_up * CLIP_S
"""So much of a person a clip shows at least, as in the node."""
_TRIES = 8
_TINY = 1e-3
_WITH_SPEED_M = {'jog in place': ('run', (2.0, 4.5)), 'walk in place': ('walk', (0.7, 1.6))}
"""Who moves in place would be doing this when moving ahead, at such speeds."""
_MADE = 120
"""Computed people of each kind, spread over the folds."""


@dataclass(frozen=True)
class ActionTrainingOptions:
    """How a recogniser is learnt.

    Attributes
    ----------
    clips : int
        Clips to learn from for each label and source; `other` has twice as many.
    other_weight : float
        How much more `other` counts than each label: above 1 fewer actions are named.
    fall_weight : float
        The same of falls: above 1 fewer are missed, and more of others are taken for one.
    members : int
        Networks that are learnt from different beginnings, at least 1: their mean counts.
    network : NetworkOptions
    """

    clips: int = 2000
    other_weight: float = 1.5
    fall_weight: float = 1.5
    members: int = 3
    network: NetworkOptions = field(default_factory=lambda: NetworkOptions(
        hidden=(96, 48), epochs=8, dropout=0.2, weight_decay=5e-2, smoothing=0.08,
    ))


@dataclass(frozen=True)
class ClipSamples:
    """Features of clips to learn from.

    Attributes
    ----------
    features : np.ndarray
        float32 (n, FEATURE_COUNT).
    targets : np.ndarray
        int64 (n,): place in `labels.ACTIONS`.
    folds : np.ndarray
        int64 (n,): part that the clip's person belongs to.
    """

    features: np.ndarray
    targets: np.ndarray
    folds: np.ndarray


def add_made_sequences(sequences: Sequence[PoseSequence], seed: int) -> list[PoseSequence]:
    """Return the sequences and computed ones: cyclists, gaits, joggers who do get ahead."""
    random = np.random.default_rng(seed)
    made = list(sequences)
    for number in range(_MADE):
        made.append(make_cyclist(number, random))
        made += [make_gait(number, label, random) for label in ('walk', 'run')]
    for sequence in sequences:
        if sequence.action in _WITH_SPEED_M:
            label, speed = _WITH_SPEED_M[sequence.action]
            moved = move_along(
                sequence, label, random.uniform(*speed), random.uniform(-np.pi, np.pi)
            )
            made.append(replace(moved, source='made moved'))
    standing = [s for s in sequences if s.joints.shape[-1] == 3 and s.label == OTHER]
    for number, place in enumerate(random.permutation(len(standing))[:_MADE]):
        for make in (make_fall, make_crouch, make_landing):
            person = make(standing[place], number, random)
            if person is not None:
                made.append(person)
    return made


def deal_folds(sequences: Sequence[PoseSequence]) -> dict[str, int]:
    """Return the fold of each group, the groups of every source dealt out evenly."""
    folds: dict[str, int] = {}
    counts: dict[str, int] = {}
    for sequence in sequences:
        if sequence.group not in folds:
            kind = sequence.group.rstrip('0123456789').split(' ')[0]
            folds[sequence.group] = counts.get(kind, 0) % FOLDS
            counts[kind] = counts.get(kind, 0) + 1
    return folds


def collect_clips(
    sequences: Sequence[PoseSequence], *, options: ActionTrainingOptions, seed: int,
    progress: Callable[[float], object] = lambda share: None,
) -> ClipSamples:
    """Look at the sequences from all around and return what there is to learn."""
    folds = deal_folds(sequences)
    joints, worlds, targets, parts = [], [], [], []
    pools = _pool(sequences)
    for place, ((_, label), pool) in enumerate(sorted(pools.items())):
        random = np.random.default_rng((seed, place))
        for number in range(options.clips * (2 if label == OTHER else 1)):
            clip = _draw_clip(pool[number % len(pool)], label, random)
            if clip is not None:
                joints.append(clip[0])
                worlds.append(clip[1])
                targets.append(ACTIONS.index(label))
                parts.append(folds[pool[number % len(pool)].group])
        progress(1 / len(pools))
    if not joints:
        raise DatasetError('there is no clip to learn from: see docs/actions.md for the data')
    return ClipSamples(
        _features(np.array(joints), np.array(worlds)), np.array(targets), np.array(parts)
    )


def _pool(sequences: Iterable[PoseSequence]) -> dict[tuple[str, str], list[PoseSequence]]:
    """Return the sequences by source and label, those with idle moments under OTHER, too."""
    pools: dict[tuple[str, str], list[PoseSequence]] = {}
    for sequence in sequences:
        pools.setdefault((sequence.source, sequence.label), []).append(sequence)
        if not sequence.active.all():
            pools.setdefault((f'{sequence.source} idle', OTHER), []).append(sequence)
    return pools


def _draw_clip(
    sequence: PoseSequence, label: str, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a clip at a random time from a random view, None where none has the label."""
    view = draw_view(random)
    first, last = sequence.stamps_s[[0, -1]]
    earliest = min(first + LEAST_SEEN_S * view.pace, last)
    for _ in range(_TRIES):
        end_s = random.uniform(earliest, last) if last > earliest else last
        if label_clip(sequence, end_s, view.pace) == label:
            joints, world = look(sequence, end_s, view, random)
            return (joints, world) if find_known(joints[None])[0] else None
    return None


def _features(joints: np.ndarray, worlds: np.ndarray) -> np.ndarray:
    parts = [
        clip_features(joints[i:i + 512], worlds[i:i + 512]) for i in range(0, len(joints), 512)
    ]
    return np.concatenate(parts)


@dataclass(frozen=True)
class ActionHead:
    """A classifier of clip features.

    Attributes
    ----------
    mean, scale : np.ndarray
        float32 (FEATURE_COUNT,): a feature's mean is taken off, then it is multiplied.
    members : tuple of tuple of Layer
        Networks that take the standardised features, cut at +-LARGEST.
    """

    mean: np.ndarray
    scale: np.ndarray
    members: tuple[tuple[Layer, ...], ...]

    def probabilities(self, joints: np.ndarray, worlds: np.ndarray) -> np.ndarray:
        """Return (n, labels) of clips: the mean of all networks on clip and mirror image."""
        both = [(joints, worlds), mirror_clips(joints, worlds)]
        standard = [
            np.clip((_features(*clips) - self.mean) * self.scale, -LARGEST, LARGEST)
            for clips in both
        ]
        return np.mean([
            softmax(predict_logits(layers, x)) for x in standard for layers in self.members
        ], axis=0)


def learn_actions(
    samples: ClipSamples, options: ActionTrainingOptions,
    progress: Callable[[float], object] = lambda share: None,
) -> ActionHead:
    """Learn a classifier; `progress` is called with the share of the work just done."""
    mean, scale = samples.features.mean(axis=0), 1 / (samples.features.std(axis=0) + _TINY)
    standard = np.clip((samples.features - mean) * scale, -LARGEST, LARGEST)
    counts = np.bincount(samples.targets, minlength=len(ACTIONS))
    weights = 1 / np.maximum(counts, 1)[samples.targets]
    weights[samples.targets == ACTIONS.index(OTHER)] *= options.other_weight
    weights[samples.targets == ACTIONS.index(FALL)] *= options.fall_weight
    first = options.network.seed * options.members
    members = tuple(
        train_network(
            inputs=lambda index, random: standard[index], targets=samples.targets,
            weights=weights / weights.mean(), input_size=FEATURE_COUNT,
            label_count=len(ACTIONS), options=replace(options.network, seed=first + number),
            progress=lambda share: progress(share / options.members),
        )
        for number in range(options.members)
    )
    return ActionHead(mean, scale, members)

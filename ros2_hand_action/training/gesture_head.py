"""Learn a gesture classifier from the landmarks of hands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ros2_hand_action.perception.gesture_features import geometry_features
from ros2_hand_action.perception.labels import NONE
from ros2_hand_action.training.network import (
    Layer,
    NetworkOptions,
    fold_standardisation,
    predict_logits,
    softmax,
    train_network,
)

_TINY = 1e-3


@dataclass(frozen=True)
class HandSamples:
    """Landmarks of hands to learn from, several views of each picture.

    Attributes
    ----------
    landmarks_px, landmarks_m : np.ndarray
        float32 (n, 21, 3): as in `Hand`.
    targets : np.ndarray
        int64 (n,): index of the label.
    pictures : np.ndarray
        int64 (n,): index of the picture that the view shows.
    extras : np.ndarray, optional
        float32 (n, k): what else is known of each hand, given to the network behind the geometry.
    """

    landmarks_px: np.ndarray
    landmarks_m: np.ndarray
    targets: np.ndarray
    pictures: np.ndarray
    extras: np.ndarray | None = None

    @property
    def features(self) -> np.ndarray:
        """What a classifier takes: float32 (n, GEOMETRY_SIZE + k)."""
        geometry = geometry_features(self.landmarks_px, self.landmarks_m)
        return geometry if self.extras is None else np.hstack([geometry, self.extras])

    def take(self, index: np.ndarray) -> 'HandSamples':
        """Return the samples that `index` (integers or a mask) selects."""
        return HandSamples(
            self.landmarks_px[index], self.landmarks_m[index],
            self.targets[index], self.pictures[index],
            None if self.extras is None else self.extras[index],
        )


@dataclass(frozen=True)
class HeadOptions:
    """How a classifier is learnt.

    Attributes
    ----------
    turn_rad : float
        Hands are turned in the image by up to this angle, either way.
    tilt_rad : float
        Standard deviation of the angle by which they are tilted out of the image plane.
    none_weight : float
        How much more a hand of 'none' counts than others: above 1 the classifier names fewer
        gestures, which is the safe side for a robot.
    network : NetworkOptions
    """

    turn_rad: float = np.pi / 5
    tilt_rad: float = np.pi / 9
    none_weight: float = 1.5
    network: NetworkOptions = field(default_factory=NetworkOptions)


@dataclass(frozen=True)
class GestureHead:
    """A classifier of geometry features.

    Attributes
    ----------
    labels : tuple of str
    layers : tuple of Layer
        The first takes the features as they come: their standardisation is folded into it.
    """

    labels: tuple[str, ...]
    layers: tuple[Layer, ...]

    def probabilities(self, samples: HandSamples) -> np.ndarray:
        """Return float32 (n, labels)."""
        return softmax(predict_logits(self.layers, samples.features))


def learn_head(
    samples: HandSamples,
    labels: Sequence[str],
    options: HeadOptions | None = None,
    progress: Callable[[float], object] = lambda share: None,
) -> GestureHead:
    """Learn a classifier; `progress` is called with the share of the work just done."""
    options = options or HeadOptions()
    features = samples.features
    mean, scale = features.mean(axis=0), 1 / (features.std(axis=0) + _TINY)

    def draw(index: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return (vary_hands(samples.take(index), random, options).features - mean) * scale

    layers = train_network(
        inputs=draw,
        targets=samples.targets,
        weights=_weigh(samples.targets, labels, options.none_weight),
        input_size=features.shape[1],
        label_count=len(labels),
        options=options.network,
        progress=progress,
    )
    return GestureHead(tuple(labels), fold_standardisation(layers, mean, scale))


def vary_hands(
    samples: HandSamples, random: np.random.Generator, options: HeadOptions
) -> HandSamples:
    """Return the hands as others might be seen: mirrored, from the back, turned and tilted.

    Seen from the back, a hand is its mirror image in depth: z changes its sign.
    """
    count = len(samples.targets)
    factors = np.ones((count, 1, 3))
    factors[:, 0, 0] = random.choice((-1, 1), count)
    factors[:, 0, 2] = random.choice((-1, 1), count)
    rotations = _rotations(
        random.uniform(-options.turn_rad, options.turn_rad, count),
        random.normal(0, options.tilt_rad, (2, count)),
    )
    return HandSamples(
        (samples.landmarks_px * factors) @ rotations,
        (samples.landmarks_m * factors) @ rotations,
        samples.targets,
        samples.pictures,
        samples.extras,
    )


def _rotations(turn: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Return (n, 3, 3) rotations for row vectors: about x and y by `tilt`, about z by `turn`."""
    cos_x, cos_y = np.cos(tilt)
    sin_x, sin_y = np.sin(tilt)
    cos_z, sin_z = np.cos(turn), np.sin(turn)
    zero, one = np.zeros_like(turn), np.ones_like(turn)
    about_x = np.array([[one, zero, zero], [zero, cos_x, sin_x], [zero, -sin_x, cos_x]])
    about_y = np.array([[cos_y, zero, -sin_y], [zero, one, zero], [sin_y, zero, cos_y]])
    about_z = np.array([[cos_z, sin_z, zero], [-sin_z, cos_z, zero], [zero, zero, one]])
    x, y, z = (matrix.transpose(2, 0, 1) for matrix in (about_x, about_y, about_z))
    return x @ y @ z


def _weigh(targets: np.ndarray, labels: Sequence[str], none_weight: float) -> np.ndarray:
    """Return what each sample counts: rare labels more, by the root of their rarity."""
    counts = np.bincount(targets, minlength=len(labels))
    share = np.sqrt(len(targets) / (len(labels) * np.maximum(counts, 1)))
    if NONE in labels:
        share[list(labels).index(NONE)] *= none_weight
    return share[targets]

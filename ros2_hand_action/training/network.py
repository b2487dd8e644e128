"""A small multilayer perceptron in numpy: enough to learn gestures, nothing to install."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Layer(NamedTuple):
    """Weights of one fully connected layer: float32 (inputs, outputs) and (outputs,)."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class NetworkOptions:
    """How a network is trained.

    Attributes
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    epochs, batch : int
        Passes over the data, and samples per step.
    least_steps : int
        Few data are passed over more often, until there are this many steps.
    learning_rate : float
        Of Adam, falling to 0 along half a cosine.
    weight_decay : float
        Decoupled (AdamW), of the weights only.
    dropout : float
        Share of the inputs and of the hidden units that is dropped in training.
    smoothing : float
        Label smoothing: probability spread over all labels, which keeps scores calibrated.
    seed : int
    """

    hidden: tuple[int, ...] = (192, 96)
    epochs: int = 20
    batch: int = 256
    least_steps: int = 800
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    dropout: float = 0.1
    smoothing: float = 0.05
    seed: int = 0


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def predict_logits(layers: Sequence[Layer], inputs: np.ndarray) -> np.ndarray:
    """Return the logits (n, labels) of standardised inputs (n, d)."""
    values = inputs
    for layer in layers[:-1]:
        values = np.maximum(values @ layer.weight + layer.bias, 0)
    return values @ layers[-1].weight + layers[-1].bias


def fold_standardisation(
    layers: Sequence[Layer], mean: np.ndarray, scale: np.ndarray
) -> tuple[Layer, ...]:
    """Return layers for inputs as they come, of layers learnt on (inputs - mean) * scale."""
    weight, bias = layers[0]
    first = Layer(weight * scale[:, None], bias - (mean * scale) @ weight)
    return (first, *layers[1:])


def train_network(
    *,
    inputs: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    targets: np.ndarray,
    weights: np.ndarray,
    input_size: int,
    label_count: int,
    options: NetworkOptions,
    progress: Callable[[float], object] = lambda share: None,
) -> tuple[Layer, ...]:
    """Learn a classifier by AdamW on the cross entropy.

    Parameters
    ----------
    inputs : callable
        Given indices of samples and a generator, returns their float32 (n, input_size) inputs;
        it may vary them at random.
    targets : np.ndarray
        int (samples,): index of each sample's label.
    weights : np.ndarray
        (samples,): how much each sample counts.
    input_size, label_count : int
        Width of the network's two ends.
    options : NetworkOptions
    progress : callable, optional
        Called after each step with the share of all steps that it was, 0 to 1.
    """
    random = np.random.default_rng(options.seed)
    state = _Adam(_make_layers((input_size, *options.hidden, label_count), random))
    smooth = np.full(label_count, options.smoothing / label_count, np.float32)
    one_hot = np.eye(label_count, dtype=np.float32) * (1 - options.smoothing) + smooth
    steps = max(options.least_steps, options.epochs * len(targets) // options.batch)
    for step in range(steps):
        index = random.integers(0, len(targets), options.batch)
        gradient = _find_gradient(
            state.values, inputs(index, random), one_hot[targets[index]],
            weights[index].astype(np.float32), options.dropout, random,
        )
        rate = options.learning_rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        state.step(gradient, rate, options.weight_decay)
        progress(1 / steps)
    return tuple(Layer(*state.values[i:i + 2]) for i in range(0, len(state.values), 2))


def _make_layers(sizes: Sequence[int], random: np.random.Generator) -> list[np.ndarray]:
    arrays = []
    for before, after in pairwise(sizes):
        scale = np.sqrt(2 / before)  # He et al. 2015
        arrays.append((random.standard_normal((before, after)) * scale).astype(np.float32))
        arrays.append(np.zeros(after, np.float32))
    return arrays


def _find_gradient(
    values: list[np.ndarray], inputs: np.ndarray, wanted: np.ndarray, weights: np.ndarray,
    dropout: float, random: np.random.Generator,
) -> list[np.ndarray]:
    """Return the gradient of the weighted mean cross entropy, one array per parameter."""
    depth = len(values) // 2
    activations = [_drop(inputs, dropout, random)]
    for layer in range(depth - 1):
        hidden = np.maximum(activations[-1] @ values[2 * layer] + values[2 * layer + 1], 0)
        activations.append(_drop(hidden, dropout, random))
    logits = activations[-1] @ values[-2] + values[-1]
    error = (softmax(logits) - wanted) * (weights / weights.sum())[:, None]
    gradient: list[np.ndarray] = []
    for layer in range(depth - 1, -1, -1):
        gradient[:0] = [activations[layer].T @ error, error.sum(axis=0)]
        if layer:
            # A dropped or negative unit has activation 0; kept ones carry the dropout scale.
            passed = (activations[layer] > 0) / (1 - dropout)
            error = (error @ values[2 * layer].T * passed).astype(np.float32)
    return gradient


def _drop(values: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    if not share:
        return values
    kept = random.random(values.shape, dtype=np.float32) >= share
    return values * (kept / np.float32(1 - share))


@dataclass
class _Adam:
    """Parameters and their moments (Kingma and Ba 2015; decay after Loshchilov and Hutter)."""

    values: list[np.ndarray]
    mean: list[np.ndarray] = field(init=False)
    square: list[np.ndarray] = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.mean = [np.zeros_like(value) for value in self.values]
        self.square = [np.zeros_like(value) for value in self.values]

    def step(self, gradient: list[np.ndarray], rate: float, decay: float) -> None:
        """Move the parameters against the gradient."""
        self.count += 1
        scale = rate * np.sqrt(1 - 0.999 ** self.count) / (1 - 0.9 ** self.count)
        for value, slope, mean, square in zip(self.values, gradient, self.mean, self.square):
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope * slope - square)
            if value.ndim == 2:
                value *= np.float32(1 - rate * decay)
            value -= (scale * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)

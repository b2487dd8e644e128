"""Learn the open GestureNet with PyTorch, which only this needs.

PyTorch is imported by the functions that use it: it is no dependency of the package.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ros2_hand_action.errors import ConfigError
from ros2_hand_action.perception.gesture_net_crop import PRESETS, SIDE_PX
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.gesture_net_crops import CropOptions, CropSet, vary_crop
from ros2_hand_action.training.gesture_net_file import STEM_WIDTH, WIDTHS, Weights

PRESET = 'deepstream'
"""The open network takes pixels as this preset of `gesture_net_crop` gives them."""

_SIDES = ((0.75, 96), (0.92, 128), (1.0, SIDE_PX))
"""Up to which share of the epochs crops have which side: small ones teach most in a given time."""


@dataclass(frozen=True)
class NetOptions:
    """How the network is learnt.

    Attributes
    ----------
    epochs, batch : int
    learning_rate : float
        Of AdamW, its highest: it rises over the first tenth and falls to 0 along half a cosine.
    weight_decay : float
    dropout : float
        Of the means from which the six numbers are taken.
    smoothing : float
        Label smoothing: probability spread over all labels, which keeps scores calibrated.
    seed, threads : int
    device : str
        'cpu', 'cuda', or 'auto': cuda where there is one.
    crops : CropOptions
    """

    epochs: int = 24
    batch: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 3e-2
    dropout: float = 0.2
    smoothing: float = 0.05
    seed: int = 0
    threads: int = 1
    device: str = 'auto'
    crops: CropOptions = field(default_factory=CropOptions)


def import_torch() -> Any:
    """Return PyTorch's module.

    Raises
    ------
    ConfigError
        If it is not installed; says how to.
    """
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f'learning GestureNet needs PyTorch, which cannot be imported ({error}); install it '
            'for this command only: pip install --target with_torch torch==2.13.0, and run it '
            'with PYTHONPATH=with_torch before it'
        ) from error
    return torch


def learn_gesture_net(
    crops: CropSet,
    options: NetOptions | None = None,
    progress: Callable[[float], object] = lambda share: None,
) -> Weights:
    """Learn the network; `progress` is called with the share of the work just done.

    The same crops and options give the same weights on the same machine and PyTorch.

    Raises
    ------
    ConfigError
        If PyTorch is missing, or the device.
    """
    torch = import_torch()
    options = options or NetOptions()
    device = _choose_device(torch, options.device)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    network = make_network(torch, options.dropout).to(
        device, memory_format=torch.channels_last
    ).train()
    steps = options.epochs * (len(crops.targets) // options.batch or 1)
    optimizer = torch.optim.AdamW(
        network.parameters(), options.learning_rate, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=steps, pct_start=0.1
    )
    for images, targets in _draw_ahead(crops, options):
        inputs = torch.from_numpy(images).to(device).contiguous(
            memory_format=torch.channels_last
        )
        loss = torch.nn.functional.cross_entropy(
            network(inputs), torch.from_numpy(targets).to(device),
            label_smoothing=options.smoothing,
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress(1 / steps)
    return fold(network)


def make_network(torch: Any, dropout: float) -> Any:
    """Return the network of `gesture_net_file` as a module that gives logits, not learnt yet."""
    nn = torch.nn

    class Residual(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, width: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                *convolution(width, width, 1), nn.ReLU(inplace=True), *convolution(width, width, 1)
            )

        def forward(self, values: Any) -> Any:
            return torch.relu(values + self.inner(values))

    def convolution(inputs: int, outputs: int, stride: int) -> list[Any]:
        conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        return [conv, nn.BatchNorm2d(outputs)]

    layers = [*convolution(3, STEM_WIDTH, 2), nn.ReLU(inplace=True)]
    for before, width in zip((STEM_WIDTH, *WIDTHS), WIDTHS):
        layers += [*convolution(before, width, 2), nn.ReLU(inplace=True), Residual(width)]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout),
        nn.Linear(WIDTHS[-1], len(GESTURES)),
    )


def fold(network: Any) -> Weights:
    """Return a module's weights, its batch normalisation folded into the convolutions."""
    convolutions = []
    kernel = None
    for module in network.modules():
        name = type(module).__name__
        if name == 'Conv2d':
            kernel = _as_array(module.weight)
        elif name == 'BatchNorm2d' and kernel is not None:
            gain = _as_array(module.weight) / np.sqrt(_as_array(module.running_var) + module.eps)
            bias = _as_array(module.bias) - gain * _as_array(module.running_mean)
            folded = kernel * gain[:, None, None, None]
            convolutions.append((folded.astype(np.float32), bias.astype(np.float32)))
    last = network[-1]
    weight, bias = _as_array(last.weight), _as_array(last.bias)
    return Weights(tuple(convolutions), (weight.astype(np.float32), bias.astype(np.float32)))


def _as_array(tensor: Any) -> np.ndarray:
    values: np.ndarray = tensor.detach().cpu().numpy().astype(np.float64)
    return values


def _choose_device(torch: Any, name: str) -> str:
    has_cuda = bool(torch.cuda.is_available())
    if name == 'cuda' and not has_cuda:
        raise ConfigError(
            "device is 'cuda', but this PyTorch finds no CUDA device: give --device cpu"
        )
    return ('cuda' if has_cuda else 'cpu') if name == 'auto' else name


def _draw_ahead(
    crops: CropSet, options: NetOptions
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of all epochs, the next one drawn while the last one is learnt from."""
    plan = list(_plan(len(crops.targets), options))
    with ThreadPoolExecutor(1, thread_name_prefix='crops') as pool:
        coming = pool.submit(_draw, crops, *plan[0], options)
        for following in plan[1:]:
            ready, coming = coming, pool.submit(_draw, crops, *following, options)
            yield ready.result()
        yield coming.result()


def _plan(count: int, options: NetOptions) -> Iterator[tuple[np.ndarray, int, tuple[int, int]]]:
    """Yield the crops, the side and the random seed of each batch."""
    for epoch in range(options.epochs):
        order = np.random.default_rng((options.seed, epoch)).permutation(count)
        share = (epoch + 1) / options.epochs
        side = next(side for most, side in _SIDES if share <= most)
        for place in range(count // options.batch or 1):
            index = order[place * options.batch:(place + 1) * options.batch]
            yield index, side, (epoch, place)


def _draw(
    crops: CropSet, index: np.ndarray, side: int, step: tuple[int, int], options: NetOptions
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng((options.seed, *step))
    images = np.stack([
        vary_crop(
            crops.pixels[place], crops.pixels[random.integers(len(crops.pixels))], side, random,
            options.crops,
        )
        for place in index
    ])
    normalized = PRESETS[PRESET].normalize(images).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(normalized), crops.targets[index]

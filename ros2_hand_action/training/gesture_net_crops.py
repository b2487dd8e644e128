"""Crops of hands to learn from, and how they might have looked otherwise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.gesture_net_crop import TRAINED_ENLARGEMENT, fit_square
from ros2_hand_action.perception.labels import GESTURES
from ros2_hand_action.training.dataset import LabelledPicture, load_picture

_KEPT_SIDE_PX = 160


@dataclass(frozen=True)
class CropOptions:
    """How crops are varied.

    Attributes
    ----------
    scales : tuple of float
        Least and most side of the region, in the crop's longer side.
    shift : float
        Most shift of the region's centre, in the crop's longer side.
    turn_rad : float
        Most rotation, either way: no hand may become another gesture.
    stretch : float
        Most change of the aspect.
    """

    scales: tuple[float, float] = (0.9 * TRAINED_ENLARGEMENT, 1.3 * TRAINED_ENLARGEMENT)
    shift: float = 0.08
    turn_rad: float = np.pi / 7
    stretch: float = 0.12


@dataclass(frozen=True)
class CropSet:
    """Pictures that each show a hand and little else.

    Attributes
    ----------
    pictures : tuple of LabelledPicture
    pixels : tuple of np.ndarray
        uint8 (height, width, 3) RGB, each at most 160 pixels long.
    targets : np.ndarray
        int64 (n,): index in `GESTURES`.
    unreadable : tuple of Path
    """

    pictures: tuple[LabelledPicture, ...]
    pixels: tuple[np.ndarray, ...]
    targets: np.ndarray
    unreadable: tuple[Path, ...] = ()

    def take(self, index: Iterable[int]) -> 'CropSet':
        """Return the crops that `index` selects."""
        places = list(index)
        return CropSet(
            tuple(self.pictures[place] for place in places),
            tuple(self.pixels[place] for place in places),
            self.targets[places],
        )


def read_crops(pictures: Iterable[LabelledPicture]) -> CropSet:
    """Read pictures of which each shows one hand, from edge to edge.

    Raises
    ------
    DatasetError
        If a label is none of `GESTURES`, or one of those has no picture that can be read.
    """
    used, pixels, unreadable = [], [], []
    for picture in pictures:
        if picture.label not in GESTURES:
            raise DatasetError(
                f'{str(picture.path)!r} has the label {picture.label!r}, GestureNet knows '
                f'{GESTURES}: let it count as another with --none {picture.label}, or learn your '
                'own gestures with `hand-action gestures train`'
            )
        frame = load_picture(picture.path)
        if frame is None:
            unreadable.append(picture.path)
            continue
        used.append(picture)
        pixels.append(np.ascontiguousarray(_shrink(frame.pixels)[..., ::-1]))
    targets = np.array([GESTURES.index(picture.label) for picture in used], np.int64)
    missing = [label for place, label in enumerate(GESTURES) if place not in targets]
    if missing:
        raise DatasetError(f'no picture of {missing!r} can be read: GestureNet has six labels')
    return CropSet(tuple(used), tuple(pixels), targets, tuple(unreadable))


def split_crops(targets: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices to learn from and indices held back: `share` of each label, at least one.

    Raises
    ------
    DatasetError
        If a label has only one crop.
    """
    random = np.random.default_rng(seed)
    held: list[int] = []
    for target in np.unique(targets):
        index = random.permutation(np.nonzero(targets == target)[0])
        if len(index) < 2:
            raise DatasetError(f'{GESTURES[target]!r} has one picture: give two or more')
        held += index[:max(1, round(share * len(index)))].tolist()
    mask = np.zeros(len(targets), bool)
    mask[held] = True
    return np.nonzero(~mask)[0], np.nonzero(mask)[0]


def vary_crop(
    pixels: np.ndarray, background: np.ndarray, side: int, random: np.random.Generator,
    options: CropOptions,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a crop as another camera, person and detector might have given it.

    Parameters
    ----------
    pixels, background : np.ndarray
        uint8 (height, width, 3) RGB: the crop, and another one that may be seen around it.
    side : int

    Returns
    -------
    varied, turn : np.ndarray
        uint8 (side, side, 3), and (2, 2): what directions of the crop, as columns, became.
    """
    matrix = _draw_matrix(pixels.shape, side, random, options)
    varied = _surround(pixels, background, matrix, side, random)
    if random.random() < 0.25:
        _cover(varied, random)
    varied = _recolour(varied, random)
    return _degrade(varied, random), matrix[:, :2]


def _shrink(pixels: np.ndarray) -> np.ndarray:
    is_small = max(pixels.shape) <= _KEPT_SIDE_PX
    return pixels if is_small else fit_square(pixels, _KEPT_SIDE_PX)


def _draw_matrix(
    shape: Sequence[int], side: int, random: np.random.Generator, options: CropOptions
) -> np.ndarray:
    """Return the affine matrix (2, 3) from the crop's pixels to those of the result."""
    height, width = shape[:2]
    longer = max(height, width)
    scale = side / (longer * random.uniform(*options.scales))
    stretch = np.exp(random.uniform(-options.stretch, options.stretch) / 2)
    turn = options.turn_rad * random.uniform(-1, 1)
    flip = random.choice((-1.0, 1.0))  # the other hand shows the same
    cos, sin = np.cos(turn), np.sin(turn)
    linear = scale * np.array([[cos, -sin], [sin, cos]]) @ np.diag([flip * stretch, 1 / stretch])
    center = np.array([width / 2, height / 2]) + random.uniform(-1, 1, 2) * options.shift * longer
    return np.column_stack([linear, side / 2 - linear @ center])


def _surround(
    pixels: np.ndarray, background: np.ndarray, matrix: np.ndarray, side: int,
    random: np.random.Generator,
) -> np.ndarray:
    """Return the crop in a square: before black, one colour, its own edges or another picture."""
    kind = random.choice(5, p=(0.2, 0.1, 0.2, 0.15, 0.35))
    border = cv2.BORDER_CONSTANT
    canvas = np.zeros((side, side, 3), np.uint8)
    if kind == 1:
        canvas[:] = random.integers(0, 256, 3)
    elif kind in (2, 3):
        border = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101)[kind - 2]
    elif kind == 4:
        canvas = _make_background(background, side, random)
    if kind in (0, 1, 4):
        border = cv2.BORDER_TRANSPARENT
    return cv2.warpAffine(
        pixels, matrix, (side, side), dst=canvas, flags=cv2.INTER_LINEAR, borderMode=border
    )


def _make_background(
    pixels: np.ndarray, side: int, random: np.random.Generator
) -> np.ndarray:
    """Return a square of another picture, upside down so that no gesture is seen, or blurred."""
    upturned = np.ascontiguousarray(pixels[::-1])
    canvas = cv2.resize(upturned, (side, side), interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.7:
        canvas = cv2.blur(canvas, (side // 4, side // 4))
    return canvas


def _cover(pixels: np.ndarray, random: np.random.Generator) -> None:
    """Cover a small part, as a sleeve or another person might."""
    side = len(pixels)
    height, width = random.integers(side // 12, side // 4, 2)
    top, left = random.integers(0, side - height), random.integers(0, side - width)
    pixels[top:top + height, left:left + width] = random.integers(0, 256, 3)


def _recolour(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels in other light: gain of each colour, contrast, gamma, sometimes grey."""
    levels = np.linspace(0, 1, 256)[:, None] ** np.exp(random.uniform(-0.5, 0.5))
    gains = np.exp(random.uniform(-0.25, 0.2) + random.uniform(-0.15, 0.15, 3))
    contrast = np.exp(random.uniform(-0.4, 0.2))
    shifted = (levels * gains - 0.5) * contrast + 0.5 + random.uniform(-0.1, 0.1)
    table = (np.clip(shifted, 0, 1) * 255).astype(np.uint8)[None]
    if random.random() < 0.15:
        pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.LUT(pixels, table)


def _degrade(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels as of a hand far away, in motion, or compressed; often as they are."""
    side = len(pixels)
    kind = random.choice(5, p=(0.3, 0.15, 0.2, 0.15, 0.2))
    if kind == 1:
        return cv2.GaussianBlur(pixels, (0, 0), side / 160 * random.uniform(0.5, 2.5))
    if kind == 2:
        small = int(random.integers(side // 5, side))
        shrunk = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
        return cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR)
    if kind == 3:
        noise = random.normal(0, random.uniform(2, 14), pixels.shape).astype(np.int16)
        return np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if kind == 4:
        quality = int(random.integers(20, 90))
        _, jpeg = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded: np.ndarray = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)  # type: ignore[assignment]
        return decoded
    return pixels

"""Clips of sequences as cameras all around would have seen them, to learn from and to judge."""

from dataclasses import dataclass, replace

import numpy as np

from ros2_hand_action.perception.action_features import (
    DENSE_SAMPLES,
    DENSE_STEP_NS,
    SAMPLES,
    STEP_NS,
    measure_height,
    mirror_clips,
    smooth_in_time,
)
from ros2_hand_action.perception.labels import FALL, OTHER
from ros2_hand_action.training.action_sequences import PoseSequence

CLIP_S = (SAMPLES - 1) * STEP_NS / 1e9
_ENOUGH = {'push': 0.45, 'walk': 0.2}
_ENOUGH_OTHERWISE, _FEW = 0.3, 0.1
"""Share of a clip that shows the action so that the clip has its label, or OTHER."""
_FALLEN_S = 0.25
"""A clip is one of a fall once its last so many seconds show it."""
_SHORTEST_S = 0.25
"""A clip shows an action that is too short for that share, if it holds all of it and so much."""


@dataclass(frozen=True)
class View:
    """How a sequence is looked at; the default changes nothing.

    Attributes
    ----------
    azimuth, pitch, roll : float
        Where the camera stands around the person, how far it looks down, how far it is tilted;
        radians. Of a sequence in 2D only `roll` counts.
    distance : float
        From the person, in heights.
    stretch : float
        Of x against y, in 2D.
    mirror : bool
    is_placed : bool
        Whether positions in metres are known besides those in the image.
    rate_hz : float
        Images a second; more than the source has make no difference.
    dropped : float
        Share of the images that is missing.
    pace : float
        How much faster than recorded.
    noise : float
        Standard deviation of joints in each image, in heights.
    hidden : tuple of int
        Joints that are not seen.
    """

    azimuth: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    distance: float = 4.0
    stretch: float = 1.0
    mirror: bool = False
    is_placed: bool = True
    rate_hz: float = 60.0
    dropped: float = 0.0
    pace: float = 1.0
    noise: float = 0.0
    hidden: tuple[int, ...] = ()


_HIDDEN = (
    (11, 12), (9, 10, 11, 12), (0,), (5,), (6,), (3, 5), (4, 6), (11,), (12,), (0, 5, 6),
)


def draw_view(random: np.random.Generator) -> View:
    """Return a view to learn from."""
    hidden: tuple[int, ...] = ()
    if random.random() < 0.25:
        hidden = _HIDDEN[random.integers(len(_HIDDEN))]
    return View(
        azimuth=random.uniform(-np.pi, np.pi), pitch=random.normal(0.05, 0.12),
        roll=random.normal(0, 0.05), distance=random.uniform(2, 6),
        stretch=random.uniform(0.88, 1.12), mirror=bool(random.random() < 0.5),
        is_placed=bool(random.random() < 0.5), rate_hz=random.choice([10, 15, 30, 60]),
        dropped=random.choice([0, 0, 0.2, 0.5]), pace=random.uniform(0.85, 1.15),
        noise=random.choice([0.0045, 0.012, 0.0225]), hidden=hidden,
    )


def label_clip(sequence: PoseSequence, end_s: float, pace: float = 1.0) -> str | None:
    """Return the label of the clip that ends at a time, None where it is neither."""
    inside = (sequence.stamps_s <= end_s) & (sequence.stamps_s > end_s - CLIP_S * pace)
    if not inside.any():
        return None
    if sequence.label == FALL:
        late = inside & (sequence.stamps_s > end_s - _FALLEN_S * pace)
        if sequence.active[late].size and sequence.active[late].all():
            return FALL
        return None if sequence.active[inside].any() else OTHER
    share = sequence.active[inside].mean()
    if share >= _ENOUGH.get(sequence.label, _ENOUGH_OTHERWISE):
        return sequence.label
    return OTHER if share <= _FEW else None


def shows_label(sequence: PoseSequence, end_s: float) -> bool:
    """Return whether the clip that ends at a time shows enough of a sequence's label, or all.

    What is short fills too little of a clip to learn from; it can be recognised all the same.
    """
    if label_clip(sequence, end_s) == sequence.label:
        return True
    inside = (sequence.stamps_s <= end_s) & (sequence.stamps_s > end_s - CLIP_S)
    shown_s = sequence.stamps_s[sequence.active & inside]
    is_whole = len(shown_s) > 1 and not sequence.active[~inside].any()
    return bool(is_whole and sequence.label != FALL and np.ptp(shown_s) >= _SHORTEST_S)


def look(
    sequence: PoseSequence, end_s: float, view: View, random: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return joints (SAMPLES, 13, 2) and world (SAMPLES, 3) of the clip that ends at a time.

    As `action_features.clip_features` takes them. `random` is needed for what a view leaves to
    chance: dropped images and noise.
    """
    joints = _sample(sequence, end_s, view, random)
    height = float(measure_height(joints[None])[0])
    if joints.shape[-1] == 2:
        image, world = _look_flat(joints, height, view)
    else:
        image, world = _look_around(joints / height, view)
    if not view.is_placed:
        world = np.full_like(world, np.nan)
    image[:, list(view.hidden)] = np.nan
    if view.mirror:
        mirrored = mirror_clips(image[None], world[None])
        image, world = mirrored[0][0], mirrored[1][0]
    return image, world


def show(sequence: PoseSequence, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return all of a sequence as a camera sees it, with nothing left to chance.

    Returns
    -------
    tuple of np.ndarray
        Joints in the image (t, 13, 2), in any unit, and in metres (t, 13, 3), the latter NaN
        where the view or the sequence has none.
    """
    joints = sequence.joints
    placed: np.ndarray = np.full((*joints.shape[:2], 3), np.nan)
    if joints.shape[-1] == 2:
        return _tilt(joints, view), placed
    height = float(measure_height(joints[None])[0])
    turned = _turn(joints / height, view)
    return _project(turned), turned * height if view.is_placed else placed


def _sample(
    sequence: PoseSequence, end_s: float, view: View, random: np.random.Generator | None
) -> np.ndarray:
    """Return joints (SAMPLES, 13, d) from the images that the view's rate leaves."""
    stamps_s = sequence.stamps_s
    wanted = np.arange(end_s, stamps_s[0] - 1e-9, -view.pace / view.rate_hz)[::-1]
    kept = np.unique(np.clip(np.searchsorted(stamps_s, wanted - 1e-6), 0, len(stamps_s) - 1))
    if random is not None and view.dropped and len(kept) > 4:
        stay = random.random(len(kept)) >= view.dropped
        stay[-1] = True
        kept = kept[stay]
    times_s = end_s - view.pace * DENSE_STEP_NS / 1e9 * np.arange(DENSE_SAMPLES - 1, -1, -1)
    kept = kept[max(0, int(np.searchsorted(stamps_s[kept], times_s[0])) - 1):]
    seen = sequence.joints[kept]
    if random is not None and view.noise:
        # Before anything is repeated or interpolated: what was not seen has no noise of its own.
        height = float(measure_height(sequence.joints[None])[0])
        seen = seen + random.normal(0, view.noise * height, seen.shape)
    flat = seen.reshape(len(kept), -1)
    after = np.clip(np.searchsorted(stamps_s[kept], times_s), 0, len(kept) - 1)
    before = np.maximum(after - 1, 0)
    span = np.maximum(stamps_s[kept][after] - stamps_s[kept][before], 1e-9)
    weight = np.clip((times_s - stamps_s[kept][before]) / span, 0, 1)[:, None]
    mixed = (1 - weight) * flat[before] + weight * flat[after]
    return smooth_in_time(mixed.reshape(1, DENSE_SAMPLES, *sequence.joints.shape[1:]))[0]


def _look_flat(
    joints: np.ndarray, height: float, view: View
) -> tuple[np.ndarray, np.ndarray]:
    """Tilt and stretch what one camera saw; the visible size tells the distance."""
    image = _tilt(joints, view)
    sizes = _smooth(measure_height(image[:, None]) / height)
    distance = view.distance / np.clip(sizes, 0.3, None)
    pelvis = image[:, 7:9].mean(axis=1) / height
    pelvis = pelvis - pelvis.mean(axis=0)
    scale = (distance / view.distance)[:, None]
    return image, np.concatenate([pelvis * scale, distance[:, None]], axis=1)


def _tilt(joints: np.ndarray, view: View) -> np.ndarray:
    cos, sin = np.cos(view.roll), np.sin(view.roll)
    tilted: np.ndarray = (joints * (view.stretch, 1)) @ np.array([[cos, sin], [-sin, cos]])
    return tilted


def _smooth(values: np.ndarray, reach: int = 3) -> np.ndarray:
    padded = np.pad(values, reach, mode='edge')
    return np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode='valid')


def _look_around(joints: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Project a body in 3D, in heights, through a camera that stands around it."""
    turned = _turn(joints, view)
    return _project(turned), turned[:, 7:9].mean(axis=1)


def _project(turned: np.ndarray) -> np.ndarray:
    image: np.ndarray = turned[..., :2] / np.maximum(turned[..., 2:], 0.3)
    return image


def _turn(joints: np.ndarray, view: View) -> np.ndarray:
    """Return a body in 3D, in heights, as seen from a camera that stands around it."""
    centre = joints.reshape(-1, 3).mean(axis=0)
    cos, sin = np.cos(view.azimuth), np.sin(view.azimuth)
    turned = (joints - centre) @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    cos, sin = np.cos(view.pitch), np.sin(view.pitch)
    turned = turned @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    cos, sin = np.cos(view.roll), np.sin(view.roll)
    turned = turned @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    turned[..., 2] += view.distance
    return turned


def move_along(sequence: PoseSequence, label: str, speed_m: float, angle: float) -> PoseSequence:
    """Return somebody in 3D who moves in place as if going ahead at `speed_m` metres a second."""
    way_m = (sequence.stamps_s * speed_m)[:, None]
    direction = np.array([np.sin(angle), 0, -np.cos(angle)])
    return replace(
        sequence, name=f'{sequence.name} moved', label=label, action=label,
        joints=sequence.joints + (way_m * direction)[:, None],
    )

"""What a recogniser of actions knows of a clip of poses, whoever shows them and wherever.

A clip is the way of 13 joints, as the camera sees them, and that of the pelvis in the world.
Lengths are in heights of the person, so that pixels, metres, distance and size drop out. The
view stays: the classifier is trained on views from all around.
"""

from collections.abc import Sequence

import numpy as np

from ros2_hand_action.perception.skeleton import INDEX

JOINTS = (
    'nose', 'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow', 'left_wrist',
    'right_wrist', 'left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_ankle',
    'right_ankle',
)
"""The joints that all our sources of poses have in common; for some `nose` is mid-head."""

SAMPLES, STEP_NS = 20, 66_666_667
"""Moments of a clip: 1.27 s at 15 Hz. Steps of running come at 3 Hz."""

DENSE_SAMPLES, DENSE_STEP_NS = 2 * SAMPLES - 1, STEP_NS // 2
"""Moments at which poses are taken, of which `smooth_in_time` makes those of the clip."""

POSE_CLIP = 'pose_clip_2'
"""Name of the features: a network asks for them by this name, so that no other version fits."""

_PLACES = [INDEX[name] for name in JOINTS]
_NOSE, _SHOULDERS, _WRISTS, _HIPS, _KNEES, _ANKLES = (
    0, [1, 2], [5, 6], [7, 8], [9, 10], [11, 12]
)
_MIRROR = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11])
_LIMBS = np.array([(7, 9), (8, 10), (9, 11), (10, 12), (1, 3), (2, 4), (3, 5), (4, 6)])
_LIMB_HEIGHTS = np.array([0.245, 0.246, 0.186, 0.146])
"""Length of thighs, shins, upper arms, forearms over the body's height (Drillis and Contini
1966), as all below."""
_TORSO_HEIGHTS, _SHOULDER_HEIGHTS = 0.288, 0.259
_ANGLES = np.array([
    (7, 9, 11), (8, 10, 12), (1, 7, 9), (2, 8, 10), (1, 3, 5), (2, 4, 6), (7, 1, 3), (8, 2, 4)
])
"""Corners of knees, hips, elbows and shoulders."""
_REST = np.array([
    (0, -0.40), (0.08, -0.29), (-0.08, -0.29), (0.08, -0.10), (-0.08, -0.10), (0.08, 0.05),
    (-0.08, 0.05), (0.05, 0), (-0.05, 0), (0.05, 0.24), (-0.05, 0.24), (0.05, 0.49),
    (-0.05, 0.49),
])
"""Joints of somebody who stands, from the pelvis: stands in for what is never seen."""
_CHANGE_PER_DISTANCE = 3.0
"""Distance, in heights, that turns a change of the visible size into a speed where there is no
position in metres: people are mostly two to four heights away."""
_LONGEST = 0.75
"""Quantile over time of a limb's length that counts as its true one: it looks shorter when it
points at the camera."""
_RATE_HZ = 1e9 / STEP_NS
_WAVES = 6
_SWINGING = [*_ANKLES, *_KNEES, *_WRISTS]
_STILL = 1e-5
"""Not all joints of somebody who is seen are as slow as this, in heights a second."""
_FOOT_RESTS = 0.5
"""Heights a second, against the pelvis: below it the slower foot hardly swings."""
_TIME_S = (np.arange(SAMPLES) - (SAMPLES - 1) / 2) * STEP_NS / 1e9


def take_joints(keypoints: np.ndarray) -> np.ndarray:
    """Return the joints (..., 13, d) of a body's keypoints (..., 34, d)."""
    taken: np.ndarray = keypoints[..., _PLACES, :]
    return taken


def smooth_in_time(values: np.ndarray) -> np.ndarray:
    """Return means by 1:2:1 around every second of (n, DENSE_SAMPLES, ...): (n, SAMPLES, ...).

    So a single wrong pose counts little, and no image rate is favoured.
    """
    padded = np.concatenate([values[:, :1], values, values[:, -1:]], axis=1)
    centre = values[:, ::2]
    smooth = (padded[:, :-2:2] + 2 * centre + padded[:, 2::2]) / 4
    return np.where(np.isnan(smooth), centre, smooth)


def measure_height(joints: np.ndarray) -> np.ndarray:
    """Return the body heights (n,) of clips (n, t, 13, d), in their unit; NaN = unknown.

    Thighs, shins, upper arms, forearms, torso and shoulders speak for one each, of which most
    are too short as they point at the camera: the second largest counts, as one may be wrong.
    """
    ends = joints[:, :, _LIMBS]
    limbs = _length(ends[..., 0, :] - ends[..., 1, :])
    limbs = np.fmax(limbs[..., ::2], limbs[..., 1::2]) / _LIMB_HEIGHTS
    torso = _length(_middle(joints, _SHOULDERS) - find_pelvis(joints)) / _TORSO_HEIGHTS
    left, right = _SHOULDERS
    shoulders = _length(joints[:, :, left] - joints[:, :, right]) / _SHOULDER_HEIGHTS
    lengths = np.concatenate([limbs, torso[..., None], shoulders[..., None]], axis=-1)
    lengths = np.sort(np.where(np.isfinite(lengths), lengths, 0), axis=1)
    longest = np.sort(lengths[:, round(_LONGEST * (lengths.shape[1] - 1))], axis=-1)
    heights = np.where(longest[:, -2] > 0, longest[:, -2], longest[:, -1])
    return np.where(heights > 0, heights, np.nan)


def find_pelvis(joints: np.ndarray) -> np.ndarray:
    """Return the middles of the hips (n, t, d) of clips (n, t, 13, d)."""
    return _middle(joints, _HIPS)


def find_known(joints: np.ndarray, heights: np.ndarray | None = None) -> np.ndarray:
    """Return which clips (n,) show enough: a size, and shoulders and hips in half of the time.

    `heights`: those of `measure_height`, where they are known already.
    """
    heights = measure_height(joints) if heights is None else heights
    seen = np.isfinite(joints[:, :, _SHOULDERS + _HIPS]).all(axis=(2, 3))
    known: np.ndarray = (seen.mean(axis=1) >= 0.5) & np.isfinite(heights)
    return known


def mirror_clips(joints: np.ndarray, world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return clips as in a mirror: left and right of image, of world and of body swapped."""
    return (
        joints[:, :, _MIRROR] * np.array([-1, 1], joints.dtype),
        world * np.array([-1, 1, 1], world.dtype),
    )


def clip_features(
    joints: np.ndarray, world: np.ndarray, heights: np.ndarray | None = None
) -> np.ndarray:
    """Return the features of clips of poses.

    Parameters
    ----------
    joints : np.ndarray
        (n, SAMPLES, 13, 2): x right, y down, in any unit; NaN = unknown. `find_known` must
        hold for each.
    world : np.ndarray
        (n, SAMPLES, 3): way of the pelvis, x right, y down, z forward of the camera, in heights
        of the person; NaN = unknown. Where all of it is, the way in the image stands in, and
        the visible size for the distance.
    heights : np.ndarray, optional
        (n,): those of `measure_height`, where they are known already.

    Returns
    -------
    np.ndarray
        float32 (n, FEATURE_COUNT), finite.
    """
    heights = measure_height(joints) if heights is None else heights
    scaled = _fill_in_time(joints / heights[:, None, None, None])
    pelvis = find_pelvis(scaled)
    body = scaled - pelvis[:, :, None]
    unseen = np.isnan(body)
    body = np.where(unseen, np.broadcast_to(_REST, body.shape), body)
    speed = _length(np.diff(body, axis=1)) * _RATE_HZ
    parts = [
        _describe_shape(body, speed),
        _describe_angles(body),
        _describe_posture(body),
        _describe_way(body, pelvis, world),
        _describe_waves(body, pelvis),
        _describe_steps(body, pelvis, speed),
        1.0 - unseen[:, 0, :, 0][:, [_NOSE, *_WRISTS, *_KNEES, *_ANKLES]],
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _middle(joints: np.ndarray, pair: Sequence[int]) -> np.ndarray:
    """Return the middles (n, t, d) between two of the joints (n, t, 13, d)."""
    one, other = pair
    middles: np.ndarray = (joints[:, :, one] + joints[:, :, other]) / 2
    return middles


def _mean(values: np.ndarray) -> np.ndarray:
    """Return means along axis 1: what ndarray.mean gives, in a third of its time."""
    means: np.ndarray = np.add.reduce(values, 1) / values.shape[1]
    return means


def _std(values: np.ndarray) -> np.ndarray:
    """Return standard deviations along axis 1, as ndarray.std gives them."""
    apart = values - _mean(values)[:, None]
    return np.sqrt(_mean(apart * apart))


def _length(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths along the last axis, faster than np.linalg.norm on small arrays."""
    lengths: np.ndarray = np.sqrt(np.einsum('...i,...i->...', vectors, vectors))
    return lengths


def _fill_in_time(values: np.ndarray) -> np.ndarray:
    """Return values with NaN filled along axis 1, from before and after; all NaN stays so."""
    missing = np.isnan(values).any(axis=-1)
    if not missing.any():
        return values
    filled, time = values.copy(), np.arange(values.shape[1])
    partly = missing.any(axis=1) & ~missing.all(axis=1)
    for place in zip(*np.nonzero(partly)):
        row = (place[0], slice(None), *place[1:])
        gone = missing[row]
        for axis in range(values.shape[-1]):
            track = filled[row][:, axis]
            track[gone] = np.interp(time[gone], time[~gone], track[~gone])
    return filled


def _thirds(series: np.ndarray) -> list[np.ndarray]:
    """Return the means over the first, middle and last third of axis 1."""
    third = series.shape[1] // 3
    return [_mean(series[:, :third]), _mean(series[:, third:-third]), _mean(series[:, -third:])]


def _describe_shape(body: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Where each joint is and how it moves, seen from the pelvis."""
    flat = body.reshape(*body.shape[:2], -1)
    return np.concatenate(
        [*_thirds(flat), _std(flat), _mean(speed), speed.max(axis=1)], axis=1
    )


def _describe_angles(body: np.ndarray) -> np.ndarray:
    """How far elbows, shoulders, hips and knees are bent: cosines, and how they change."""
    corner = body[:, :, _ANGLES]
    one, two = corner[..., 0, :] - corner[..., 1, :], corner[..., 2, :] - corner[..., 1, :]
    lengths = _length(one) * _length(two)
    cosine = (one * two).sum(axis=-1) / (lengths + 1e-4)
    pairs = cosine.reshape(*cosine.shape[:2], -1, 2)
    return np.concatenate([
        _mean(cosine), _std(cosine), cosine.min(axis=1), cosine.max(axis=1),
        _std(pairs[..., 0] - pairs[..., 1]),
    ], axis=1)


def _describe_posture(body: np.ndarray) -> np.ndarray:
    """Upright or not: tilt of torso and legs, height of head and pelvis above the feet."""
    neck, ankles = _middle(body, _SHOULDERS), body[:, :, _ANKLES]
    upright = -neck[..., 1] / (_length(neck) + 1e-4)
    floor = ankles[..., 1].max(axis=2)
    low, high = body.min(axis=2), body.max(axis=2)
    series = np.stack([
        upright, -neck[..., 1], floor - body[:, :, _NOSE, 1], floor,
        high[..., 1] - low[..., 1], high[..., 0] - low[..., 0],
        np.abs(ankles[:, :, 0, 0] - ankles[:, :, 1, 0]),
        _length(body[:, :, _WRISTS[0]] - body[:, :, _WRISTS[1]]),
    ], axis=-1)
    return np.concatenate(
        [*_thirds(series), series.min(axis=1), series.max(axis=1), _std(series)], axis=1
    )


def _describe_way(body: np.ndarray, pelvis: np.ndarray, world: np.ndarray) -> np.ndarray:
    """How the person moves in the image and in the world, heights per second."""
    bones = body[:, :, _LIMBS[:4]]
    legs = _length(bones[..., 0, :] - bones[..., 1, :]).sum(axis=-1)
    torso = _length(_middle(body, _SHOULDERS))
    distance = -_CHANGE_PER_DISTANCE * np.log(torso + legs / 2 + 0.1)[..., None]
    unknown = np.isnan(world).any(axis=-1).all(axis=1)
    seen = _fill_in_time(world)
    way = np.where(
        unknown[:, None, None], np.concatenate([pelvis, distance], axis=-1), seen
    )
    slope, path = _fit_lines(way)
    # Three steps, 0.2 s: a fall is fast for longer than a wrongly seen joint is.
    down = (pelvis[:, 3:, 1] - pelvis[:, :-3, 1]) * _RATE_HZ / 3
    along = _length(way[:, 5:, ::2] - way[:, :-5, ::2]) * _RATE_HZ / 5
    change = _mean(pelvis[:, -3:]) - _mean(pelvis[:, :3])
    size = _fit_lines(distance)[0]
    return np.concatenate([
        slope, _length(slope[:, ::2])[:, None], np.abs(slope[:, :1]), path,
        _mean(along)[:, None], along.max(axis=1, keepdims=True),
        down.max(axis=1, keepdims=True), down.min(axis=1, keepdims=True),
        change, np.abs(change[:, :1]), size,
    ], axis=1)


def _fit_lines(way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return speeds (n, d) of straight ways through (n, t, d), and the rest around them."""
    centred = way - _mean(way)[:, None]
    slope = np.einsum('t,ntd->nd', _TIME_S, centred) / (_TIME_S ** 2).sum()
    rest = _std(centred - slope[:, None] * _TIME_S[:, None])
    return slope, rest


def _describe_waves(body: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
    """How much legs, arms and pelvis swing at 0.75, 1.5, ... Hz, one wave to a clip and more."""
    series = np.concatenate([
        body[:, :, first] - body[:, :, second] for first, second in (_KNEES, _ANKLES, _WRISTS)
    ] + [pelvis[..., 1:]], axis=-1)
    trend = np.einsum('t,ntd->nd', _RAMP, series) / _RAMP_POWER
    series = series - series.mean(axis=1, keepdims=True) - trend[:, None] * _RAMP[:, None]
    power = np.abs(np.einsum('kt,ntd->nkd', _WAVE_TABLE, series))
    return power.reshape(len(series), -1)


def _describe_steps(body: np.ndarray, pelvis: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """How the legs step, counted over the time in which the person was seen only.

    A clip that is not full begins with repetitions of its first pose, which make whoever runs
    look slow elsewhere.
    """
    seen = np.maximum.accumulate(speed.max(axis=2) > _STILL, axis=1).astype(float)
    count = np.maximum(seen.sum(axis=1), 1)[:, None]
    swing = speed[:, :, _SWINGING]
    mean = np.einsum('nt,ntd->nd', seen, swing) / count
    power = np.sqrt(np.einsum('nt,ntd->nd', seen, swing ** 2) / count)
    pairs = [each.reshape(len(body), 3, 2) for each in (mean, power)]
    slower = np.minimum(swing[:, :, 0], swing[:, :, 1])
    feet = body[:, :, _ANKLES]
    apart = feet[:, :, 0] - feet[:, :, 1]
    weights = np.concatenate([seen[:, :1], seen], axis=1) + 1e-6
    weights /= weights.sum(axis=1, keepdims=True)
    around = apart - np.einsum('nt,ntd->nd', weights, apart)[:, None]
    moves, sides = np.sign(apart[:, 1:] - apart[:, :-1]), np.sign(around)
    turns = moves[:, 1:] != moves[:, :-1]
    crossings = (sides[:, 1:] != sides[:, :-1]) * seen[..., None]
    height = feet[..., 1]
    lift = np.sort(height.max(axis=(1, 2))[:, None] - height.min(axis=1), axis=1)
    bob = _take_line_off(pelvis[..., 1], weights)
    rise = np.abs(bob[:, 1:] - bob[:, :-1]) * _RATE_HZ
    way = np.einsum('nt,ntd->nd', seen, pelvis[:, 1:] - pelvis[:, :-1]) * _RATE_HZ / count
    return np.concatenate([
        count / (SAMPLES - 1), pairs[0].mean(axis=2), pairs[0].max(axis=2),
        pairs[1].mean(axis=2), np.sqrt(np.einsum('nt,ntd->nd', weights, around ** 2)),
        turns.sum(axis=1) / count * _RATE_HZ, crossings.sum(axis=1) / count * _RATE_HZ, lift,
        np.sqrt((weights * bob ** 2).sum(axis=1, keepdims=True)),
        (rise * seen).sum(axis=1, keepdims=True) / count, np.abs(way),
        ((slower < _FOOT_RESTS) * seen).sum(axis=1, keepdims=True) / count,
        (slower * seen).sum(axis=1, keepdims=True) / count,
    ], axis=1)


def _take_line_off(series: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return series (n, t) without the straight line that fits them best by weights (n, t)."""
    time = _TIME_S - (weights * _TIME_S).sum(axis=1, keepdims=True)
    rest = series - (weights * series).sum(axis=1, keepdims=True)
    power = (weights * time ** 2).sum(axis=1, keepdims=True)
    slope = (weights * time * rest).sum(axis=1, keepdims=True) / (power + 1e-6)
    return rest - slope * time


def _make_wave_table(rates: Sequence[int]) -> np.ndarray:
    """Return (k, SAMPLES) the Fourier transform's rows under a Hann window."""
    time = np.arange(SAMPLES) / SAMPLES
    window = np.hanning(SAMPLES + 2)[1:-1] / SAMPLES
    return np.exp(-2j * np.pi * np.outer(rates, time)) * window


_RAMP = np.linspace(-1, 1, SAMPLES)
_RAMP_POWER = float((_RAMP ** 2).sum())
_WAVE_TABLE = _make_wave_table(range(1, _WAVES + 1))
FEATURE_COUNT = 303
"""How many features there are."""

"""Sequences of poses with the action that they show, read from published data sets.

A folder may hold any of

    jhmdb_split1_train.npz   JHMDB's joints in the image (Jhuang et al. 2013), 30 images a second
    utd_mhad.npz             UTD-MHAD's Kinect skeletons (Chen et al. 2015), metres, 30 a second
    kard.npz                 KARD's Kinect skeletons (Gaglio et al. 2014), millimetres, 30 a second
    upfall3d.npz             falls of UP-Fall (Martinez-Villasenor et al. 2019), see `action_falls`
    stills_cycling/          pictures of people on bicycles, see `action_synthesis`
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.labels import OTHER

KINECT_RATE_HZ = JHMDB_RATE_HZ = 30.0
_GROUPS = 5
"""JHMDB names no people: neighbours in its order come from the same film, so that each class is
cut into so many blocks of neighbours."""

_JHMDB_JOINTS = [2, 4, 3, 8, 7, 12, 11, 6, 5, 10, 9, 14, 13]
_UTD_JOINTS = [0, 4, 8, 5, 9, 6, 10, 12, 16, 13, 17, 14, 18]
_KARD_JOINTS = [0, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]
"""Places of `action_features.JOINTS` in each; wrists of KARD are its hands."""

_JHMDB_LABELS = {'walk': 'walk', 'run': 'run', 'push': 'push'}
_UTD_PUSH, _UTD_JOG, _UTD_WALK = 18, 22, 23
_UTD_NAMES = {_UTD_JOG: 'jog in place', _UTD_WALK: 'walk in place', 18: 'two-hand push'}
_KARD_WALK = 14


@dataclass(frozen=True)
class PoseSequence:
    """One person's poses over time.

    Attributes
    ----------
    name : str
        Source, class and number, for reports.
    source : str
    group : str
        Who it is: sequences of one group must not be both learnt from and judged.
    label : str
        One of `labels.ACTIONS`, or '' where each moment has its own in `active`.
    action : str
        What the source calls it.
    stamps_s : np.ndarray
        float64 (t,): when, ascending.
    joints : np.ndarray
        float64 (t, 13, 2 or 3): `action_features.JOINTS`, x right, y down (and z forward); in
        the image in any unit, in 3D in metres. NaN = unknown.
    active : np.ndarray
        bool (t,): moments that show `label`; a clip with few of them shows OTHER or is left out.
    before : PoseSequence, optional
        What the source shows of the same person before a gap that is in the source only.
    trial : str
        The recording that this is a part of, where the source has gaps; '' = all of one.
    """

    name: str
    source: str
    group: str
    label: str
    action: str
    stamps_s: np.ndarray
    joints: np.ndarray
    active: np.ndarray
    before: 'PoseSequence | None' = None
    trial: str = ''


def read_jhmdb(path: Path) -> list[PoseSequence]:
    """Return JHMDB's clips: walk, run, push, and eleven other actions."""
    content = _load(path)
    names = [str(name) for name in content['labels']]
    counts = {name: names.count(name) for name in names}
    seen: dict[str, int] = {}
    sequences = []
    for number, name in enumerate(names):
        place = seen[name] = seen.get(name, -1) + 1
        joints = content[f'pose_{number:04d}'][:, _JHMDB_JOINTS].astype(np.float64)
        block = place * _GROUPS // counts[name]
        sequences.append(_make(
            f'jhmdb {name} {number}', 'jhmdb', f'jhmdb{block}',
            _JHMDB_LABELS.get(name, OTHER), name, joints,
        ))
    return sequences


def read_utd(path: Path) -> list[PoseSequence]:
    """Return UTD-MHAD's sequences: a push with two hands, and 26 other actions.

    Walking and jogging in place are OTHER: their bodies go nowhere.
    """
    sequences = []
    for key, skeletons in _items(path):
        action, subject = (int(part[1:]) for part in key.split('_')[:2])
        joints = skeletons[:, _UTD_JOINTS].astype(np.float64) * (1, -1, 1)
        is_push = action == _UTD_PUSH
        sequences.append(_make(
            f'utd {key}', 'utd', f'utd{subject}', 'push' if is_push else OTHER,
            _UTD_NAMES.get(action, f'a{action}'), joints,
            _find_reach(joints) if is_push else None,
        ))
    return sequences


def read_kard(path: Path) -> list[PoseSequence]:
    """Return KARD's sequences: walking to and fro, and 17 other actions."""
    sequences = []
    for key, skeletons in _items(path):
        action, subject = (int(part[1:]) for part in key.split('_')[:2])
        joints = skeletons[:, _KARD_JOINTS].astype(np.float64) / 1000 * (1, -1, 1)
        is_walk = action == _KARD_WALK
        sequences.append(_make(
            f'kard {key}', 'kard', f'kard{subject}', 'walk' if is_walk else OTHER,
            'walk' if is_walk else f'a{action}', joints, _find_moving(joints) if is_walk else None,
        ))
    return sequences


def _find_moving(joints: np.ndarray) -> np.ndarray:
    """Return when (t,) the pelvis goes faster than 0.35 m/s: the person turns and stands, too."""
    pelvis = joints[:, 7:9].mean(axis=1)[:, ::2]
    reach = 8
    padded = np.pad(pelvis, ((reach, reach), (0, 0)), mode='edge')
    way_m = np.linalg.norm(padded[2 * reach:] - padded[:-2 * reach], axis=1)
    moving: np.ndarray = way_m * KINECT_RATE_HZ / (2 * reach) > 0.35
    return moving


def _find_reach(joints: np.ndarray) -> np.ndarray:
    """Return when (t,) both hands are more than half as far from the chest as they ever are."""
    reach = np.linalg.norm(joints[:, 5:7] - joints[:, 1:3], axis=2)
    ahead = (joints[:, 1:3, 2] - joints[:, 5:7, 2]).min(axis=1)
    active: np.ndarray = ahead > 0.5 * ahead.max()
    return active & np.isfinite(reach).all(axis=1)


def _make(
    name: str, source: str, group: str, label: str, action: str, joints: np.ndarray,
    active: np.ndarray | None = None,
) -> PoseSequence:
    if active is None:
        active = np.ones(len(joints), bool)
    stamps_s = np.arange(len(joints)) / KINECT_RATE_HZ
    return PoseSequence(name, source, group, label, action, stamps_s, joints, active)


def _items(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    content = _load(path)
    for key in sorted(content):
        yield key, content[key]


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as file:
            return dict(file)
    except (OSError, ValueError) as error:
        raise DatasetError(f'cannot read the poses in {str(path)!r}: {error}') from error

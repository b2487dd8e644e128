"""How often the posture of people measured by a Kinect is the one that they were asked for.

    python benchmarks/posture_bench.py FOLDER

FOLDER holds utd_mhad.npz and kard.npz (see ros2_hand_action/training/action_sequences.py).
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ros2_hand_action.perception.action_features import JOINTS
from ros2_hand_action.perception.body_posture import find_posture
from ros2_hand_action.perception.skeleton import INDEX
from ros2_hand_action.training.action_sequences import PoseSequence, read_kard, read_utd

_PLACES = [INDEX[joint] for joint in JOINTS]
_MIDPOINTS = {'pelvis': ('left_hip', 'right_hip'), 'neck': ('left_shoulder', 'right_shoulder')}
_HIPS = [JOINTS.index(f'{side}_hip') for side in ('left', 'right')]


def _first(joints: np.ndarray) -> np.ndarray:
    return joints[:5]


def _last(joints: np.ndarray) -> np.ndarray:
    return joints[-5:]


def _lowest(joints: np.ndarray) -> np.ndarray:
    return joints[np.argsort(-joints[:, _HIPS, 1].mean(axis=1))[:5]]


def _some(joints: np.ndarray) -> np.ndarray:
    return joints[::5]


def _as_keypoints(joints: np.ndarray) -> np.ndarray:
    points = np.full((len(INDEX), 3), np.nan)
    points[_PLACES] = joints
    for name, parents in _MIDPOINTS.items():
        points[INDEX[name]] = points[[INDEX[parent] for parent in parents]].mean(axis=0)
    return points


def _report(
    title: str, sequences: list[PoseSequence], actions: list[str],
    choose: Callable[[np.ndarray], np.ndarray],
) -> None:
    poses = [p for s in sequences if s.action in actions for p in choose(s.joints)]
    found = Counter(find_posture(_as_keypoints(pose)) for pose in poses)
    shares = ', '.join(
        f'{posture.value if posture else "unknown"} {count / len(poses):.1%}'
        for posture, count in found.most_common()
    )
    print(f'{title} ({len(poses)} poses): {shares}')


def main() -> None:
    """Print the shares of postures."""
    folder = Path(sys.argv[1])
    utd, kard = read_utd(folder / 'utd_mhad.npz'), read_kard(folder / 'kard.npz')
    _report('UTD-MHAD, moves arms', utd, [f'a{n}' for n in range(1, 15)], _some)
    _report('UTD-MHAD, walks in place', utd, ['walk in place'], _some)
    _report('UTD-MHAD, before standing up', utd, ['a24'], _first)
    _report('UTD-MHAD, after sitting down', utd, ['a25'], _last)
    _report('UTD-MHAD, lowest of a squat', utd, ['a27'], _lowest)
    _report('KARD, before standing up', kard, ['a18'], _first)
    _report('KARD, after sitting down', kard, ['a17'], _last)


if __name__ == '__main__':
    main()

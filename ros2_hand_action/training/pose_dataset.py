"""Ground truth of 3D poses: pictures with the joints of the people in them.

The format, a JSON object:

    joints     names of the joints, out of perception.skeleton.KEYPOINTS
    entries    a list, one object for each person in each picture:
      image      path of the picture, relative to the file
      joints_m   one [x, y, z] for each joint, metres in the camera's optical frame (x right,
                 y down, z forward), or null where it is unknown
      k          9 numbers, the camera matrix of the picture, row by row (optional)
      d          distortion coefficients (optional)
      distortion_model   as in CameraInfo (optional, plumb_bob)
      height_m   height of the person (optional)
      sequence   name of the stream that the picture belongs to (optional: a single picture)
      stamp_s    its time in that stream, in seconds
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.skeleton import INDEX

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class PoseEntry:
    """One person in one picture; joints as in `PoseDataset.joints`.

    Attributes
    ----------
    image : Path
    joints_m : np.ndarray
        (k, 3): metres in the camera's optical frame, NaN = unknown.
    k, d : tuple of float
        As `perception.camera.make_camera` takes them; all 0 = not calibrated.
    distortion_model : str
    height_m : float or None
    sequence : str
        '' = a single picture.
    stamp_ns : int
    """

    image: Path
    joints_m: np.ndarray
    k: tuple[float, ...]
    d: tuple[float, ...]
    distortion_model: str
    height_m: float | None
    sequence: str
    stamp_ns: int


@dataclass(frozen=True)
class PoseDataset:
    """Pictures with the joints of the people in them."""

    joints: tuple[str, ...]
    entries: tuple[PoseEntry, ...]


def read_pose_dataset(path: Path) -> PoseDataset:
    """Return the ground truth in a file.

    Raises
    ------
    DatasetError
        If it cannot be read or does not have the format of this module.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DatasetError(f'cannot read the poses in {str(path)!r}: {error}') from error
    if not isinstance(content, dict) or not content.get('entries'):
        raise DatasetError(f'{str(path)!r} has no entries: see docs/body_pose.md for the format')
    joints = tuple(content.get('joints', ()))
    unknown = [name for name in joints if name not in INDEX]
    if not joints or unknown:
        raise DatasetError(f'{str(path)!r} has the joints {unknown or joints!r}: take names of '
                           f'{sorted(INDEX)}')
    entries = tuple(
        _read_entry(path, place, entry, len(joints))
        for place, entry in enumerate(content['entries'])
    )
    return PoseDataset(joints, entries)


def _read_entry(path: Path, place: int, entry: Any, joints: int) -> PoseEntry:
    try:
        points = np.array([
            (np.nan,) * 3 if point is None else point for point in entry['joints_m']
        ], np.float64)
        if points.shape != (joints, 3):
            raise ValueError(f'joints_m has the shape {points.shape}, expected ({joints}, 3)')
        height = entry.get('height_m')
        return PoseEntry(
            image=path.parent / entry['image'],
            joints_m=points,
            k=_numbers(entry.get('k', (0.0,) * 9)),
            d=_numbers(entry.get('d', ())),
            distortion_model=str(entry.get('distortion_model', 'plumb_bob')),
            height_m=None if height is None else float(height),
            sequence=str(entry.get('sequence', '')),
            stamp_ns=round(float(entry.get('stamp_s', 0)) * _SECOND_NS),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f'entry {place} of {str(path)!r} cannot be used ({error!r}): '
            'see docs/body_pose.md for the format'
        ) from error


def _numbers(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)

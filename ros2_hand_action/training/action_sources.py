"""All pose sequences of a folder of published data sets; see `action_sequences`."""

import sys
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.inference.session import EXACT
from ros2_hand_action.perception.body_pose import create_body_pose_tracker
from ros2_hand_action.training.action_falls import read_falls
from ros2_hand_action.training.action_sequences import (
    PoseSequence,
    read_jhmdb,
    read_kard,
    read_utd,
)
from ros2_hand_action.training.action_stills import list_pictures, read_cyclists

_READERS: dict[str, Callable[[Path], list[PoseSequence]]] = {
    'jhmdb_split1_train.npz': read_jhmdb,
    'utd_mhad.npz': read_utd,
    'kard.npz': read_kard,
    'upfall3d.npz': read_falls,
}
_STILLS = 'stills_cycling'


def read_sequences(folder: Path, *, seed: int) -> list[PoseSequence]:
    """Return the sequences of all data sets that a folder holds.

    Raises
    ------
    DatasetError
        If it holds none, or one cannot be read.
    ModelError
        If it holds pictures and a network that finds bodies is missing.
    """
    sequences: list[PoseSequence] = []
    found = [name for name in _READERS if (folder / name).is_file()]
    for name in tqdm(found, desc='reading', unit='file', file=sys.stderr):
        sequences += _READERS[name](folder / name)
    pictures = list_pictures(folder / _STILLS)
    if pictures:
        bar = tqdm(pictures, desc='looking at cyclists', unit='picture', file=sys.stderr)
        with create_body_pose_tracker(None, EXACT) as tracker:
            sequences += read_cyclists(bar, tracker, seed=seed)
    if not sequences:
        raise DatasetError(
            f'no data set in {str(folder)!r}: it needs one of {[*_READERS, _STILLS]!r}'
        )
    return sequences

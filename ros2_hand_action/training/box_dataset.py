"""Pictures in a folder with hand boxes in a `boxes.csv`."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.training.dataset import PICTURE_SUFFIXES, Row, read_table

BOXES_FILE = 'boxes.csv'
_SIDES = ('xmin', 'ymin', 'xmax', 'ymax')


class BoxedPicture(NamedTuple):
    """A picture's path, not opened yet, and its hand boxes (n, 4) in pixels; n may be 0."""

    path: Path
    boxes_px: np.ndarray


def read_boxed_pictures(folder: Path) -> list[BoxedPicture]:
    """List the pictures of a folder with their boxes, in the order of their names.

    `boxes.csv` has the columns file,xmin,ymin,xmax,ymax and one line for each hand; other
    columns are ignored. A picture without a line shows no hand.

    Raises
    ------
    DatasetError
        If the folder is missing or holds no picture, if its `boxes.csv` is missing or unusable,
        or names a picture that is not there.
    """
    if not folder.is_dir():
        raise DatasetError(f'no folder {str(folder)!r}: give a folder of pictures and boxes.csv')
    names = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES]
    boxes: dict[Path, list[list[float]]] = {path: [] for path in sorted(names)}
    if not boxes:
        raise DatasetError(f'no picture in {str(folder)!r}: it needs {BOXES_FILE} and pictures')
    table = folder / BOXES_FILE
    for line, row in read_table(table, ('file', *_SIDES)):
        path, box = _parse_row(table, line, row)
        if path not in boxes:
            raise DatasetError(f'{BOXES_FILE} names {path.name!r}, not found in {str(folder)!r}')
        boxes[path].append(box)
    return [BoxedPicture(path, np.reshape(rows, (-1, 4))) for path, rows in boxes.items()]


def _parse_row(table: Path, line: int, row: Row) -> tuple[Path, list[float]]:
    """Return the picture and box of one line."""
    try:
        box = [float(row[side] or '') for side in _SIDES]
    except ValueError as error:
        raise DatasetError(f'line {line!r} of {str(table)!r} has no box: {row!r}') from error
    if not (np.all(np.isfinite(box)) and box[0] < box[2] and box[1] < box[3]):
        raise DatasetError(f'line {line!r} of {str(table)!r} has an empty box: {row!r}')
    return table.parent / (row['file'] or '').strip(), box

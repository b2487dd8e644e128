"""Pictures in a folder with hand boxes in a `boxes.csv`."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.training.dataset import PICTURE_SUFFIXES

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
    for path, box in _read_table(folder / BOXES_FILE):
        if path not in boxes:
            raise DatasetError(f'{BOXES_FILE} names {path.name!r}, not found in {str(folder)!r}')
        boxes[path].append(box)
    return [BoxedPicture(path, np.reshape(rows, (-1, 4))) for path, rows in boxes.items()]


def _read_table(table: Path) -> list[tuple[Path, list[float]]]:
    """Return the picture and box of each line."""
    try:
        with table.open(newline='', encoding='utf-8-sig') as stream:
            reader = csv.DictReader(stream)
            missing = {'file', *_SIDES} - set(reader.fieldnames or ())
            if missing:
                raise DatasetError(
                    f'{str(table)!r} has the columns {reader.fieldnames!r} but lacks '
                    f'{sorted(missing)!r}: its first line must be file,{",".join(_SIDES)}'
                )
            return [_parse_row(table, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f'cannot read {str(table)!r}: {error}') from error


def _parse_row(table: Path, line: int, row: dict[str, str | None]) -> tuple[Path, list[float]]:
    """Return the picture and box of one line."""
    try:
        box = [float(row[side] or '') for side in _SIDES]
    except ValueError as error:
        raise DatasetError(f'line {line!r} of {str(table)!r} has no box: {row!r}') from error
    if not (np.all(np.isfinite(box)) and box[0] < box[2] and box[1] < box[3]):
        raise DatasetError(f'line {line!r} of {str(table)!r} has an empty box: {row!r}')
    return table.parent / (row['file'] or '').strip(), box

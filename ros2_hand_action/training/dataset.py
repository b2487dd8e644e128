"""Labelled pictures in a folder: a `labels.csv`, or one folder per label."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ros2_hand_action.errors import DatasetError
from ros2_hand_action.perception.frame import Frame, PixelOrder

Row = dict[str, str | None]

LABELS_FILE = 'labels.csv'
PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.ppm', '.tif', '.tiff')


class LabelledPicture(NamedTuple):
    """A picture's path, not opened yet, and the label of what it shows."""

    path: Path
    label: str


def read_labelled_pictures(folder: Path) -> list[LabelledPicture]:
    """List the pictures of a folder, in a stable order.

    A `labels.csv` (columns file,label; other columns are ignored) decides where it exists;
    otherwise the name of each subfolder is the label of its pictures.

    Raises
    ------
    DatasetError
        If the folder is missing, holds no labelled picture, or its `labels.csv` is unusable.
    """
    if not folder.is_dir():
        raise DatasetError(f'no folder {str(folder)!r}: give a folder of labelled pictures')
    table = folder / LABELS_FILE
    if table.is_file():
        rows = read_table(table, ('file', 'label'))
        pictures = [_parse_row(table, line, row) for line, row in rows]
    else:
        pictures = _read_subfolders(folder)
    if not pictures:
        raise DatasetError(
            f'no labelled picture in {str(folder)!r}: it needs a {LABELS_FILE} with the columns '
            'file,label or one folder of pictures per label'
        )
    return pictures


def has_labels(folder: Path) -> bool:
    """Return whether a path is a folder of pictures with labels; they may be unusable."""
    if not folder.is_dir():
        return False
    return (folder / LABELS_FILE).is_file() or bool(_read_subfolders(folder))


def load_picture(path: Path) -> Frame | None:
    """Return a picture as a BGR frame, turned upright by its EXIF tag; None if unreadable."""
    try:
        data = np.fromfile(path, dtype=np.uint8)  # imread prints warnings of its own
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if pixels is None else Frame(pixels, PixelOrder.BGR)


def count_labels(labels: Iterable[str]) -> dict[str, int]:
    """Return how often each label occurs, in the order of first appearance."""
    counts: dict[str, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return counts


def read_table(table: Path, columns: Sequence[str]) -> list[tuple[int, Row]]:
    """Return the rows of a CSV file, each with the number of its line.

    Raises
    ------
    DatasetError
        If the file cannot be read or lacks one of `columns`.
    """
    try:
        with table.open(newline='', encoding='utf-8-sig') as stream:
            reader = csv.DictReader(stream)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise DatasetError(
                    f'{str(table)!r} has the columns {reader.fieldnames!r} but lacks '
                    f'{sorted(missing)!r}: its first line must be {",".join(columns)}'
                )
            return [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f'cannot read {str(table)!r}: {error}') from error


def _parse_row(table: Path, line: int, row: Row) -> LabelledPicture:
    name, label = (row['file'] or '').strip(), (row['label'] or '').strip()
    if not name or not label:
        raise DatasetError(f'line {line!r} of {str(table)!r} lacks a file or a label: {row!r}')
    return LabelledPicture(table.parent / name, label)


def _read_subfolders(folder: Path) -> list[LabelledPicture]:
    return [
        LabelledPicture(path, subfolder.name)
        for subfolder in sorted(folder.iterdir())
        if subfolder.is_dir() and not subfolder.name.startswith('.')
        for path in sorted(subfolder.rglob('*'))
        if path.suffix.lower() in PICTURE_SUFFIXES
    ]

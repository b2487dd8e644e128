"""Labelled videos in a folder: TAO's layout, or video files, one folder for each label.

    DIR/walk/VIDEO/rgb/0000.png ...     the images of a video, in the order of their numbers
    DIR/walk/VIDEO/u/0001.jpg, v/ ...   its optical flow as 8-bit images (optional)
    DIR/walk/VIDEO.mp4                  a video file
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ros2_hand_action.errors import ConfigError, DatasetError, MediaError
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.replay.sources import PICTURE_SUFFIXES, natural_key, open_source

VIDEO_SUFFIXES = ('.avi', '.mkv', '.mov', '.mp4', '.mpg', '.webm')
_RGB, _U, _V = 'rgb', 'u', 'v'


@dataclass(frozen=True)
class ActionVideo:
    """A video, not opened yet, and the label of what it shows.

    Attributes
    ----------
    path : Path
        A video file, or a folder that holds `rgb`, or `u` and `v`.
    label : str
    rate_hz : float
        Images per second of a folder, finite and above 0.

    Raises
    ------
    ConfigError
        If `rate_hz` is none.
    """

    path: Path
    label: str
    rate_hz: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.rate_hz < math.inf:
            raise ConfigError(
                f'the rate is {self.rate_hz!r}, give images per second: a finite number above 0'
            )

    @property
    def has_flow(self) -> bool:
        """Whether its optical flow lies beside it as images."""
        return all((self.path / name).is_dir() for name in (_U, _V))

    def frames(self) -> Iterator[Frame]:
        """Yield its images.

        Raises
        ------
        MediaError
            If it has none, or one cannot be read.
        """
        is_file = self.path.is_file()
        folder_or_file = self.path if is_file else self.path / _RGB
        with open_source(folder_or_file, rate_hz=0.0 if is_file else self.rate_hz) as source:
            yield from source

    def count_and_rate(self) -> tuple[int, float]:
        """Return the number of images that can be read, and how many there are per second."""
        if not self.path.is_file():
            return len(_list_pictures(self.path / _RGB)), self.rate_hz
        with open_source(self.path) as source:
            return sum(1 for _ in source), source.rate_hz

    def count_flow(self) -> int:
        """Return the number of its optical flow's images."""
        return len(_list_pictures(self.path / _U))

    def read_flow(self, places: Iterable[int]) -> dict[int, np.ndarray]:
        """Return images of its optical flow by place, uint8 (height, width, 2)."""
        pairs = [_list_pictures(self.path / name) for name in (_U, _V)]
        if len(pairs[0]) != len(pairs[1]):
            raise MediaError(
                f'{str(self.path)!r} holds {len(pairs[0])} images of u and {len(pairs[1])} of v'
            )
        return {
            place: np.stack([_read_grey(paths[place]) for paths in pairs], axis=-1)
            for place in set(places)
        }


def read_action_videos(folder: Path, *, rate_hz: float = 30.0) -> list[ActionVideo]:
    """List the videos of a folder, in a stable order.

    Raises
    ------
    DatasetError
        If the folder is missing or holds no labelled video.
    ConfigError
        If `rate_hz` is none.
    """
    if not folder.is_dir():
        raise DatasetError(f'no folder {str(folder)!r}: give one with a folder for each label')
    videos = [
        ActionVideo(path, label.name, rate_hz)
        for label in sorted(folder.iterdir())
        if label.is_dir() and not label.name.startswith('.')
        for path in sorted(label.iterdir(), key=natural_key)
        if _is_video(path)
    ]
    if not videos:
        raise DatasetError(
            f'no labelled video in {str(folder)!r}: it needs a folder for each label, and in it '
            f'videos ({", ".join(VIDEO_SUFFIXES)}) or folders with {_RGB}, or {_U} and {_V}'
        )
    return videos


def order_labels(found: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that occur: known ones in their order, then the others by name."""
    occurring = set(found)
    rest = sorted(occurring - set(known))
    return (*(label for label in known if label in occurring), *rest)


def _is_video(path: Path) -> bool:
    if path.is_dir():
        return (path / _RGB).is_dir() or ((path / _U).is_dir() and (path / _V).is_dir())
    return path.suffix.lower() in VIDEO_SUFFIXES


def _list_pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MediaError(f'no folder {str(folder)!r}: this network needs its images')
    paths = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES]
    if not paths:
        raise MediaError(f'folder {str(folder)!r} holds no picture')
    return sorted(paths, key=natural_key)


def _read_grey(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise MediaError(f'{str(path)!r} cannot be read as a picture')
    return pixels

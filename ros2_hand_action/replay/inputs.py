"""The images of a source, with the camera and depth that belong to each."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ros2_hand_action.errors import MediaError
from ros2_hand_action.perception.camera import CameraModel
from ros2_hand_action.perception.depth import DepthImage
from ros2_hand_action.perception.frame import Frame
from ros2_hand_action.replay.recording import Selection
from ros2_hand_action.replay.sources import PICTURE_SUFFIXES, holds_pictures, open_source

FIRST_STAMP_NS = 1_000_000_000
"""Stamp of the first image of a video or folder: 0 means none."""

VIDEO_FRAME_ID = 'camera'
"""As video_source's frame_id."""

_Input = TypeVar('_Input', bound='ReplayInput')


@dataclass(frozen=True)
class ReplayImage:
    """One image of a source.

    Attributes
    ----------
    index : int
        Its number in the source, from 0, with those that cannot be used or are not played.
    stamp_ns : int
    frame : Frame or None
        None where it cannot be used.
    camera : CameraModel or None
        None where the source tells none.
    depth : DepthImage or None
        The one nearest to the image's stamp.
    log_ns : int
        When it was recorded; its stamp where that is not known.
    frame_id : str
        The camera's optical frame.
    """

    index: int
    stamp_ns: int
    frame: Frame | None
    camera: CameraModel | None = None
    depth: DepthImage | None = None
    log_ns: int = 0
    frame_id: str = VIDEO_FRAME_ID


class Problems:
    """What could not be used, each said once with how often it happened."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {}

    def add(self, text: str, index: int | None = None) -> None:
        """Note a problem, of an image where its number is given."""
        self._found.setdefault(text, []).extend(() if index is None else (index,))

    def texts(self) -> tuple[str, ...]:
        """Return the problems in order of their first time."""
        return tuple(
            text + (f' ({len(indices)} images, the first is {indices[0]})' if indices else '')
            for text, indices in self._found.items()
        )


class ReplayInput(ABC):
    """A source; iterate over it once.

    Attributes
    ----------
    name : str
        The last part of its path, without the suffix.
    selection : Selection
        What is played, with the topics that were chosen.
    rate_hz : float
        Images per second, nominal.
    image_count : int
        How many there should be; 0 is unknown.
    wants_depth : bool
        Whether depth is of use; set it before the iteration.
    problems : Problems
        What could not be used, so far.
    """

    def __init__(self, path: Path, selection: Selection) -> None:
        self.name = path.stem if path.is_file() else path.resolve().name
        self.selection = selection
        self.rate_hz = 0.0
        self.image_count = 0
        self.wants_depth = True
        self.problems = Problems()

    @property
    @abstractmethod
    def damage(self) -> str:
        """Why it could not be read to its end; '' if it could, so far."""

    @abstractmethod
    def __iter__(self) -> Iterator[ReplayImage]:
        """Yield the images in the order of the source."""

    def close(self) -> None:  # noqa: B027  most have nothing to free
        """Free files; may be called again."""

    def __enter__(self: _Input) -> _Input:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_input(path: Path, selection: Selection | None = None) -> ReplayInput:
    """Open a bag, a video, a picture or a folder of pictures.

    Raises
    ------
    MediaError
        If there is no such source, or it holds no images; says what it holds.
    """
    from ros2_hand_action.replay.bag import METADATA, is_bag
    from ros2_hand_action.replay.bag_file import SUFFIXES
    from ros2_hand_action.replay.bag_input import BagInput

    if not path.exists():
        raise MediaError(f'no such bag, video, picture or folder: {str(path)!r}')
    selection = selection or Selection()
    if is_bag(path):
        return BagInput(path, selection)
    if path.is_dir() and not holds_pictures(path):
        raise MediaError(
            f'folder {str(path)!r} is no bag, as it holds neither {METADATA} nor a file '
            f'({", ".join(SUFFIXES)}), and holds no picture ({", ".join(PICTURE_SUFFIXES)})'
        )
    return VideoInput(path, selection)


class VideoInput(ReplayInput):
    """A video, a picture or a folder of pictures."""

    def __init__(self, path: Path, selection: Selection) -> None:
        super().__init__(path, selection)
        self._damage = ''
        self._source = open_source(path)
        self.rate_hz = self._source.rate_hz
        count, rate_hz = self._source.frame_count, self._source.rate_hz
        if count:
            left_s = max(count / rate_hz - selection.start_s, 0.0)
            self.image_count = round(min(left_s, selection.duration_s) * rate_hz)

    @property
    def damage(self) -> str:
        """Why the file could not be read to its end."""
        return self._damage

    def __iter__(self) -> Iterator[ReplayImage]:
        begin_ns = round(self.selection.start_s * 1e9)
        end_s = self.selection.start_s + self.selection.duration_s
        try:
            for index, frame in enumerate(self._source):
                if frame.stamp_ns / 1e9 >= end_s:
                    break
                if frame.stamp_ns >= begin_ns:
                    stamp_ns = FIRST_STAMP_NS + frame.stamp_ns
                    stamped = Frame(frame.pixels, frame.order, stamp_ns)
                    yield ReplayImage(index, stamp_ns, stamped, log_ns=stamp_ns)
        except MediaError as error:
            self._damage = str(error)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

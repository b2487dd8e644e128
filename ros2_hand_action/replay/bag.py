"""A recording of ROS 1 or 2, whole or damaged: its files one after the other."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from backports import zstd

from ros2_hand_action.errors import MediaError
from ros2_hand_action.replay.bag_file import (
    ROS1_SUFFIX,
    SUFFIXES,
    ZSTD_SUFFIX,
    BagDamageError,
    BagFile,
    BagMessage,
    BagTopic,
    open_bag_file,
)
from ros2_hand_action.replay.sources import natural_key

METADATA = 'metadata.yaml'


class Bag:
    """A bag; a context manager.

    Parameters
    ----------
    path : Path
        A rosbag2 folder, one of its files, or a ROS 1 bag.

    Attributes
    ----------
    is_ros1 : bool
    topics : tuple of BagTopic
        Those of all files.
    begin_ns, end_ns : int
        Recording times of the first and last message; 0 without any.
    damage : str
        What is wrong with the files that were opened; '' as long as nothing is known to be.

    Raises
    ------
    MediaError
        If it is no bag, or nothing of it can be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._damages: list[str] = []
        self._stack = ExitStack()
        files = self._list_files()
        self.is_ros1 = files[0].suffix == ROS1_SUFFIX
        self._files: list[BagFile] = []
        try:
            for file in files:
                self._open(file)
        except BaseException:
            self.close()
            raise
        if not self._files:
            raise MediaError(self.damage)
        self.topics = _merge_topics(self._files)
        times = [each.begin_ns for each in self._files if each.begin_ns is not None]
        self.begin_ns = min(times, default=0)
        self.end_ns = max((each.end_ns or 0 for each in self._files), default=0)

    @property
    def damage(self) -> str:
        """What is wrong with it, so far."""
        return '; '.join(dict.fromkeys(self._damages))

    def messages(
        self, topics: Collection[str], *, begin_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics as they were recorded; `damage` tells what is lost."""
        for file in self._files:
            try:
                yield from file.messages(topics, begin_ns, end_ns)
            except BagDamageError as error:
                self._damages = [each for each in self._damages if each != file.damage]
                self._damages.append(str(error))

    def close(self) -> None:
        """Close all files; may be called again."""
        self._stack.close()

    def __enter__(self) -> 'Bag':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _list_files(self) -> list[Path]:
        if self._path.is_file():
            return [self._path]
        listed = self._files_of_metadata()
        if listed is None:
            found = [path for path in self._path.iterdir() if is_storage(path)]
            listed = sorted(found, key=natural_key)
        if not listed:
            raise MediaError(f'{str(self._path)!r} holds no file of a bag')
        return listed

    def _files_of_metadata(self) -> list[Path] | None:
        """Return the files that metadata.yaml lists, None where that cannot be used."""
        path = self._path / METADATA
        try:
            content: Any = yaml.safe_load(path.read_text(encoding='utf-8'))
            names = content['rosbag2_bagfile_information']['relative_file_paths']
            return [self._path / PurePath(name).name for name in names]
        except FileNotFoundError:
            self._damages.append(
                f'{str(path)!r} is missing, as where the recorder was killed: '
                'took the files in the order of their names'
            )
        except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
            self._damages.append(
                f'{str(path)!r} cannot be read ({error!r}): '
                'took the files in the order of their names'
            )
        return None

    def _open(self, path: Path) -> None:
        if not path.is_file():
            self._damages.append(f'{str(path)!r} is missing')
            return
        try:
            opened = open_bag_file(self._decompress(path))
        except BagDamageError as error:
            self._damages.append(str(error))
            return
        self._stack.callback(opened.close)
        self._files.append(opened)
        if opened.damage:
            self._damages.append(opened.damage)

    def _decompress(self, path: Path) -> Path:
        """Return the path of a file without compression."""
        if path.suffix != ZSTD_SUFFIX:
            return path
        folder = self._stack.enter_context(TemporaryDirectory(prefix='hand_action_bag_'))
        plain = Path(folder) / path.stem
        try:
            with zstd.open(path, 'rb') as source, plain.open('wb') as target:
                while part := source.read(1 << 20):
                    target.write(part)
        except (EOFError, zstd.ZstdError) as error:
            self._damages.append(
                f'{str(path)!r} cannot be decompressed behind byte {plain.stat().st_size} '
                f'of its content: {error}'
            )
        return plain


def is_bag(path: Path) -> bool:
    """Return whether a path looks like a bag: its name, or what its folder holds."""
    if path.is_dir():
        return (path / METADATA).exists() or any(is_storage(each) for each in path.iterdir())
    return is_storage(path)


def is_storage(path: Path) -> bool:
    """Return whether a path has the name of a file of a bag."""
    name = path.stem if path.suffix == ZSTD_SUFFIX else path.name
    return name.endswith(SUFFIXES)


def _merge_topics(files: list[BagFile]) -> tuple[BagTopic, ...]:
    counts: dict[tuple[str, str], int] = {}
    for topic in (topic for file in files for topic in file.topics):
        key = (topic.name, topic.type)
        counts[key] = counts.get(key, 0) + (topic.count or 0)
    return tuple(BagTopic(*key, count) for key, count in sorted(counts.items()))

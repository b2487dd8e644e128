"""Replay tests with pytest: the fixture `replay`, and files of expectations as tests.

Switch it on with `-p ros2_hand_action.replay.pytest_plugin`, as in `addopts` of pytest.ini. It is
no entry point of pytest on purpose: in a workspace it would be loaded into the tests of every
other package, and builds by CMake register none. docs/replay_testing.md has examples.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ros2_hand_action.errors import HandActionError, ModelError

if TYPE_CHECKING:
    from ros2_hand_action.replay.judgement import Judgement
    from ros2_hand_action.replay.replay_cache import ReplayCache
    from ros2_hand_action.replay.replay_result import ReplayResult

_SAVE_OPTION = '--save-golden'
_WORKER_KEY = 'ros2_hand_action_replays'
_FOLDER = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what is seen now."""
    parser.getgroup('replay').addoption(
        _SAVE_OPTION, action='store_true',
        help='save the golden results of replay tests instead of comparing with them',
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make a folder for the session's replays; processes of pytest-xdist share one."""
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')  # the same sums as in `hand-action`
    shared = getattr(config, 'workerinput', {}).get(_WORKER_KEY)
    config.stash[_FOLDER] = Path(shared or tempfile.mkdtemp(prefix='hand_action_replays_'))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist the folder."""
    node.workerinput[_WORKER_KEY] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the replays."""
    if not hasattr(config, 'workerinput') and _FOLDER in config.stash:
        shutil.rmtree(config.stash[_FOLDER], ignore_errors=True)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> 'ReplayFile | None':
    """Take files of expectations for tests."""
    from ros2_hand_action.replay.expectation_file import SUFFIX

    if not file_path.name.endswith(SUFFIX):
        return None
    collected: ReplayFile = ReplayFile.from_parent(parent, path=file_path)
    return collected


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> 'Callable[..., ReplayResult]':
    """Return a function that replays a source and returns what was seen.

    `replay('wave.mcap', bodies=True, start_s=2)` takes a path relative to the test's file, or
    'demo:NAME', and the options of `Selection` and `PipelineOptions`. A source is replayed once
    in a session for the same options, also where pytest-xdist runs several processes.
    """
    from ros2_hand_action.replay.named_options import make_replay_options
    from ros2_hand_action.replay.replay_result import ReplayResult

    folder = request.path.parent

    def run(source: str | Path, **options: Any) -> ReplayResult:
        chosen = make_replay_options(options, origin='replay()', folder=folder)
        path = str(source) if str(source).startswith('demo:') else str(folder / source)
        with _skip_without_media(path):
            clip = _open_cache(request.config).replay(path, chosen)
        return ReplayResult(
            clip, folder, saves_golden=request.config.getoption(_SAVE_OPTION)
        )

    return run


class ReplayFile(pytest.File):
    """A file of expectations."""

    def collect(self) -> 'Iterator[ReplayItem]':
        """Yield its only test: one replay serves all its lines."""
        yield ReplayItem.from_parent(self, name='expectations')


class ReplayItem(pytest.Item):
    """All that one file expects of one replay."""

    def runtest(self) -> None:
        """Replay and judge."""
        from ros2_hand_action.replay.expectation_file import read_expectation_file
        from ros2_hand_action.replay.judging import judge_by_file
        from ros2_hand_action.replay.named_options import make_replay_options

        file = read_expectation_file(self.path)
        options = make_replay_options(
            file.replay, origin=str(self.path), folder=self.path.parent,
            places=file.replay_places,
        )
        source = file.find_source()
        with _skip_without_media(source):
            clip = _open_cache(self.config).replay(source, options)
        judgements = judge_by_file(
            clip, file, saves_golden=self.config.getoption(_SAVE_OPTION)
        )
        if not all(judgement.passed for judgement in judgements):
            raise _UnexpectedError(judgements)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Tell what came instead of a stack of calls."""
        if isinstance(excinfo.value, (HandActionError, _UnexpectedError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the test stands and its name."""
        return self.path, 0, self.path.name


class _UnexpectedError(Exception):
    """Not all is as expected."""

    def __init__(self, judgements: 'list[Judgement]') -> None:
        from ros2_hand_action.replay.judgement import format_judgement

        super().__init__('\n'.join(format_judgement(each) for each in judgements))


@contextmanager
def _skip_without_media(source: str) -> Iterator[None]:
    """Skip a test whose medium of the demo is not fetched: no media are part of a checkout."""
    try:
        yield
    except ModelError as error:
        if source.startswith('demo:') and str(error).startswith('media '):
            pytest.skip(str(error))
        raise


def _open_cache(config: pytest.Config) -> 'ReplayCache':
    from ros2_hand_action.replay.replay_cache import ReplayCache

    return ReplayCache(config.stash[_FOLDER])

"""Options of `hand-action replay` that judge what came, and what comes of them."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ros2_hand_action.errors import ConfigError, ExpectationError
from ros2_hand_action.replay.expectation_file import (
    SUFFIX,
    ExpectationFile,
    expectation_path,
    read_expectation_file,
)
from ros2_hand_action.replay.golden import save_golden
from ros2_hand_action.replay.jobs import JobOutcome, ReplayJob
from ros2_hand_action.replay.judgement import Judgement
from ros2_hand_action.replay.judging import judge_by_file, judge_by_golden
from ros2_hand_action.replay.junit import write_junit
from ros2_hand_action.replay.named_options import make_replay_options
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.replay import ReplayOptions
from ros2_hand_action.replay.tolerances import read_tolerances


def add_judging_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group('judging')
    group.add_argument(
        '--expect', type=Path, metavar='FILE',
        help=f'expectations for the only SOURCE (default: SOURCE{SUFFIX} where it is there)',
    )
    group.add_argument(
        '--golden', type=Path, metavar='FILE', help='compare with results that were saved'
    )
    group.add_argument(
        '--save-golden', type=Path, metavar='FILE', help='save the results for --golden'
    )
    group.add_argument(
        '--tolerances', type=Path, metavar='FILE',
        help='differences from golden results that do not matter '
        '(default: config/replay_tolerances.yaml of this package)',
    )
    group.add_argument(
        '--junit', type=Path, metavar='FILE', help='write what was judged as JUnit XML'
    )


class Judging:
    """What the options ask for; read, and refused where wrong, before anything is replayed.

    Parameters
    ----------
    parsed : argparse.Namespace
        With `sources` and the options of `add_judging_options`.

    Raises
    ------
    HandActionError
        If a file cannot be used.
    """

    def __init__(self, parsed: argparse.Namespace) -> None:
        self._parsed = parsed
        self._tolerances = read_tolerances(parsed.tolerances)
        if parsed.expect and len(parsed.sources) != 1:
            raise ConfigError(
                f'--expect {str(parsed.expect)!r} is for one SOURCE, there are '
                f'{len(parsed.sources)}: put SOURCE{SUFFIX} beside each'
            )
        if parsed.golden and not parsed.golden.is_file():
            raise ExpectationError(
                f'no golden results {str(parsed.golden)!r}: save them with --save-golden'
            )
        paths = {source: parsed.expect or expectation_path(source) for source in parsed.sources}
        self._files: dict[Path, ExpectationFile] = {
            source: read_expectation_file(path) for source, path in paths.items() if path
        }

    def choose_options(self, job: ReplayJob) -> ReplayJob:
        """Return the job with what its expectation file says of the replay.

        What the command line sets wins.
        """
        file = self._files.get(job.path)
        if file is None or not file.replay:
            return job
        options = make_replay_options(
            file.replay, origin=str(file.path), folder=file.path.parent,
            places=file.replay_places,
        )
        return replace(job, options=_overlay(options, job.options))

    def judge(self, outcomes: Sequence[JobOutcome], recording: Recording) -> list[Judgement]:
        """Judge what was replayed, and write the files that are asked for.

        Raises
        ------
        HandActionError
            If a file cannot be read or written.
        """
        judgements = [
            judgement
            for outcome in outcomes if outcome.clip and outcome.job.path in self._files
            for judgement in judge_by_file(
                outcome.clip, self._files[outcome.job.path], tolerances=self._tolerances
            )
        ]
        if self._parsed.golden:
            judgements += judge_by_golden(
                recording.clips, self._parsed.golden, tolerances=self._tolerances
            )
        if self._parsed.save_golden:
            save_golden(recording, self._parsed.save_golden, self._tolerances)
        if self._parsed.junit:
            errors = {str(each.job.path): each.error for each in outcomes if each.clip is None}
            write_junit(self._parsed.junit, judgements, errors)
        return judgements


def _overlay(options: ReplayOptions, given: ReplayOptions) -> ReplayOptions:
    """Return options with what differs from the defaults in others."""
    defaults = ReplayOptions()
    return ReplayOptions(
        replace(options.selection, **_changes(given.selection, defaults.selection)),
        replace(options.pipeline, **_changes(given.pipeline, defaults.pipeline)),
    )


def _changes(given: object, default: object) -> dict[str, Any]:
    return {name: value for name, value in vars(given).items() if value != vars(default)[name]}

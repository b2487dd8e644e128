"""What a replay test asks of a replay."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ros2_hand_action.errors import ExpectationError
from ros2_hand_action.replay.expectation_grammar import Place, parse_expectation
from ros2_hand_action.replay.golden import compare_golden, load_golden, save_clip
from ros2_hand_action.replay.happenings import Happening, list_happenings
from ros2_hand_action.replay.judge import judge
from ros2_hand_action.replay.judgement import Judgement, format_judgement
from ros2_hand_action.replay.recording import ClipRecording
from ros2_hand_action.replay.tolerances import change_tolerances, read_tolerances


class ReplayResult:
    """A replayed source, to assert on.

    Parameters
    ----------
    clip : ClipRecording
    folder : Path
        Where golden results lie.
    saves_golden : bool
        Whether `compare` saves golden results instead.

    Attributes
    ----------
    clip : ClipRecording
        All that was seen: `clip.frames`, `clip.events`, ...
    events : list of Happening
        Gesture and action events in order of their stamps.
    """

    def __init__(
        self, clip: ClipRecording, folder: Path, *, saves_golden: bool = False
    ) -> None:
        self.clip = clip
        self.events: list[Happening] = list_happenings(clip)
        self._folder = folder
        self._saves_golden = saves_golden

    @property
    def hand_ids(self) -> list[str]:
        """All hands that were in view, in order of appearance."""
        hands = (hand for frame in self.clip.frames for hand in frame.hands or ())
        return list(dict.fromkeys(hand.track_id for hand in hands))

    @property
    def body_ids(self) -> list[str]:
        """All bodies that were in view, in order of appearance."""
        bodies = (body for frame in self.clip.frames for body in frame.bodies or ())
        return list(dict.fromkeys(body.track_id for body in bodies))

    def expect(self, *lines: str) -> None:
        """Judge by lines as in expectation files.

        Raises
        ------
        AssertionError
            If one is not so; says what came instead, and when.
        ExpectationError
            If a line cannot be understood.
        """
        if not lines:
            raise ExpectationError('expect() is given no line: write what must be so')
        expectations = [
            parse_expectation(line, Place('expect()', number, 1))
            for number, line in enumerate(lines, 1)
        ]
        _raise_unless_passed(judge(self.clip, expectations, against='expect()'))

    def compare(self, golden: str | Path, *, tolerances: Mapping[str, Any] | None = None) -> None:
        """Compare with golden results.

        Parameters
        ----------
        golden : str or Path
            A file by `hand-action replay --save-golden`, relative to the test's folder.
        tolerances : mapping of str to value, optional
            What differs from the common ones.

        Raises
        ------
        AssertionError
            If more differs than is tolerated.
        HandActionError
            If the file or the tolerances cannot be used.
        """
        path = self._folder / golden
        changed = change_tolerances(read_tolerances(), dict(tolerances or {}), 'compare()')
        if self._saves_golden:
            save_clip(self.clip, path, changed)
            return
        _raise_unless_passed(compare_golden(
            self.clip, load_golden(path), against=path.name, tolerances=changed
        ))


def _raise_unless_passed(judgement: Judgement) -> None:
    if not judgement.passed:
        raise AssertionError(format_judgement(judgement))

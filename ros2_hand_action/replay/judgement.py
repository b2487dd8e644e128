"""What came of judging a replay: checks that passed or failed, and their text for people."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was expected.

    Attributes
    ----------
    label : str
        Short and unique within its judgement: 'line 4', 'hands.box_px'.
    expected, found : str
        What was expected and what came, for people to read.
    stamp_ns : int or None
        Stamp of the image to look at; None where there is none.
    passed : bool
    """

    label: str
    expected: str
    found: str
    stamp_ns: int | None
    passed: bool


@dataclass(frozen=True)
class Judgement:
    """All checks of one clip against one file.

    Attributes
    ----------
    clip : str
        The clip's name.
    against : str
        The file that says what is expected.
    checks : tuple of Check
        Never empty.
    history : tuple of str
        What came when, a line for each event, in order of time; '-' before what was expected and
        did not come, '+' before what came and was expected nowhere.
    """

    clip: str
    against: str
    checks: tuple[Check, ...]
    history: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        """Whether all checks passed."""
        return not self.failed


def format_judgement(judgement: Judgement) -> str:
    """Return what failed and what came when; one line where all is as expected."""
    failed, total = judgement.failed, len(judgement.checks)
    title = f'{judgement.clip} against {judgement.against}'
    if not failed:
        return f'PASSED  {title}: {total} of {total} as expected'
    lines = [f'FAILED  {title}: {len(failed)} of {total} not as expected']
    for check in failed:
        lines += [f'  {check.label}: expected {check.expected}', f'      {check.found}']
    if judgement.history:
        lines += ['  what came when (- expected in vain, + not expected):']
        lines += [f'    {line}' for line in judgement.history]
    return '\n'.join(lines)


def format_judgements(judgements: Sequence[Judgement]) -> str:
    """Return the text of several judgements, and their number."""
    good = sum(judgement.passed for judgement in judgements)
    texts = [format_judgement(judgement) for judgement in judgements]
    return '\n'.join([*texts, f'{good} of {len(judgements)} as expected'])

"""Reads expectations of one line each, such as 'never: fall_floor': docs/replay_testing.md."""

import re
from collections.abc import Callable
from math import inf
from typing import NamedTuple, NoReturn

from ros2_hand_action.errors import ExpectationError, did_you_mean
from ros2_hand_action.perception.records import Handedness, Phase
from ros2_hand_action.replay.expectations import (
    Count,
    Expectation,
    Kind,
    Moment,
    Shown,
    Subject,
    Thing,
    Where,
    Who,
)


class Place(NamedTuple):
    """Where a text begins: its file's name, line and column, from 1."""

    file: str
    line: int
    column: int


class _Token(NamedTuple):
    text: str
    column: int


_TOKENS = re.compile(r'\+-|±|>=|<=|[:%,]|"[^"]*"|\d+(?:\.\d+)?|[^\W\d][\w-]*')
_NUMBER = 'a number'
_LABEL = 'a label'
_ID = 'an id'
_END = 'the end of the line'
_TOLERANCE = ('+-', '±')
_SIDES = {'left': Handedness.LEFT, 'right': Handedness.RIGHT}
_PHASES = {phase.name: phase for phase in Phase}
_NOT_LABELS = {'hand', 'body', 'gesture', 'action', 'count', 'ids', 'at', 'between', 'always'}
_IS_KIND: dict[str, Callable[[str], bool]] = {
    _NUMBER: lambda text: text[0].isdigit(),
    _LABEL: lambda text: (text[0].isalpha() or text[0] in '"_') and text not in _NOT_LABELS,
    _ID: lambda text: text[0].isalpha(),
    _END: lambda text: text == '',
}


def parse_expectation(text: str, place: Place) -> Expectation:
    """Read one line.

    Raises
    ------
    ExpectationError
        If it does not follow the grammar; names file, line, column, what stands there and what
        may stand there.
    """
    return _Line(text, place).read()


class _Line:
    """Reads one line from left to right; what it asks for in vain goes into the error."""

    def __init__(self, text: str, place: Place) -> None:
        self._text, self._place = text, place
        self._tokens = self._split()
        self._next = 0
        self._asked: list[str] = []

    def read(self) -> Expectation:
        where, begin_s, end_s = self._read_when()
        subject = self._read_subject(where)
        low, high = self._read_share(where, subject)
        self._need(_END)
        return Expectation(
            self._text, self._place.line, where, begin_s, end_s, subject, low, high
        )

    def _read_when(self) -> tuple[Where, float, float]:
        if self._take('at'):
            time_s = self._need_seconds()
            self._need(*_TOLERANCE)
            tolerance_s = self._need_seconds()
            self._need(':')
            return Where.SOMEWHERE, time_s - tolerance_s, time_s + tolerance_s
        never = bool(self._take('never'))
        begin_s, end_s = -inf, inf
        if self._take('between'):
            begin_s = self._need_number()
            self._take('s')
            self._need('and')
            column = self._peek().column
            end_s = self._need_seconds()
            if end_s <= begin_s:
                self._fail(column, f'{end_s:g}', [f'a time after {begin_s:g} s'])
            self._need(':')
        elif never or self._take('always'):
            self._need(':')
        return Where.NEVER if never else Where.THROUGHOUT, begin_s, end_s

    def _read_subject(self, where: Where) -> Subject:
        for thing in Thing:
            if self._take(thing.value):
                return self._read_count(thing)
        for kind in Kind:
            if self._take(kind.value):
                return self._read_labelled(kind, where)
        if where is Where.NEVER:  # elsewhere it would be unclear what is looked at
            return Moment(None, self._need(_LABEL).strip('"'), self._read_phase(), Who())
        raise self._error()

    def _read_count(self, thing: Thing) -> Count:
        of_ids = self._need('count', 'ids') == 'ids'
        if self._take('>='):
            return Count(thing, of_ids, self._need_number(), inf)
        if self._take('<='):
            return Count(thing, of_ids, 0, self._need_number())
        number = self._need_number()
        spread = self._need_number() if self._take(*_TOLERANCE) else 0.0
        return Count(thing, of_ids, number - spread, number + spread)

    def _read_labelled(self, kind: Kind, where: Where) -> Subject:
        label = self._need(_LABEL).strip('"')
        phase = self._read_phase()
        share_first = not phase and self._peek().text in ('>=', '<=')
        who = Who() if share_first else self._read_who(kind)
        if phase or where is Where.NEVER:
            return Moment(kind, label, phase, who)
        return Shown(kind, label, who)

    def _read_phase(self) -> Phase | None:
        taken = self._take(*_PHASES)
        return _PHASES[taken] if taken else None

    def _read_who(self, kind: Kind) -> Who:
        if self._take('body'):
            return Who(body_id=self._need(_ID))
        if kind is Kind.ACTION:
            return Who()
        if self._take('hand'):
            return Who(hand_id=self._need(_ID))
        side = self._take(*_SIDES)
        if not side:
            return Who()
        self._need('hand')
        return Who(side=_SIDES[side])

    def _read_share(self, where: Where, subject: Subject) -> tuple[float, float]:
        by_image = isinstance(subject, Shown) or (
            isinstance(subject, Count) and not subject.of_ids
        )
        if where is not Where.THROUGHOUT or not by_image:
            return 1.0, 1.0
        if self._peek().text == ',':
            self._advance()
        if self._take('>='):
            return self._need_percentage(), 1.0
        if self._take('<='):
            return 0.0, self._need_percentage()
        return 1.0, 1.0

    def _need_percentage(self) -> float:
        column = self._peek().column
        number = self._need_number()
        self._need('%')
        if number > 100:
            self._fail(column, f'{number:g}', ['a number from 0 to 100'])
        return number / 100

    def _need_seconds(self) -> float:
        number = self._need_number()
        self._take('s')
        return number

    def _need_number(self) -> float:
        return float(self._need(_NUMBER))

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _need(self, *wanted: str) -> str:
        """Take the next word, which must be one of these or of these kinds."""
        self._asked += wanted
        text = self._peek().text
        for each in wanted:
            fits = _IS_KIND.get(each, each.__eq__)
            if (text or each == _END) and fits(text):
                self._advance()
                return text
        raise self._error()

    def _take(self, *wanted: str) -> str:
        """Take the next word if it is one of these; '' if not."""
        self._asked += wanted
        text = self._peek().text
        if text not in wanted:
            return ''
        self._advance()
        return text

    def _advance(self) -> None:
        self._next = min(self._next + 1, len(self._tokens) - 1)
        self._asked = []

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self._text):
            if self._text[at].isspace():
                at += 1
                continue
            match = _TOKENS.match(self._text, at)
            if match is None:
                rest = self._text[at:].split()[0]
                self._fail(at, rest, ['words', 'numbers', '+-', '>=', '<=', '%', ':'])
            tokens.append(_Token(match.group(), at))
            at = match.end()
        return [*tokens, _Token('', len(self._text))]

    def _error(self) -> ExpectationError:
        token = self._peek()
        return self._make_error(token.column, token.text, self._asked)

    def _fail(self, column: int, text: str, allowed: list[str]) -> NoReturn:
        raise self._make_error(column, text, allowed)

    def _make_error(self, column: int, text: str, allowed: list[str]) -> ExpectationError:
        file, line, first = self._place
        found = f'{text!r} is not allowed here' if text else 'the line ends too early'
        options = list(dict.fromkeys(allowed))
        hint = did_you_mean(text, options)
        return ExpectationError(
            f'{file}:{line}:{first + column}: {found}{hint}; allowed: {", ".join(options)}\n'
            f'    {self._text}\n    {" " * column}{"^" * max(len(text), 1)}'
        )

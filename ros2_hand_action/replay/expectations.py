"""What a replay is expected to give; `expectation_grammar` reads it from text."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ros2_hand_action.perception.records import Handedness, Phase


class Kind(Enum):
    """What a label belongs to."""

    GESTURE = 'gesture'
    ACTION = 'action'


class Thing(Enum):
    """What can be counted."""

    HAND = 'hand'
    BODY = 'body'


class Where(Enum):
    """In how much of its time an expectation must hold."""

    SOMEWHERE = 'at'
    THROUGHOUT = 'between'
    NEVER = 'never'


@dataclass(frozen=True)
class Who:
    """Whose gesture or action; '' and UNKNOWN are anybody's."""

    side: Handedness = Handedness.UNKNOWN
    hand_id: str = ''
    body_id: str = ''


@dataclass(frozen=True)
class Moment:
    """A gesture or action event; without `phase` any of them."""

    kind: Kind | None
    label: str
    phase: Phase | None
    who: Who


@dataclass(frozen=True)
class Shown:
    """A label that is shown in single images, before events are made of it."""

    kind: Kind
    label: str
    who: Who


@dataclass(frozen=True)
class Count:
    """How many hands or bodies are in an image, or how many ids there are in all."""

    thing: Thing
    of_ids: bool
    low: float
    high: float


Subject: TypeAlias = Moment | Shown | Count


@dataclass(frozen=True)
class Expectation:
    """One line of an expectation file.

    Attributes
    ----------
    text : str
        The line as it was written.
    line : int
        Its number in the file, from 1.
    where : Where
    begin_s, end_s : float
        Seconds since the first image, both included; -inf and inf are the whole recording.
    subject : Moment, Shown or Count
    low_share, high_share : float
        For what is judged image by image: share of the images, 0 to 1.
    """

    text: str
    line: int
    where: Where
    begin_s: float
    end_s: float
    subject: Subject
    low_share: float
    high_share: float

"""What the commander decides."""

from enum import Enum
from typing import NamedTuple

from ros2_hand_action.commanding.command_map import Binding, Reaction
from ros2_hand_action.commanding.control import Shown
from ros2_hand_action.commanding.velocity import Velocity


class State(Enum):
    """What the commander does, the gravest first."""

    EMERGENCY = 'emergency stop'
    FAULT = 'fault'
    STOPPED = 'stopped by an action'
    BLIND = 'no fresh images'
    IDLE = 'nobody in control'
    READY = 'in control'
    MOVING = 'moving'


class Decision(NamedTuple):
    """What to do now.

    Attributes
    ----------
    velocity : Velocity
    state : State
    reason : str
        The command that moves, or why the robot stopped last.
    person : str
        Who is in control; '' = nobody.
    valid_ns : int
        For so long, of a steady clock, it holds without further input.
    """

    velocity: Velocity
    state: State
    reason: str
    person: str
    valid_ns: int


class Firing(NamedTuple):
    """A command to carry out once, what its FIELDS stand for, and what set it off."""

    binding: Binding | Reaction
    fields: dict[str, str]
    stamp_ns: int
    cause: str


def make_firing(binding: Binding, shown: Shown, stamp_ns: int) -> Firing:
    """Return a command that a gesture fires."""
    fields = {
        'command': binding.name,
        'gesture': shown.label,
        'hand_id': shown.hand.hand_id,
        'person': shown.hand.person,
        'handedness': shown.hand.handedness.name.lower(),
    }
    return Firing(binding, fields, stamp_ns, f'{shown.label} of {shown.hand.person}')

"""The map from gestures and actions to commands: what it can say. `map_file` reads it from YAML.

Times are nanoseconds, of the images' stamps unless said otherwise.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from ros2_hand_action.commanding.velocity import STANDSTILL, Velocity
from ros2_hand_action.perception.records import Handedness, Phase


class Zone(Enum):
    """Third of the image, as the camera sees it, in which the middle of the hand lies."""

    LEFT = 'left'
    CENTRE = 'centre'
    RIGHT = 'right'


class Policy(Enum):
    """How a person comes into control."""

    CLAIM = 'claim'
    NEAREST = 'nearest'
    ID = 'id'


class ServiceKind(Enum):
    """Services that can be called; values are types of std_srvs."""

    TRIGGER = 'std_srvs/srv/Trigger'
    SET_BOOL = 'std_srvs/srv/SetBool'


@dataclass(frozen=True)
class Condition:
    """What must be shown. None means any.

    Attributes
    ----------
    gesture : str
    phase : Phase
        STARTED once it has been held for `hold_ns`, HELD repeatedly after that, ENDED once at
        the end.
    handedness : Handedness, optional
    hold_ns : int
        Least duration of the gesture.
    zone : Zone, optional
    raised : bool, optional
        Whether the wrist is above the shoulders of the hand's own body, which must be known.
    """

    gesture: str
    phase: Phase = Phase.STARTED
    handedness: Handedness | None = None
    hold_ns: int = 0
    zone: Zone | None = None
    raised: bool | None = None


@dataclass(frozen=True)
class Move:
    """Move while the gesture is held."""

    velocity: Velocity


@dataclass(frozen=True)
class Publish:
    """Publish a message; texts in `value` may hold the {FIELDS} of what sets it off."""

    topic: str
    type_name: str
    value: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """Call a service; `data` is that of SetBool."""

    service: str
    kind: ServiceKind
    data: bool = False


Command = Move | Publish | Call


@dataclass(frozen=True)
class Binding:
    """What a gesture commands; `where` is its file and line."""

    FIELDS: ClassVar = ('command', 'gesture', 'hand_id', 'person', 'handedness')

    name: str
    where: str
    condition: Condition
    command: Command


@dataclass(frozen=True)
class Reaction:
    """What an action of a person sets off, which is never a motion.

    Attributes
    ----------
    name, where : str
        `where` is its file and line.
    action : str
    phase : Phase
        As of Condition.
    hold_ns : int
        Least duration of the action.
    command : Publish or Call
    """

    FIELDS: ClassVar = ('command', 'action', 'person')

    name: str
    where: str
    action: str
    phase: Phase
    hold_ns: int
    command: Publish | Call


@dataclass(frozen=True)
class ControlOptions:
    """Who is in control.

    Attributes
    ----------
    policy : Policy
    claim, release : Condition, optional
        Gestures that take and give back control; only of the policy CLAIM.
    lost_ns : int
        Who is not seen for so long is not in control any more.
    """

    policy: Policy = Policy.CLAIM
    claim: Condition | None = None
    release: Condition | None = None
    lost_ns: int = 500_000_000


@dataclass(frozen=True)
class VelocityOptions:
    """How velocities are published.

    Attributes
    ----------
    topic : str
    is_stamped : bool
        TwistStamped instead of Twist.
    frame_id : str
        Of TwistStamped.
    limits, acceleration, deceleration : Velocity
        Largest magnitudes of each axis, in its unit, and that per second.
    zero_ns : int
        After a stop zero is published for so long, of a steady clock, before silence.
    keeps_zero : bool
        There is no silence.
    """

    topic: str = 'cmd_vel'
    is_stamped: bool = False
    frame_id: str = 'base_link'
    limits: Velocity = STANDSTILL
    acceleration: Velocity = STANDSTILL
    deceleration: Velocity = STANDSTILL
    zero_ns: int = 1_000_000_000
    keeps_zero: bool = False


@dataclass(frozen=True)
class SafetyOptions:
    """When to stop.

    Attributes
    ----------
    stop_gestures : tuple of str
        Whoever shows one of these stops the robot.
    timeout_ns : int
        The newest image that shows the gesture may be so old, by its stamp and by its arrival.
    release_ns : int
        Images that do not show the gesture any more for so long end the motion.
    future_ns : int
        A stamp may lie so far ahead of the clock.
    jump_ns : int
        The time between two stamps may differ by so much from that between their arrivals.
    least_probability : float
        Of the gesture in each image, 0 to 1.
    emergency_timeout_ns : int
        The emergency stop's topic must be heard within this time; 0 needs no such topic.
    stop_actions : tuple of str
        While anybody does one of these the robot stands still.
    action_age_ns : int
        An action of an image that is older sets nothing off; it still stops.
    """

    stop_gestures: tuple[str, ...] = ('stop',)
    timeout_ns: int = 130_000_000
    release_ns: int = 80_000_000
    future_ns: int = 50_000_000
    jump_ns: int = 250_000_000
    least_probability: float = 0.5
    emergency_timeout_ns: int = 0
    stop_actions: tuple[str, ...] = ()
    action_age_ns: int = 2_000_000_000


@dataclass(frozen=True)
class CommandMap:
    """All that a map says, in the order of the file; the first motion that fits counts."""

    bindings: tuple[Binding, ...]
    control: ControlOptions = field(default_factory=ControlOptions)
    velocity: VelocityOptions = field(default_factory=VelocityOptions)
    safety: SafetyOptions = field(default_factory=SafetyOptions)
    reactions: tuple[Reaction, ...] = ()

    @property
    def commands(self) -> tuple[Binding | Reaction, ...]:
        """Everything that is commanded."""
        return self.bindings + self.reactions

    @property
    def moves(self) -> bool:
        """Whether any gesture moves the robot."""
        return any(isinstance(binding.command, Move) for binding in self.bindings)

    @property
    def gestures(self) -> frozenset[str]:
        """Every gesture that means something."""
        control = (self.control.claim, self.control.release)
        return frozenset(
            {binding.condition.gesture for binding in self.bindings}
            | {condition.gesture for condition in control if condition}
            | set(self.safety.stop_gestures)
        )

    @property
    def actions(self) -> frozenset[str]:
        """Every action that means something."""
        return frozenset({each.action for each in self.reactions} | {*self.safety.stop_actions})

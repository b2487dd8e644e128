"""Velocities of a robot: along and about three axes, within limits, without jerks."""

from typing import NamedTuple


class Velocity(NamedTuple):
    """A velocity in the robot's frame, x forward, y left, z up (REP-103).

    The first three are in m/s, the others, about the same axes, in rad/s.
    """

    linear_x: float = 0.0
    linear_y: float = 0.0
    linear_z: float = 0.0
    angular_x: float = 0.0
    angular_y: float = 0.0
    angular_z: float = 0.0

    @property
    def is_zero(self) -> bool:
        """Whether nothing moves."""
        return not any(self)


STANDSTILL = Velocity()


class Ramp:
    """Brings a velocity to a target no faster than a robot may accelerate.

    A stop has no ramp: `stop` is zero at once, and the base brakes as its driver lets it.

    Parameters
    ----------
    acceleration, deceleration : Velocity
        Largest change per second away from zero and towards zero, of each axis.
    """

    def __init__(self, acceleration: Velocity, deceleration: Velocity) -> None:
        self._acceleration, self._deceleration = acceleration, deceleration
        self.velocity = STANDSTILL

    def advance(self, target: Velocity, dt_s: float) -> Velocity:
        """Return the velocity `dt_s` seconds later on the way to the target."""
        self.velocity = Velocity(*(
            _step(now, wanted, rise * dt_s, fall * dt_s)
            for now, wanted, rise, fall in zip(
                self.velocity, target, self._acceleration, self._deceleration
            )
        ))
        return self.velocity

    def stop(self) -> None:
        """Be at a standstill."""
        self.velocity = STANDSTILL


def _step(now: float, wanted: float, rise: float, fall: float) -> float:
    """Return the value after at most `fall` towards zero or `rise` away from it."""
    if now * wanted < 0:  # through zero first
        wanted = 0.0
    most = fall if abs(wanted) < abs(now) else rise
    return now + min(max(wanted - now, -most), most)

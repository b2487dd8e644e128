"""The emergency stop: latched until it is reset by hand."""

from ros2_hand_action.commanding.stamps import Now
from ros2_hand_action.errors import HandActionError


class EmergencyStop:
    """Latches on every message that does not say plainly that nothing is wrong.

    Parameters
    ----------
    timeout_ns : int
        A message must come within this steady time; 0 needs none.
    """

    def __init__(self, timeout_ns: int) -> None:
        self._timeout_ns = timeout_ns
        self._heard_ns: int | None = None
        self._is_pressed = False
        self._latched = ''

    def observe(self, is_pressed: bool | None, now: Now) -> None:
        """Take a message; None is one that cannot be read."""
        self._heard_ns = now.steady_ns
        self._is_pressed = is_pressed is not False
        if self._is_pressed:
            self.latch('pressed' if is_pressed else 'its message cannot be read')

    def latch(self, reason: str) -> None:
        """Stop until reset."""
        self._latched = self._latched or reason

    def check(self, now: Now) -> str:
        """Return why the robot must stand still; '' if it need not."""
        if self._timeout_ns and self._heard_ns is None:
            return 'emergency stop: nothing heard from its topic yet'
        if self._is_silent(now):
            self.latch(f'nothing heard from its topic for {self._timeout_ns / 1e9:g} s')
        return f'emergency stop: {self._latched}' if self._latched else ''

    def reset(self, now: Now) -> None:
        """Unlatch.

        Raises
        ------
        HandActionError
            If the cause is still there.
        """
        if self._is_pressed:
            raise HandActionError(
                'the emergency stop is still pressed: publish false on its topic first'
            )
        if self._is_silent(now):
            raise HandActionError('the emergency stop is not heard from: start its publisher')
        self._latched = ''

    def _is_silent(self, now: Now) -> bool:
        if not self._timeout_ns or self._heard_ns is None:
            return False
        return now.steady_ns - self._heard_ns > self._timeout_ns

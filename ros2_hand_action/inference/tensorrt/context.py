"""The device's primary context, current in whichever thread asks for it.

Executors call a node's session from several threads, and a context is current in one thread only:
so it is pushed around every use and never made current for good (`pycuda.autoinit` would do that).
"""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.tensorrt.bindings import Bindings

_lock = threading.Lock()
_contexts: dict[int, Any] = {}


class DeviceContext:
    """A GPU that can be made current; all sessions of a process share its primary context.

    Parameters
    ----------
    bindings : Bindings
    ordinal : int
        Number of the device.

    Raises
    ------
    ModelError
        If the driver does not give the context.
    """

    def __init__(self, bindings: Bindings, ordinal: int = 0) -> None:
        self._cuda = bindings.cuda
        with _lock:
            if ordinal not in _contexts:
                _contexts[ordinal] = self._retain(ordinal)
            self._context = _contexts[ordinal]

    def _retain(self, ordinal: int) -> Any:
        try:
            return self._cuda.Device(ordinal).retain_primary_context()
        except self._cuda.Error as error:
            raise ModelError(
                f'cannot use GPU {ordinal}: {error}; `nvidia-smi` shows the devices and who uses '
                'them'
            ) from error

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the context current in this thread."""
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()


@atexit.register
def release_contexts() -> None:
    """Give the contexts back; sessions that are still open are of no use after it."""
    with _lock:
        while _contexts:
            _, context = _contexts.popitem()
            context.push()  # PyCUDA releases in any thread what is current there
            context.detach()

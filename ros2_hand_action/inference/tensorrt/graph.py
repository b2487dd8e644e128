"""CUDA graphs: a recorded run that the driver starts with one call.

PyCUDA has no functions for them, so the driver is called through ctypes.
"""

import ctypes
from collections.abc import Callable

from ros2_hand_action.inference.tensorrt.driver import load_driver

_CAPTURE_THREAD_LOCAL = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads do does not spoil the recording."""


class CaptureError(Exception):
    """A run cannot be recorded; it can still be started call by call."""


class RecordedRun:
    """A recorded run; the context must be current in every call.

    Parameters
    ----------
    stream_handle : int
    enqueue : callable
        Puts the work on that stream, without waiting for it.

    Raises
    ------
    CaptureError
        If the driver or something that was enqueued does not allow it.
    Exception
        What `enqueue` raises; the recording is given up, and the stream is as before.
    """

    def __init__(self, stream_handle: int, enqueue: Callable[[], None]) -> None:
        self._stream = ctypes.c_void_p(stream_handle)
        self._executable = ctypes.c_void_p()
        graph = ctypes.c_void_p()
        _call('cuStreamBeginCapture_v2', self._stream, _CAPTURE_THREAD_LOCAL)
        try:
            try:
                enqueue()
            finally:
                status = load_driver().cuStreamEndCapture(self._stream, ctypes.byref(graph))
            if status or not graph:
                raise CaptureError(f'cuStreamEndCapture gives CUDA error {status}')
            _call(
                'cuGraphInstantiateWithFlags', ctypes.byref(self._executable), graph,
                ctypes.c_ulonglong(0),
            )
        finally:
            if graph:
                load_driver().cuGraphDestroy(graph)

    def launch(self) -> None:
        """Start the recorded work; raises CaptureError if the driver refuses."""
        _call('cuGraphLaunch', self._executable, self._stream)

    def free(self) -> None:
        """Give the recording back."""
        load_driver().cuGraphExecDestroy(self._executable)


def _call(name: str, *arguments: object) -> None:
    try:
        status = getattr(load_driver(), name)(*arguments)
    except AttributeError:
        raise CaptureError(f'the driver has no {name}') from None
    if status:
        raise CaptureError(f'{name} gives CUDA error {status}')

"""What the CUDA driver says, asked through ctypes.

`libcuda` is the only thing that can be asked on every machine: TensorRT's own runtime crashes the
process where there is no driver, and PyCUDA cannot be imported there.
"""

import ctypes
from functools import cache
from typing import NamedTuple

_LIBRARY = 'libcuda.so.1'
_NAME_SIZE = 256
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*, cuda.h."""


class Device(NamedTuple):
    """A GPU; its place in the list of `Driver.devices` is its ordinal."""

    name: str
    capability: tuple[int, int]


class Driver(NamedTuple):
    """The driver's answer.

    Attributes
    ----------
    devices : tuple of Device
    version : int
        Newest CUDA that the driver runs, 12060 for 12.6; 0 without a driver.
    problem : str
        Why no device can be used, with what to do; '' where `devices` has one.
    """

    devices: tuple[Device, ...]
    version: int
    problem: str


@cache
def load_driver() -> ctypes.CDLL:
    """Return libcuda; raises OSError where there is none."""
    return ctypes.CDLL(_LIBRARY)


def probe_driver() -> Driver:
    """Ask the driver for its devices; never raises and never crashes."""
    try:
        library = load_driver()
    except OSError as error:
        return Driver((), 0, f'no NVIDIA driver ({error})')
    status = library.cuInit(0)
    if status:
        return Driver((), 0, f'the NVIDIA driver does not start ({_describe(library, status)})')
    version, count = ctypes.c_int(), ctypes.c_int()
    library.cuDriverGetVersion(ctypes.byref(version))
    status = library.cuDeviceGetCount(ctypes.byref(count))
    if status or not count.value:
        reason = _describe(library, status) if status else 'it counts 0'
        return Driver((), version.value, f'the NVIDIA driver has no device ({reason})')
    devices = tuple(_probe_device(library, ordinal) for ordinal in range(count.value))
    return Driver(devices, version.value, '')


def _probe_device(library: ctypes.CDLL, ordinal: int) -> Device:
    handle, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_SIZE)
    library.cuDeviceGet(ctypes.byref(handle), ordinal)
    library.cuDeviceGetName(name, _NAME_SIZE, handle)
    capability = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        value = ctypes.c_int()
        library.cuDeviceGetAttribute(ctypes.byref(value), attribute, handle)
        capability.append(value.value)
    return Device(name.value.decode(errors='replace'), (capability[0], capability[1]))


def _describe(library: ctypes.CDLL, status: int) -> str:
    """Return CUDA's name of an error."""
    name = ctypes.c_char_p()
    if library.cuGetErrorName(status, ctypes.byref(name)) or not name.value:
        return f'CUDA error {status}'
    return name.value.decode(errors='replace')

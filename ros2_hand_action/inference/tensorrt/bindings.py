"""TensorRT's and PyCUDA's Python modules, loaded only where they can work."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.tensorrt.driver import probe_driver

OLDEST, NEWEST_MAJOR = (8, 6), 11
"""Versions whose API was compared; 9 was for data centres only and is treated as 10."""

_INSTALL = 'apt install python3-libnvinfer and pip install pycuda on the robot: docs/tensorrt.md'


class Bindings(NamedTuple):
    """The modules: `trt` is tensorrt, `cuda` is pycuda.driver."""

    trt: Any
    cuda: Any


def find_problem() -> str:
    """Return why TensorRT cannot be used here, '' where it can; never crashes.

    TensorRT is imported last: without a driver its runtime ends the process.
    """
    problem = probe_driver().problem
    if problem:
        return problem
    missing = [name for name in ('tensorrt', 'pycuda') if find_spec(name) is None]
    if missing:
        return f'no Python module {" and ".join(missing)} ({_INSTALL})'
    try:
        trt = load_bindings().trt
    except (ImportError, OSError) as error:
        return f'its Python modules do not load ({error}; {_INSTALL})'
    if version_of(trt) < OLDEST or version_of(trt)[0] > NEWEST_MAJOR:
        return f'version {trt.__version__} (needs 8.6 to {NEWEST_MAJOR}.x)'
    return ''


@cache
def load_bindings() -> Bindings:
    """Return both modules, CUDA being initialised; raises ImportError where one is absent.

    Raises
    ------
    ModelError
        If CUDA cannot be initialised.
    """
    cuda = import_module('pycuda.driver')
    try:
        cuda.init()
    except cuda.Error as error:
        raise ModelError(f'CUDA does not start: {error}; run `nvidia-smi` to see why') from error
    return Bindings(import_module('tensorrt'), cuda)


def version_of(trt: Any) -> tuple[int, int]:
    """Return TensorRT's major and minor version."""
    major, minor = trt.__version__.split('.')[:2]
    return int(major), int(minor)

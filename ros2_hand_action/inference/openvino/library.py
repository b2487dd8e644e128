"""OpenVINO's Python module, without the part that reports to its maker."""

import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_BF16_FLAGS = {'avx512_bf16', 'amx_bf16', 'avx_ne_convert'}
"""What Linux says of x86 processors for which OpenVINO has code in bf16."""
DEVICE = 'CPU'
_CONVERTER = 'openvino.tools.ovc'
"""Converts networks of other formats and counts its use through openvino_telemetry; `openvino`
imports it where it can be imported, and goes without elsewhere."""


def find_problem() -> str:
    """Return why OpenVINO cannot be used here, '' if it can; it is not loaded (80 ms)."""
    if 'openvino' not in sys.modules and find_spec('openvino') is None:
        return 'no Python module openvino (pip install --no-deps openvino)'
    return ''


def find_fault() -> str:
    """Load OpenVINO, and return why it cannot be; '' if it can."""
    try:
        computes_bf16()
    except Exception as error:  # ImportError, OSError, or RuntimeError of its plugin
        return f'openvino cannot be loaded ({error})'
    return ''


@cache
def load_openvino() -> Any:
    """Return the module `openvino`."""
    is_blocked = 'openvino' not in sys.modules and _CONVERTER not in sys.modules
    if is_blocked:
        sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # raises ImportError
    try:
        import openvino
    finally:
        if is_blocked:
            del sys.modules[_CONVERTER]
    return openvino


@cache
def load_core() -> Any:
    """Return the one `openvino.Core` of this process; its calls are safe in any thread."""
    return load_openvino().Core()


def version() -> str:
    """Return OpenVINO's version, such as '2026.4.1'."""
    return str(load_openvino().__version__).partition('-')[0]


@cache
def is_bf16_native() -> bool:
    """Return whether Linux says that the processor computes in bf16."""
    with Path('/proc/cpuinfo').open() as lines:
        flags = next((line for line in lines if line.startswith('flags')), '')
    return not _BF16_FLAGS.isdisjoint(flags.split())


def computes_bf16() -> bool:
    """Return whether OpenVINO computes in bf16 here; elsewhere it takes fp32 without a word."""
    return 'BF16' in load_core().get_property(DEVICE, 'OPTIMIZATION_CAPABILITIES')


def device_name() -> str:
    """Return the processor's name, with what it can do."""
    core = load_core()
    capabilities = core.get_property(DEVICE, 'OPTIMIZATION_CAPABILITIES')
    return f'{core.get_property(DEVICE, "FULL_DEVICE_NAME")} {sorted(capabilities)}'

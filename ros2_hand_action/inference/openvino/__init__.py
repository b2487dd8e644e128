"""Networks run by OpenVINO on a processor; docs/cpu_backends.md says when and why.

Nothing here imports OpenVINO before it is asked whether it can be used.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ros2_hand_action.inference.openvino.library import find_problem, is_bf16_native
from ros2_hand_action.inference.session import PRECISION_CHOICES, SessionOptions

if TYPE_CHECKING:
    from ros2_hand_action.inference.openvino.session import OpenVinoSession

__all__ = ['find_drawback', 'find_problem', 'open_session', 'resolve_precision']

_LEAST_BYTES = 1_000_000
"""Smaller networks are heads on features: ONNX Runtime runs those in half the time, exactly."""


def find_drawback(precision: str, network: Path | None) -> str:
    """Return why 'auto' takes another back end for a network, if it is given; '' if it does not.

    Only bf16 is faster than ONNX Runtime (docs/cpu_backends.md).
    """
    if precision == 'bf16':
        return ''
    if precision != 'auto':
        return f'{precision} is as fast without it'
    if network is not None and network.is_file() and network.stat().st_size < _LEAST_BYTES:
        return f'{network.name} is small'
    return '' if is_bf16_native() else 'this processor does not compute in bf16'


def resolve_precision(precision: str) -> str:
    """Return the precision that is run; 'auto' is bf16 where the processor has it, else fp32."""
    if precision != 'auto':
        return precision if precision in PRECISION_CHOICES else ''
    return 'bf16' if is_bf16_native() else 'fp32'


def open_session(path: Path, options: SessionOptions) -> 'OpenVinoSession':
    """Load a network; see `inference.create_session`."""
    from ros2_hand_action.inference.openvino.session import OpenVinoSession

    return OpenVinoSession(path, options)

"""Networks run by OpenVINO on a processor; docs/cpu_backends.md says when and why.

Nothing here imports OpenVINO before it is asked whether it can be used.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ros2_hand_action.inference.openvino.library import find_problem, is_bf16_native
from ros2_hand_action.inference.session import PRECISION_CHOICES, SessionOptions

if TYPE_CHECKING:
    from ros2_hand_action.inference.openvino.session import OpenVinoSession

__all__ = ['PURPOSE', 'find_drawback', 'find_problem', 'open_session', 'resolve_precision']

BF16_NETWORKS = frozenset({
    'hand_landmark_full', 'hand_landmark_lite', 'palm_detection_full', 'palm_detection_lite',
})
"""Those whose tasks were measured to lose at most 0.5 % in bf16 (docs/cpu_backends.md)."""

PURPOSE = 'the best there is for networks of hands; onnxruntime in fp32 for all others'


def find_drawback(precision: str, network: Path | None) -> str:
    """Return why 'auto' takes another back end for a network, if it is given; '' if it does not.

    Only bf16 is faster than ONNX Runtime.
    """
    if precision not in ('auto', 'bf16'):
        return f'{precision} is as fast without it'
    if precision == 'auto' and not is_bf16_native():
        return 'this processor does not compute in bf16'
    if precision == 'auto' and not _bears_bf16(network):
        return 'bf16 was not measured to be exact enough for this network'
    return ''


def resolve_precision(precision: str, network: Path | None) -> str:
    """Return the precision that is run; 'auto' is bf16 where that is fast and exact enough."""
    if precision != 'auto':
        return precision if precision in PRECISION_CHOICES else ''
    return 'bf16' if is_bf16_native() and _bears_bf16(network) else 'fp32'


def _bears_bf16(network: Path | None) -> bool:
    return network is None or network.stem in BF16_NETWORKS


def open_session(path: Path, options: SessionOptions) -> 'OpenVinoSession':
    """Load a network; see `inference.create_session`."""
    from ros2_hand_action.inference.openvino.session import OpenVinoSession

    return OpenVinoSession(path, options)

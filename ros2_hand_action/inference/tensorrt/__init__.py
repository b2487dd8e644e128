"""Networks run by TensorRT on an NVIDIA GPU; docs/tensorrt.md says how and what was tried.

Nothing here imports TensorRT, PyCUDA or onnx before a session is opened.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ros2_hand_action.inference.session import SessionOptions, resolve_file_precision
from ros2_hand_action.inference.tensorrt.bindings import find_problem

if TYPE_CHECKING:
    from ros2_hand_action.inference.tensorrt.session import TensorRtSession

__all__ = ['PURPOSE', 'find_drawback', 'find_problem', 'open_session', 'resolve_precision']

resolve_precision = resolve_file_precision
PURPOSE = 'the best there is'


def find_drawback(precision: str, network: Path | None) -> str:
    """Return '': where there is a GPU, it is taken."""
    return ''


def open_session(path: Path, options: SessionOptions) -> 'TensorRtSession':
    """Load a network; see `inference.create_session`."""
    from ros2_hand_action.inference.tensorrt.session import TensorRtSession

    return TensorRtSession.open(path, options)

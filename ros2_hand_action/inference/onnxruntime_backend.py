"""Networks run by ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.backend_session import BackendSession
from ros2_hand_action.inference.session import (
    SessionOptions,
    TensorSpec,
    check_feeds,
    resolve_file_precision,
)

_PROVIDERS = ('CUDAExecutionProvider', 'CPUExecutionProvider')
"""Execution providers that are used where installed, best first."""

_DTYPES: dict[str, np.dtype] = {
    'tensor(float)': np.dtype(np.float32),
    'tensor(float16)': np.dtype(np.float16),
    'tensor(double)': np.dtype(np.float64),
    'tensor(uint8)': np.dtype(np.uint8),
    'tensor(int32)': np.dtype(np.int32),
    'tensor(int64)': np.dtype(np.int64),
    'tensor(bool)': np.dtype(np.bool_),
}


class OnnxRuntimeSession(BackendSession):
    """An `InferenceSession` on ONNX Runtime.

    Parameters
    ----------
    path : Path
        An ONNX file.
    options : SessionOptions

    Raises
    ------
    ModelError
        If the file cannot be loaded.
    """

    def __init__(self, path: Path, options: SessionOptions) -> None:
        try:
            session = onnxruntime.InferenceSession(
                str(path), sess_options=_make_options(options.threads), providers=_providers()
            )
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise ModelError(
                f'ONNX Runtime cannot load {str(path)!r} ({_first_line(error)}): check it with '
                '`hand-action models verify`, replace it with `hand-action models fetch`'
            ) from error
        super().__init__(
            path,
            inputs=[_make_spec(node) for node in session.get_inputs()],
            outputs=[_make_spec(node) for node in session.get_outputs()],
            description=f'onnxruntime {session.get_providers()[0]} {options.precision}',
        )
        self._session: onnxruntime.InferenceSession | None = session
        self._output_names = [spec.name for spec in self.outputs]

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the network once.

        Raises
        ------
        TensorMismatchError
            If `feeds` does not fit the inputs.
        ModelError
            If the session is closed, or the network fails inside.
        """
        if self._session is None:
            raise self._make_closed_error()
        check_feeds(self._inputs, feeds)
        try:
            arrays = self._session.run(self._output_names, dict(feeds))
        except Exception as error:
            raise ModelError(
                f'ONNX Runtime failed in {str(self._path)!r}: {_first_line(error)}'
            ) from error
        return dict(zip(self._output_names, arrays, strict=True))

    def close(self) -> None:
        """Free the network; may be called again."""
        self._session = None


def find_problem() -> str:
    """Return ''; where ONNX Runtime is missing, this module cannot be imported."""
    return ''


def find_drawback(precision: str, network: Path | None) -> str:
    """Return '': whatever can be run, this can run."""
    return ''


resolve_precision = resolve_file_precision
PURPOSE = 'the best there is'


def open_session(path: Path, options: SessionOptions) -> OnnxRuntimeSession:
    """Load a network; see `inference.create_session`."""
    return OnnxRuntimeSession(path, options)


def _providers() -> list[str]:
    """Return the providers to use out of those installed."""
    installed = onnxruntime.get_available_providers()
    return [name for name in _PROVIDERS if name in installed]


def _make_options(threads: int) -> onnxruntime.SessionOptions:
    """Return settings for one small network among several busy nodes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads spin while the network runs, as falling asleep between its operators takes longer,
    # and not after it, as the cores belong to the other nodes too (figures: docs/hands.md).
    options.add_session_config_entry('session.intra_op.allow_spinning', '1')
    options.add_session_config_entry('session.force_spinning_stop', '1')
    return options


def _make_spec(node: onnxruntime.NodeArg) -> TensorSpec:
    """Translate ONNX Runtime's description of an input or output."""
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, shape, _DTYPES.get(node.type, np.dtype(np.object_)))


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]

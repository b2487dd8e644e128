"""OpenVINO as an inference back end: the session."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ros2_hand_action.errors import ModelError, TensorMismatchError
from ros2_hand_action.inference.backend_session import BackendSession
from ros2_hand_action.inference.openvino.compiled import CompiledNetwork, load_compiled
from ros2_hand_action.inference.openvino.library import DEVICE, load_openvino, version
from ros2_hand_action.inference.session import SessionOptions, TensorSpec, check_feeds


class OpenVinoSession(BackendSession):
    """An `InferenceSession` on OpenVINO, on the processor.

    Rows are run one by one: a batch takes as long as its rows do (docs/cpu_backends.md), and no
    batch size must be compiled while images wait. What `run` returns belongs to the caller.

    Parameters
    ----------
    path : Path
        An ONNX file.
    options : SessionOptions
        `precision` is not 'auto'.

    Raises
    ------
    UnsupportedNetworkError
        If OpenVINO cannot load the file.
    """

    def __init__(self, path: Path, options: SessionOptions) -> None:
        compiled = load_compiled(path, options)
        super().__init__(
            path, inputs=compiled.inputs, outputs=compiled.outputs,
            description=f'openvino {version()} {DEVICE} {options.precision}',
        )
        self._compiled: CompiledNetwork | None = compiled
        self._request: Any = compiled.model.create_infer_request()
        self._make_tensor = load_openvino().Tensor
        self._has_rows = all(spec.shape[:1] == (None,) for spec in (*self._inputs, *self._outputs))
        shapes = [port.partial_shape for port in compiled.model.outputs]
        self._shapes = [tuple(shape.to_shape()) if shape.is_static else None for shape in shapes]

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the network once for each row.

        Raises
        ------
        TensorMismatchError
            If `feeds` does not fit the inputs.
        ModelError
            If the session is closed, or the network fails inside.
        """
        if self._request is None:
            raise self._make_closed_error()
        check_feeds(self._inputs, feeds)
        arrays = [np.require(feeds[spec.name], None, ['C', 'W']) for spec in self._inputs]
        try:
            results = self._run_rows(arrays) if self._has_rows else self._run_whole(arrays)
        except RuntimeError as error:
            raise ModelError(f'OpenVINO failed in {str(self._path)!r}: {error}') from error
        return dict(zip((spec.name for spec in self._outputs), results, strict=True))

    def close(self) -> None:
        """Free the network; may be called again."""
        self._request = None  # first, as it reads the memory of the other
        self._compiled = None

    def _run_rows(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        counts = {len(array) for array in arrays}
        if len(counts) > 1:
            raise TensorMismatchError(
                f'inputs of {str(self._path)!r} have first dimensions {sorted(counts)}: give all '
                'the same'
            )
        (count,) = counts
        results = [
            None if shape is None else np.empty((count, *shape[1:]), spec.dtype)
            for shape, spec in zip(self._shapes, self._outputs)
        ]
        rows = [
            self._infer(
                [array[row:row + 1] for array in arrays],
                [None if result is None else result[row:row + 1] for result in results],
            ) for row in range(count)
        ]
        return [
            _join([row[place] for row in rows], spec) if result is None else result
            for place, (result, spec) in enumerate(zip(results, self._outputs))
        ]

    def _run_whole(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        return self._infer(arrays, [
            None if shape is None else np.empty(shape, spec.dtype)
            for shape, spec in zip(self._shapes, self._outputs)
        ])

    def _infer(
        self, arrays: list[np.ndarray], results: Sequence[np.ndarray | None]
    ) -> list[np.ndarray]:
        """Run the network on the arrays' own memory; None is a result whose size is not known."""
        for place, array in enumerate(arrays):
            self._request.set_input_tensor(place, self._make_tensor(array, shared_memory=True))
        for place, result in enumerate(results):
            if result is not None:
                tensor = self._make_tensor(result, shared_memory=True)
                self._request.set_output_tensor(place, tensor)
        self._request.infer()
        return [
            self._request.get_output_tensor(place).data.copy() if result is None else result
            for place, result in enumerate(results)
        ]


def _join(parts: list[np.ndarray], spec: TensorSpec) -> np.ndarray:
    if parts:
        return np.concatenate(parts)
    return np.empty([size or 0 for size in spec.shape], spec.dtype)

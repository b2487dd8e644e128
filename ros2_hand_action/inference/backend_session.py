"""What the sessions of all back ends have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ros2_hand_action.errors import ModelError
from ros2_hand_action.inference.session import TensorSpec


class BackendSession(ABC):
    """An `InferenceSession` that a back end completes with `run` and `close`.

    Parameters
    ----------
    path : Path
        The network's file, for messages.
    inputs, outputs : sequence of TensorSpec
        In the network's order.
    description : str
        Back end, device and precision.
    """

    def __init__(
        self, path: Path, *, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec],
        description: str,
    ) -> None:
        self._path, self._description = path, description
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs in the network's order."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs in the network's order."""
        return self._outputs

    @property
    def description(self) -> str:
        """Back end, device and precision."""
        return self._description

    @abstractmethod
    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the network."""

    def warm_up(self) -> None:
        """Run once on zeros; free dimensions are 1."""
        self.run({
            spec.name: np.zeros([size or 1 for size in spec.shape], spec.dtype)
            for spec in self._inputs
        })

    @abstractmethod
    def close(self) -> None:
        """Free the network; may be called again."""

    def _make_closed_error(self) -> ModelError:
        return ModelError(f'the network {str(self._path)!r} is closed: create a new session')

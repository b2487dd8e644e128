"""A network's inputs and outputs in page-locked host memory and on the device."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ros2_hand_action.errors import ModelError

Shape = tuple[int, ...]


class TensorBuffer:
    """Memory for one tensor of at most some size; the device's context must be current.

    Attributes
    ----------
    address : int
        On the device.
    """

    def __init__(self, cuda: Any, *, name: str, largest: Shape, dtype: np.dtype) -> None:
        self._cuda = cuda
        size = max(math.prod(largest), 1)
        try:
            self._host = cuda.pagelocked_empty(size, dtype)
            self._device = cuda.mem_alloc(self._host.nbytes)
        except cuda.MemoryError as error:
            raise ModelError(
                f'the GPU has no {size * dtype.itemsize:,} bytes left for {name!r} {largest}: '
                'run fewer networks or nodes'
            ) from error
        self.address = int(self._device)

    def host(self, shape: Shape) -> np.ndarray:
        """Return the host's side as a view of this shape."""
        view: np.ndarray = self._host[:math.prod(shape)].reshape(shape)
        return view

    def upload(self, shape: Shape, stream: Any) -> None:
        """Start copying to the device."""
        self._cuda.memcpy_htod_async(self._device, self.host(shape), stream)

    def download(self, shape: Shape, stream: Any) -> None:
        """Start copying to the host."""
        self._cuda.memcpy_dtoh_async(self.host(shape), self._device, stream)

    def free(self) -> None:
        """Give both sides back."""
        self._device.free()
        self._host.base.free()


class BufferSet(Mapping[str, TensorBuffer]):
    """The buffers of all tensors of a network; none are kept if one cannot be had."""

    def __init__(self, cuda: Any, largest: Mapping[str, tuple[Shape, np.dtype]]) -> None:
        self._buffers: dict[str, TensorBuffer] = {}
        try:
            for name, (shape, dtype) in largest.items():
                self._buffers[name] = TensorBuffer(cuda, name=name, largest=shape, dtype=dtype)
        except ModelError:
            self.free()
            raise

    def __getitem__(self, name: str) -> TensorBuffer:
        return self._buffers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._buffers)

    def __len__(self) -> int:
        return len(self._buffers)

    def free(self) -> None:
        """Give all memory back."""
        for buffer in self._buffers.values():
            buffer.free()
        self._buffers = {}
